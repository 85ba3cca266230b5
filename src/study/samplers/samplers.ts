import { type NamedSetting, readNamed } from "../named-setting.ts";
import { evolutionSampler } from "./evolution.ts";
import { gridSampler } from "./grid.ts";
import { randomSampler } from "./random.ts";
import type { Sampler, SamplerKind } from "./sampler.ts";
import { scoresSampler } from "./scores.ts";
import { tpeSampler } from "./tpe.ts";

/** Every sampler under its name: what `sampler:` in study.yaml understands, and what the contract suite runs. */
export const samplers = {
  random: randomSampler,
  grid: gridSampler,
  scores: scoresSampler,
  evolution: evolutionSampler,
  tpe: tpeSampler,
} satisfies Record<string, SamplerKind>;

export type SamplerName = keyof typeof samplers;

/**
 * The sampler that a study's settings name, with its options.
 * @throws GraftError UNKNOWN_SAMPLER, OPTIONS
 */
export function openSampler(setting: NamedSetting): Sampler {
  const { name, kind, options } = readNamed<SamplerKind>(samplers, setting, "sampler");
  const { needsScores, adaptive, distinct, size } = kind;
  return { name, needsScores, adaptive, distinct, size, suggest: (request) => kind.suggest(request, options) };
}
