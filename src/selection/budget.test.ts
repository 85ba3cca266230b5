import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import { tinyPostNorm, tinyPreNorm } from "../../test/support/tiny-backbone.ts";
import { type Edge, initialAdapters, insertAdapters, type Placement } from "../adapters/index.ts";
import { type Backbone, traceBackbone } from "../backbone/index.ts";
import { createBuilder, type Graph, productFlops, prune } from "../graph/index.ts";
import { upToFeatures } from "../methods/index.ts";
import { type Budget, keepsTo, openBudget } from "./budget.ts";
import { select, selectMethod } from "./index.ts";

let backbone: Backbone;
beforeAll(async () => {
  backbone = await tinyPreNorm();
});

const anyEdge = fc.record({ from: fc.nat({ max: 4 }), to: fc.nat({ max: 4 }) });
const anyEdges = fc.uniqueArray(anyEdge, { maxLength: 5, selector: ({ from, to }) => `${from}-${to}` });
const ranked = (edges: readonly Edge[], rank = 2): Placement => edges.map((edge) => ({ ...edge, rank }));

/** Products of the graph that a placement really makes, over those of the plain one. */
function flopsRatio(of: Backbone, graph: Graph, placement: Placement): number {
  const plain = upToFeatures(of, graph);
  const g = createBuilder(plain);
  const start = initialAdapters(placement, of.hiddenSize, 0);
  const tensors = new Map([...start].map(([name, tensor]) => [name, g.constant(tensor, name)]));
  const features = insertAdapters(g, plain, of, placement, tensors).get(of.features)!;
  return productFlops(prune(g.toGraph([features.name]))) / productFlops(plain);
}

describe("what a placement costs", () => {
  test("by hand: parameters of two adapters of rank 2 and 3 at width 16", async () => {
    const budget = (await openBudget(backbone, { maxParameters: 1 }))!;
    const placement = [
      { from: 0, to: 1, rank: 2 },
      { from: 4, to: 0, rank: 3 },
    ];
    // r (2d + 1) + 3d + 1: projections and biases, norm, factor.
    expect(budget.costOf(placement)).toEqual({ parameters: 2 * 33 + 49 + (3 * 33 + 49) });
  });

  test("by hand: a recurrent edge runs what lies between twice, once for all that are recurrent", async () => {
    const { costOf } = (await openBudget(backbone, { maxLatency: 2 }))!;
    // 5 tokens, d = 16, feed-forward 32: q, k, v and out 4 · 2·5·16·16, logits and mixture 2 · 2·5·5·16, feed-forward 2 · 2·5·16·32.
    const [attention, feedForward] = [10240 + 1600, 10240];
    const adapter = 4 * 5 * 16 * 2;
    const plain = 2 * (attention + feedForward) + 4 * 2 * 48 * 16; // four patches of 48 numbers
    const ratio = (more: number) => (plain + more) / plain;
    const of = (...edges: [number, number][]) => costOf(ranked(edges.map(([from, to]) => ({ from, to })))).latency;
    expect(of()).toBe(1);
    expect(of([0, 1])).toBeCloseTo(ratio(adapter), 12);
    expect(of([3, 1])).toBeCloseTo(ratio(adapter + feedForward + attention), 12);
    expect(of([3, 1], [4, 3])).toBeCloseTo(ratio(2 * adapter + 2 * feedForward + attention), 12);
    // An early adapter that is not recurrent moves the place where the two runs part.
    expect(of([3, 1], [0, 0])).toBeCloseTo(ratio(2 * adapter + 2 * attention + feedForward), 12);
  });

  test.each([["pre-norm", tinyPreNorm] as const, ["post-norm", tinyPostNorm] as const])(
    "is what the products of the graph that is made take (%s)",
    async (_, open) => {
      const own = await open();
      const graph = await traceBackbone(own, { batchSize: 1 });
      const { costOf } = (await openBudget(own, { maxLatency: 2 }))!;
      fc.assert(
        fc.property(anyEdges, fc.integer({ min: 1, max: 4 }), (edges, rank) => {
          const placement = ranked(edges, rank);
          expect(costOf(placement).latency).toBeCloseTo(flopsRatio(own, graph, placement), 12);
        }),
        { seed: 1, numRuns: 20 },
      );
    },
  );
});

describe("selecting under a budget", () => {
  const scores = fc
    .array(fc.double({ min: 0, max: 9, noNaN: true }), { minLength: 25, maxLength: 25 })
    .map((values) => ({ matrix: Array.from({ length: 5 }, (_, i) => values.slice(5 * i, 5 * i + 5)) }));
  const all = Array.from({ length: 25 }, (_, at) => ({ from: Math.floor(at / 5), to: at % 5 }));

  test.each(["gga", "top", "random", "first", "last"])("%s keeps to it, and nothing else would fit", async (name) => {
    const { costOf } = (await openBudget(backbone, { maxLatency: 2 }))!;
    await fc.assert(
      fc.asyncProperty(
        scores,
        fc.integer({ min: 1, max: 4 }),
        fc.double({ min: 1.02, max: 2, noNaN: true }),
        fc.integer({ min: 115, max: 600 }),
        async (found, count, maxLatency, maxParameters) => {
          const budget: Budget = { maxLatency, maxParameters, costOf };
          const choose = (limit?: Budget) =>
            select(`${name}:${count}@r2`, { states: 5, scores: found, seed: 3, budget: limit });
          const free = choose();
          expect(choose({ costOf })).toMatchObject({ placement: free.placement, unfilled: 0 });
          const { placement, cost, unfilled } = choose(budget);
          expect(keepsTo(budget, placement)).toBe(true);
          expect(cost).toEqual(costOf(placement));
          expect(unfilled).toBe(count - placement.length);
          if (free.ties.drawn === 0 && keepsTo(budget, free.placement)) expect(placement).toEqual(free.placement);
          const candidates = ["first", "last"].includes(name) ? all.filter(({ from, to }) => to === from + 1) : all;
          const others = candidates.filter(
            (edge) => !placement.some(({ from, to }) => from === edge.from && to === edge.to),
          );
          if (unfilled! > 0)
            for (const other of others) expect(keepsTo(budget, [...placement, { ...other, rank: 2 }])).toBe(false);
        },
      ),
      { seed: 2, numRuns: 25 },
    );
  });

  test("by hand: GGA passes over a recurrent edge that is too dear", async () => {
    const matrix = Array.from({ length: 5 }, () => new Array<number>(5).fill(1));
    matrix[4]![0] = 9;
    matrix[1]![2] = 8;
    const budget = await openBudget(backbone, { maxLatency: 1.1 });
    expect(select("top:1", { states: 5, scores: { matrix } }).edges[0]).toMatchObject({ from: 4, to: 0 });
    expect(select("top:1", { states: 5, scores: { matrix }, budget }).edges[0]).toMatchObject({ from: 1, to: 2 });
  });

  test("what does not fit is refused: edges as written, all of a kind, and where not one fits", async () => {
    const budget = await openBudget(backbone, { maxParameters: 200 });
    const ask = (text: string) => () => select(text, { states: 5, budget });
    expect(ask("0-1@r2").call(undefined).cost).toEqual({ parameters: 115 });
    expect(ask("0-1@r2,1-2@r2")).toThrow("its 2 adapters: 230 parameters of 200 allowed");
    expect(ask("all:parallel@r2")).toThrow(expect.objectContaining({ code: "OVER_BUDGET" }));
    expect(ask("first:2@r8")).toThrow("no edge fits, the cheapest being a parallel one: 313 parameters of 200 allowed");
    expect(ask("none").call(undefined)).toMatchObject({ placement: [], cost: { parameters: 0 }, unfilled: 0 });
  });

  test("limits that are none, and methods without edges to choose, are refused", async () => {
    await expect(openBudget(backbone, { maxLatency: 0.9 })).rejects.toMatchObject({ code: "LIMIT_OUT_OF_RANGE" });
    await expect(openBudget(backbone, { maxParameters: -1 })).rejects.toMatchObject({ code: "LIMIT_OUT_OF_RANGE" });
    expect(await openBudget(backbone, {})).toBeUndefined();
    const budget = await openBudget(backbone, { maxParameters: 9 });
    expect(() => selectMethod("bitfit", backbone, { budget })).toThrow(
      expect.objectContaining({ code: "BUDGET_UNSUITED" }),
    );
  });
});
