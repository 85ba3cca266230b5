import type { Backbone } from "../backbone/index.ts";
import { GraftError } from "../base/index.ts";
import type { Task } from "../tasks/index.ts";
import { backboneFacts } from "./backbone-facts.ts";
import { confidenceOf, DEFAULT_GROUPS, groupSizes, halvesOf } from "./confidence.ts";
import { type EdgeColumn, edgeColumns, gradientsOf } from "./edge-gradients.ts";
import { isOfGradients, judge, type Wanted } from "./judge.ts";
import { openProbe, type ProbeOptions, rankCap } from "./probe.ts";
import { countTies } from "./ranking.ts";
import { openScoreTools } from "./score-tools.ts";
import { DEFAULT_SCORE, type ScoreName, scores } from "./scores/index.ts";
import { checkEta, DEFAULT_ETA } from "./scores/srank.ts";
import type { EdgeScores, Scores } from "./scores.ts";

export interface ScoreOptions extends ProbeOptions {
  /** Which score; default the paper's, `srank`. `graft score --list` explains each. */
  readonly score?: ScoreName;
  /** Share of the singular values' sum that srank drops; default 0.01. */
  readonly eta?: number;
  /** Score halves of the probe too, and say how sure the ranking is; default false. Singular values take 7 times as long. */
  readonly confidence?: boolean;
  /** Groups the probe is cut into for it, every half of which is scored: even, 2 to 8; default 4. */
  readonly groups?: number;
}

/**
 * Score every edge of a backbone on a task before any training, from one forward and one backward pass over a probe of
 * training examples: by default the numerical rank of the gradient of a linear adapter on it (docs/method.md, "The score of
 * an edge"). Only what the score is made of is computed.
 * @throws GraftError EXAMPLES_OUT_OF_RANGE, ETA_OUT_OF_RANGE, GROUPS_OUT_OF_RANGE; PARAMETER_MISSING or PARAMETER_SHAPE for a
 *         head given; NOT_FINITE; ADAPTERS_NEEDED, SCORE_UNSUITED
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
  const wanted = names.map((name): Wanted => ({ name, score: scores[name] }));
  const pass = wanted.some(isOfGradients)
    ? await scoreOnProbe(backbone, task, wanted.filter(isOfGradients), { ...options, eta, seed })
    : undefined;
  const alone = wanted.every(isOfGradients) ? undefined : await backboneFacts(backbone, task, options.signal);
  const seconds = (performance.now() - begun) / 1000;
  return new Map(
    wanted.map(({ name, score }) => {
      const found: Partial<Scores> & EdgeScores =
        "ofEdge" in score
          ? { matrix: square(n, (from, to) => score.ofEdge({ from, to }, alone!, { eta, seed })) }
          : pass!.of(name);
      const { matrix, ...rest } = found;
      return [
        name,
        {
          schema: 1,
          scoreName: name,
          matrix,
          ties: countTies(found),
          ...rest,
          ...(pass !== undefined && { caps: pass.caps, examples: pass.examples, head: pass.head }),
          ...(name === "srank" && { eta }),
          seconds,
          backbone: { name: backbone.name, hash: backbone.hash, states: n },
          task: task.name,
          seed,
        },
      ];
    }),
  );
}

type Settings = Omit<ScoreOptions, "score"> & { readonly eta: number; readonly seed: number };

/** Factors are those of the plain backbone: with adapters in place recurrent edges read other states than the rest. */
function checkAfter(wanted: readonly Wanted[]): void {
  const unsuited = wanted.find(({ score }) => "ofFactors" in score || ("ofGradient" in score && score.whitened));
  if (unsuited === undefined) return;
  throw new GraftError("SCORE_UNSUITED", {
    thing: `the score ${unsuited.name} behind trained adapters`,
    place: "it is made of states and cotangents, which are kept for the plain backbone alone",
    remedy: "Take a score of the gradient, such as srank or frobenius",
  });
}

/** All scores that are made of gradients, of the whole probe and perhaps of its halves. */
async function scoreOnProbe(backbone: Backbone, task: Task, wanted: readonly Wanted[], settings: Settings) {
  const { threads, signal, onProgress, eta, seed, confidence = false } = settings;
  const { groups: groupCount = DEFAULT_GROUPS } = settings;
  if (settings.after) checkAfter(wanted);
  const { indices, head, headName } = await openProbe(backbone, task, settings);
  const sizes = confidence ? groupSizes(indices.length, groupCount) : [indices.length];
  const whole = sizes.map((_, group) => group);
  const { hiddenSize: d } = backbone;
  const n = backbone.states.length;
  // Of the whole, then of each half: groups, and what they give.
  const boards = [whole, ...(confidence ? halvesOf(groupCount) : [])].map((groups) => ({
    groups,
    matrices: new Map(wanted.map(({ name }) => [name, square(n)])),
    tieBreak: square(n),
  }));
  const caps: number[] = [];
  const tools = await openScoreTools(backbone, wanted, sizes, { threads, eta, seed });
  try {
    const visit = async (column: EdgeColumn) => {
      const { to } = column;
      const capOf = (tokens: number) => rankCap(backbone, task.goal, to, tokens);
      caps[to] = capOf(column.activeTokens);
      for (const [k, { groups, matrices, tieBreak }] of boards.entries()) {
        const part =
          groups === whole
            ? column
            : gradientsOf(
                groups.map((group) => column.groups[group]!),
                d,
              );
        const evidence = await tools.evidenceOf(part, to, groups, capOf(part.activeTokens));
        const { values, entropy } = judge(evidence, wanted, { eta, seed }, (from) => `edge (${from}, ${to})`);
        for (let from = 0; from < n; from++) {
          for (const [name, column] of values) matrices.get(name)![from]![to] = column[from]!;
          tieBreak[from]![to] = entropy[from] ?? 0;
        }
        const done = (to * boards.length + k + 1) * n;
        if (tools.findsSpectra) onProgress?.({ phase: "ranks", done, total: boards.length * n * n, unit: "edges" });
      }
    };
    await edgeColumns(backbone, task, indices, head, visit, {
      threads,
      after: settings.after,
      signal,
      onProgress,
      groups: sizes,
      products: tools.needsGradients,
      onFactors: tools.add,
    });
  } finally {
    await tools.close();
  }
  const ofSpectrum = new Set(wanted.flatMap(({ name, score }) => ("ofSpectrum" in score ? [name] : [])));
  return {
    of(name: ScoreName) {
      const [all, ...halves] = boards.map(
        ({ matrices, tieBreak }): EdgeScores => ({
          matrix: matrices.get(name)!,
          ...(ofSpectrum.has(name) && { tieBreak }),
        }),
      );
      return { ...all!, ...(confidence && { confidence: confidenceOf(all!, halves, groupCount) }) };
    },
    caps,
    examples: indices.length,
    head: headName,
  };
}

const square = (n: number, value: (from: number, to: number) => number = () => 0): number[][] =>
  Array.from({ length: n }, (_, from) => Array.from({ length: n }, (_, to) => value(from, to)));
