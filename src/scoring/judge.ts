import { GraftError } from "../base/index.ts";
import { entropyRank } from "./scores/entropy.ts";
import type { ScoreName } from "./scores/index.ts";
import type { Score, ScoreSettings } from "./scores/score.ts";

export interface Wanted {
  readonly name: ScoreName;
  readonly score: Score;
}

/** What scores are made of, for n gradients of one size and some examples. */
export interface Evidence {
  readonly n: number;
  readonly rows: number;
  readonly columns: number;
  /** [n, rows, columns], averaged over the examples; empty where no score is made of them. */
  readonly gradients: Float32Array;
  /** The same behind whitened inputs. */
  readonly whitened?: Float32Array | undefined;
  /** Singular values of each. */
  readonly spectra?: readonly Float64Array[] | undefined;
  /** What a score sums over factors, averaged over the examples, [n, k]. */
  readonly meanOf: (name: ScoreName) => Float32Array;
  /** Of a LoRA site its frozen matrix, where the score reads it. */
  readonly frozen?: Float32Array | undefined;
  /** The largest rank they can have. */
  readonly cap: number;
}

/** A score's values, [n]; and where there are singular values the entropy ranks that break ties. */
export interface Verdict {
  readonly values: ReadonlyMap<ScoreName, readonly number[]>;
  readonly entropy: readonly number[];
}

/**
 * Compute scores that are made of gradients.
 * @param placeOf  what to call one of the n in an error
 * @throws GraftError NOT_FINITE
 */
export function judge(
  evidence: Evidence,
  wanted: readonly Wanted[],
  settings: ScoreSettings,
  placeOf: (at: number) => string,
): Verdict {
  const { n, spectra } = evidence;
  const valuesOf = ({ name, score }: Wanted) =>
    Array.from({ length: n }, (_, at) => {
      const value = scoreOf(name, score, evidence, at, settings);
      if (!Number.isFinite(value)) throw notFinite(name, placeOf(at), value);
      return value;
    });
  return {
    values: new Map(wanted.filter(isOfGradients).map((one) => [one.name, valuesOf(one)])),
    entropy: spectra?.map(entropyRank) ?? [],
  };
}

/** All but null scores. */
export const isOfGradients = ({ score }: Wanted): boolean => !("ofEdge" in score);

function scoreOf(name: ScoreName, score: Score, evidence: Evidence, at: number, settings: ScoreSettings): number {
  const { n, rows, columns, gradients, whitened, spectra, cap, frozen } = evidence;
  if ("ofSpectrum" in score) return score.ofSpectrum(spectra![at]!, settings);
  if ("ofCap" in score) return score.ofCap(cap);
  if ("ofFactors" in score) return score.ofFactors(partOf(evidence.meanOf(name), n, at));
  if ("ofGradient" in score) {
    const data = partOf(score.whitened ? whitened! : gradients, n, at);
    return score.ofGradient({ data, rows, columns }, settings, frozen);
  }
  throw new TypeError(`${name} is made of no gradient`);
}

/** Of numbers of n edges those of one. */
const partOf = (all: Float32Array, n: number, at: number) =>
  all.subarray((at * all.length) / n, ((at + 1) * all.length) / n);

const notFinite = (name: ScoreName, place: string, value: number): GraftError =>
  new GraftError("NOT_FINITE", {
    thing: `the score ${name} of ${place}`,
    place: `it is ${value}`,
    remedy: "Look for a non-finite weight, input or loss before scoring",
  });
