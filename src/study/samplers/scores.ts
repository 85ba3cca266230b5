import * as z from "zod";
import type { Edge } from "../../adapters/index.ts";
import { type Random, standardDeviation } from "../../base/index.ts";
import type { EdgeScores } from "../../scoring/index.ts";
import { DEFAULT_GAMMA } from "../../selection/index.ts";
import type { Space } from "../space.ts";
import { drawPoint, drawWeighted, knownTrials, middleOf, newCandidate, type Point, pick } from "./draw.ts";
import type { SamplerKind } from "./sampler.ts";

const options = z.strictObject({
  temperature: z
    .number()
    .min(0)
    .default(0.5)
    .describe("in standard deviations of the scores: 0 takes the best, large values draw uniformly"),
  gamma: z.number().min(0).lt(1).default(DEFAULT_GAMMA).describe("reach of a chosen edge's discount, as in GGA"),
});

/**
 * GGA, softened. The first candidate is GGA's own choice among the space's edges. Each later one is drawn edge by edge with
 * probability ∝ exp(score / (temperature · σ)), the scores discounted by 1 − γ^distance after every pick as GGA does and σ
 * the standard deviation of the space's scores before; count, rank and rates are uniform.
 */
export const scoresSampler: SamplerKind<typeof options> = {
  summary: "gradient-guided: first what GGA takes, then draws that prefer edges of high score",
  source: "GGA of Nowak et al. 2024; the softening is ours",
  needsScores: true,
  adaptive: false,
  distinct: true,
  options,
  suggest(request, { temperature, gamma }) {
    const { space, random, scores } = request;
    return newCandidate(request, knownTrials(request), () => {
      const isFirst = request.index === 0;
      const point = isFirst ? middlePoint(space) : drawPoint(space, random);
      const softness = isFirst ? 0 : temperature;
      return { ...point, edges: guidedEdges(scores!, space.edges, point.edges.length, { softness, gamma, random }) };
    });
  },
};

/** The middle of every setting, for what scores say nothing about. Its edges only count. */
const middlePoint = ({ edges, count, ranks, learningRate, initScale }: Space): Point => ({
  edges: edges.slice(0, Math.round((count[0] + count[1]) / 2)),
  rank: ranks[ranks.length >> 1]!,
  learningRate: learningRate && middleOf(learningRate),
  initScale: initScale && middleOf(initScale),
});

function guidedEdges(
  { matrix, tieBreak }: EdgeScores,
  edges: readonly Edge[],
  count: number,
  { softness, gamma, random }: { softness: number; gamma: number; random: Random },
): Edge[] {
  const score = edges.map(({ from, to }) => matrix[from]![to]!);
  const second = edges.map(({ from, to }) => tieBreak?.[from]?.[to] ?? 0);
  const unit = edges.length > 1 ? softness * standardDeviation(score) : 0;
  const taken: number[] = [];
  const open = new Set(score.keys());
  while (taken.length < count) {
    const best = largest([...open], score);
    const at =
      unit > 0
        ? drawWeighted([...open], (at) => Math.exp((score[at]! - score[best[0]!]!) / unit), random)
        : pick(largest(best, second), random);
    taken.push(at);
    open.delete(at);
    for (const other of open) score[other]! *= 1 - gamma ** distance(edges[other]!, edges[at]!);
  }
  return taken.map((at) => edges[at]!);
}

/** Those of the largest value; the same discounts taken in another order differ in the last bit, so 1e-12 is alike. */
function largest(among: readonly number[], value: readonly number[]): number[] {
  const most = Math.max(...among.map((at) => value[at]!));
  return among.filter((at) => value[at]! >= most * (1 - 1e-12));
}

const distance = (a: Edge, b: Edge): number => Math.abs(a.from - b.from) + Math.abs(a.to - b.to);
