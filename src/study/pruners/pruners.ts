import { type NamedSetting, readNamed } from "../named-setting.ts";
import { ashaPruner } from "./asha.ts";
import { hyperbandPruner } from "./hyperband.ts";
import { medianPruner } from "./median.ts";
import { nonePruner } from "./none.ts";
import type { Pruner, PrunerKind } from "./pruner.ts";

/** Every pruner under its name: what `pruner:` in study.yaml understands, and what the contract suite runs. */
export const pruners = {
  none: nonePruner,
  median: medianPruner,
  asha: ashaPruner,
  hyperband: hyperbandPruner,
} satisfies Record<string, PrunerKind>;

export type PrunerName = keyof typeof pruners;

/**
 * The pruner that a study's settings name, with its options.
 * @throws GraftError UNKNOWN_PRUNER, OPTIONS
 */
export function openPruner(setting: NamedSetting): Pruner {
  const { name, kind, options } = readNamed<PrunerKind>(pruners, setting, "pruner");
  return { name, shouldPrune: (request) => kind.shouldPrune(request, options) };
}
