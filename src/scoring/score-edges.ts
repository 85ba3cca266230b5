import type { Edge } from "../adapters/index.ts";
import type { Backbone } from "../backbone/index.ts";
import { GraftError } from "../base/index.ts";
import type { Task } from "../tasks/index.ts";
import { backboneFacts } from "./backbone-facts.ts";
import { type EdgeColumn, edgeColumns } from "./edge-gradients.ts";
import { openFactorSums } from "./factor-sums.ts";
import { openProbe, type ProbeOptions, rankCap } from "./probe.ts";
import type { ProbeFactors } from "./probe-pass.ts";
import { entropyRank } from "./scores/entropy.ts";
import { DEFAULT_SCORE, type ScoreName, scores } from "./scores/index.ts";
import type { Score } from "./scores/score.ts";
import { checkEta, DEFAULT_ETA } from "./scores/srank.ts";
import type { Scores } from "./scores.ts";
import { openSpectra } from "./spectra.ts";
import { openWhitening } from "./whitening.ts";

export interface ScoreOptions extends ProbeOptions {
  /** Which score; default the paper's, `srank`. `graft score --list` explains each. */
  readonly score?: ScoreName;
  /** Share of the singular values' sum that srank drops; default 0.01. */
  readonly eta?: number;
}

/**
 * Score every edge of a backbone on a task before any training, from one forward and one backward pass over a probe of
 * training examples: by default the numerical rank of the gradient of a linear adapter on it (docs/method.md, "The score of
 * an edge"). Only what the score is made of is computed.
 * @throws GraftError EXAMPLES_OUT_OF_RANGE, ETA_OUT_OF_RANGE; PARAMETER_MISSING or PARAMETER_SHAPE for a head given; NOT_FINITE
 */
export async function scoreEdges(backbone: Backbone, task: Task, options: ScoreOptions = {}): Promise<Scores> {
  const { score = DEFAULT_SCORE, ...others } = options;
  return (await scoreEdgesBy(backbone, task, [score], others)).get(score)!;
}

/**
 * Several scores of every edge from one pass over one probe.
 * @param names  at least one
 * @returns      in the order of the names; `seconds` is that of all of them
 * @throws       as `scoreEdges`
 */
export async function scoreEdgesBy(
  backbone: Backbone,
  task: Task,
  names: readonly ScoreName[],
  options: Omit<ScoreOptions, "score"> = {},
): Promise<ReadonlyMap<ScoreName, Scores>> {
  const begun = performance.now();
  const { eta = DEFAULT_ETA, seed = 0 } = options;
  checkEta(eta); // now, not after the minutes that the gradients take
  const n = backbone.states.length;
  const wanted = names.map((name): Wanted => ({ name, score: scores[name], matrix: square(n) }));
  const isNull = ({ score }: Wanted) => "ofEdge" in score;
  const pass = wanted.every(isNull) ? undefined : await scoreOnProbe(backbone, task, wanted, { ...options, eta, seed });
  if (wanted.some(isNull)) await scoreAlone(backbone, task, wanted, { ...options, eta, seed });
  const seconds = (performance.now() - begun) / 1000;
  return new Map(
    wanted.map(({ name, score, matrix }) => [
      name,
      {
        schema: 1,
        scoreName: name,
        matrix,
        ...("ofSpectrum" in score && { tieBreak: pass!.tieBreak }),
        ...(pass !== undefined && { caps: pass.caps, examples: pass.examples, head: pass.head }),
        ...(name === "srank" && { eta }),
        seconds,
        backbone: { name: backbone.name, hash: backbone.hash, states: n },
        task: task.name,
        seed,
      },
    ]),
  );
}

interface Wanted {
  readonly name: ScoreName;
  readonly score: Score;
  readonly matrix: number[][];
}

type Settings = Omit<ScoreOptions, "score"> & { readonly eta: number; readonly seed: number };

/** Fill the matrices of all scores that are made of gradients. */
async function scoreOnProbe(backbone: Backbone, task: Task, wanted: readonly Wanted[], settings: Settings) {
  const { threads, signal, onProgress } = settings;
  const { indices, head, headName } = await openProbe(backbone, task, settings);
  const { hiddenSize: d } = backbone;
  const n = backbone.states.length;
  const tieBreak = square(n);
  const caps: number[] = [];
  const tools = await openTools(backbone, wanted, [indices.length], settings);
  try {
    const visit = async (column: EdgeColumn) => {
      const { to, gradients, activeTokens } = column;
      const cap = rankCap(backbone, task.goal, to, activeTokens);
      caps[to] = cap;
      const whitened = await tools.whitening?.ofColumn(gradients);
      for (let from = 0; from < n; from++)
        for (const { name, score, matrix } of wanted) {
          const set = (value: number) => put(matrix, name, { from, to }, value);
          if ("ofCap" in score) set(score.ofCap(cap));
          if ("ofFactors" in score) set(score.ofFactors(partOf(tools.sums!.meansOf(name, to)[0]!, n, from)));
          if ("ofGradient" in score) {
            const data = partOf(score.whitened ? whitened! : gradients, n, from);
            set(score.ofGradient({ data, rows: d, columns: d }, settings));
          }
        }
      if (tools.spectra === undefined) return;
      await tools.spectra.ofColumn(column, (from, sigma) => {
        tieBreak[from]![to] = entropyRank(sigma);
        for (const { name, score, matrix } of wanted)
          if ("ofSpectrum" in score) put(matrix, name, { from, to }, score.ofSpectrum(sigma, settings));
      });
      onProgress?.({ phase: "ranks", done: (to + 1) * n, total: n * n, unit: "edges" });
    };
    await edgeColumns(backbone, task, indices, head, visit, {
      threads,
      signal,
      onProgress,
      products: wanted.some(({ score }) => "ofSpectrum" in score || "ofGradient" in score),
      onFactors: tools.add,
    });
  } finally {
    await tools.close();
  }
  return { tieBreak, caps, examples: indices.length, head: headName };
}

/** What the scores need, opened. */
async function openTools(backbone: Backbone, wanted: readonly Wanted[], groups: readonly number[], settings: Settings) {
  const { threads, eta, seed } = settings;
  const ofFactors = wanted.flatMap(({ name, score }) => ("ofFactors" in score ? [{ name, score }] : []));
  const sums = ofFactors.length > 0 ? openFactorSums(backbone, ofFactors, groups, { threads, eta, seed }) : undefined;
  const whitening = wanted.some(({ score }) => "ofGradient" in score && score.whitened)
    ? openWhitening(backbone, { threads })
    : undefined;
  const spectra = wanted.some(({ score }) => "ofSpectrum" in score)
    ? await openSpectra(backbone, { threads })
    : undefined;
  return {
    sums,
    whitening,
    spectra,
    async add(factors: ProbeFactors) {
      await sums?.add(factors);
      await whitening?.add(factors);
    },
    async close() {
      await sums?.close();
      await whitening?.close();
      await spectra?.close();
    },
  };
}

/** Of numbers of n edges those of one. */
const partOf = (all: Float32Array, n: number, at: number) =>
  all.subarray((at * all.length) / n, ((at + 1) * all.length) / n);

/** Fill the matrices of null scores, which see no data. */
async function scoreAlone(backbone: Backbone, task: Task, wanted: readonly Wanted[], settings: Settings) {
  const facts = await backboneFacts(backbone, task, settings.signal);
  const n = facts.states;
  for (const { name, score, matrix } of wanted) {
    if (!("ofEdge" in score)) continue;
    for (let from = 0; from < n; from++)
      for (let to = 0; to < n; to++) put(matrix, name, { from, to }, score.ofEdge({ from, to }, facts, settings));
  }
}

/** @throws GraftError NOT_FINITE */
function put(matrix: number[][], name: ScoreName, { from, to }: Edge, value: number): void {
  if (!Number.isFinite(value))
    throw new GraftError("NOT_FINITE", {
      thing: `the score ${name} of edge (${from}, ${to})`,
      place: `it is ${value}`,
      remedy: "Look for a non-finite weight, input or loss before scoring",
    });
  matrix[from]![to] = value;
}

const square = (n: number): number[][] => Array.from({ length: n }, () => new Array<number>(n).fill(0));
