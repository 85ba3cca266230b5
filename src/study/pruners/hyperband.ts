import { halvingOptions, isEndedAtRung } from "./asha.ts";
import type { PrunerKind } from "./pruner.ts";

/**
 * Successive halving in brackets that differ in their first rung, for where early epochs may mislead. Bracket s of
 * 0..S (S = ⌊log_reduction(epochs · seeds / minEpochs)⌋) begins at rung S − s and takes ⌈(S + 1) / (s + 1) · reductionˢ⌉
 * trials; trials fill bracket S, then S − 1, …, then S again, and compete only within their bracket.
 */
export const hyperbandPruner: PrunerKind<typeof halvingOptions> = {
  summary: "successive halving with several first rungs, from the earliest to none, trials shared out between them",
  source: "Hyperband, Li et al. 2018; asynchronous as in ASHA, Li et al. 2020",
  options: halvingOptions,
  shouldPrune(request, { minEpochs, reduction }) {
    const { run, trials, epochs, seeds } = request;
    const brackets = bracketSizes((epochs * seeds) / minEpochs, reduction);
    const own = bracketOf(
      trials.findIndex(({ number }) => number === run.trial),
      brackets,
    );
    const among = trials.filter((_, at) => bracketOf(at, brackets) === own);
    return isEndedAtRung(request, among, minEpochs * reduction ** own, reduction);
  },
};

/** Trials of a round in each bracket, the one with the earliest rung first. */
export function bracketSizes(span: number, reduction: number): number[] {
  let last = 0;
  while (reduction ** (last + 1) <= span) last++;
  return Array.from({ length: last + 1 }, (_, k) => Math.ceil(((last + 1) / (last - k + 1)) * reduction ** (last - k)));
}

/** Which bracket, from the earliest rung, the trial of an index is in. */
function bracketOf(index: number, sizes: readonly number[]): number {
  const round = sizes.flatMap((size, bracket) => Array.from({ length: size }, () => bracket));
  return round[index % round.length]!;
}
