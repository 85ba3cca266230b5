import type { Backbone } from "../backbone/index.ts";
import { type Builder, createBuilder, type Graph, type Value } from "../graph/index.ts";
import type { Session } from "../runtime/index.ts";
import type { ProbeFactors } from "./probe-pass.ts";
import type { ScoreName } from "./scores/index.ts";
import type { OfFactors, ScoreSettings } from "./scores/score.ts";

export type FactorScores = readonly { readonly name: ScoreName; readonly score: OfFactors }[];

/** What scores sum over the factors of gradients. */
export interface FactorSums {
  add(factors: ProbeFactors): Promise<void>;
  /** A score's mean over the examples of some groups, for the edges into a state, [n, k]. */
  meanOf(name: ScoreName, to: number, groups: readonly number[]): Float32Array;
  close(): Promise<void>;
}

/**
 * @param sizes  of the probe's groups
 */
export function openFactorSums(
  { runtime, states: { length: n }, hiddenSize: d }: Backbone,
  scores: FactorScores,
  sizes: readonly number[],
  { threads, ...settings }: ScoreSettings & { readonly threads?: number | undefined },
): FactorSums {
  const sums = new Map(scores.map(({ name }) => [name, new Map<number, Float32Array[]>()]));
  let session: Session | undefined;
  let opened = "";
  return {
    async add({ states, cotangents, targets, sequences, real, examples, group }) {
      const rows = real.length;
      const m = targets.length;
      const key = `${m}, ${rows}, ${sequences}`;
      if (opened !== key) {
        await session?.release();
        session = await runtime.open(factorGraph(scores, { n, m, d, rows, sequences }, settings), { threads });
        opened = key;
      }
      const made = await session!.run({
        states,
        cotangents,
        real: { dtype: "float32", shape: [rows], data: real },
        examples: { dtype: "float32", shape: [1], data: Float32Array.of(examples) },
      });
      for (const { name } of scores) {
        const tensor = made[name]!;
        const [, columns, k] = tensor.shape as [number, number, number];
        for (const [at, to] of targets.entries()) {
          const ofTarget = sums.get(name)!;
          if (!ofTarget.has(to))
            ofTarget.set(
              to,
              sizes.map(() => new Float32Array(n * k)),
            );
          const sum = ofTarget.get(to)![group]!;
          const data = tensor.data as Float32Array;
          const column = columns === 1 ? 0 : at;
          for (let from = 0; from < n; from++)
            for (let c = 0; c < k; c++) sum[from * k + c]! += data[(from * columns + column) * k + c]!;
        }
      }
    },
    meanOf(name, to, groups) {
      const parts = sums.get(name)!.get(to)!;
      const total = groups.reduce((sum, group) => sum + sizes[group]!, 0);
      return parts[0]!.map((_, k) => groups.reduce((sum, group) => sum + parts[group]![k]!, 0) / total);
    },
    close: async () => session?.release(),
  };
}

interface Sizes {
  readonly n: number;
  readonly m: number;
  readonly d: number;
  readonly rows: number;
  readonly sequences: number;
}

/** Outputs under each score's name what it sums. */
function factorGraph(scores: FactorScores, { n, m, d, rows, sequences }: Sizes, settings: ScoreSettings): Graph {
  const g: Builder = createBuilder();
  const tokens = rows / sequences;
  const real = g.input("real", "float32", [rows]);
  const states = g.mul(g.input("states", "float32", [n * d, rows]), real);
  const x = g.transpose(g.reshape(states, [n, d, sequences, tokens]), [0, 2, 3, 1]);
  const cotangents = g.input("cotangents", "float32", [m, rows, d]);
  // Of the mean over the batch, so that each sequence's own is as many times as much.
  const own = g.mul(cotangents, g.input("examples", "float32", [1]));
  const delta = g.reshape(own, [m, sequences, tokens, d]);
  const sums: Value[] = scores.map(({ name, score }) =>
    g.rename(score.sumOf(g, x, delta, { ...settings, of: "edges" }), name),
  );
  return g.toGraph(sums.map(({ name }) => name));
}
