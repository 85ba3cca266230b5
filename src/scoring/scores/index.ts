import { activationScore } from "./activation.ts";
import { capScore } from "./cap.ts";
import { depthScore } from "./depth.ts";
import { entropyScore } from "./entropy.ts";
import { fisherScore } from "./fisher.ts";
import { flopsScore } from "./flops.ts";
import { frobeniusScore } from "./frobenius.ts";
import { lateScore } from "./late.ts";
import { middleScore } from "./middle.ts";
import { nuclearScore } from "./nuclear.ts";
import { pageScore } from "./page.ts";
import { parametersScore } from "./parameters.ts";
import { randomScore } from "./random.ts";
import type { Score } from "./score.ts";
import { snipScore } from "./snip.ts";
import { spectralScore } from "./spectral.ts";
import { srankScore } from "./srank.ts";
import { stableScore } from "./stable.ts";
import { whitenedScore } from "./whitened.ts";

/** Every score under its name: what `--score` understands, and what the contract suite runs. Null scores come last. */
export const scores = {
  srank: srankScore,
  stable: stableScore,
  entropy: entropyScore,
  frobenius: frobeniusScore,
  nuclear: nuclearScore,
  spectral: spectralScore,
  whitened: whitenedScore,
  snip: snipScore,
  page: pageScore,
  fisher: fisherScore,
  activation: activationScore,
  random: randomScore,
  depth: depthScore,
  late: lateScore,
  middle: middleScore,
  parameters: parametersScore,
  flops: flopsScore,
  cap: capScore,
} as const satisfies Record<string, Score>;

export type ScoreName = keyof typeof scores;

/** The paper's. */
export const DEFAULT_SCORE: ScoreName = "srank";

export const scoreNames = Object.keys(scores) as readonly ScoreName[] as readonly [ScoreName, ...ScoreName[]];

/** Every score with what it is and where it comes from, for help. */
export const describeScores = (): { name: ScoreName; summary: string; source: string }[] =>
  scoreNames.map((name) => ({ name, summary: scores[name].summary, source: scores[name].source }));
