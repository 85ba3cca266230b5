import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { gga } from "./gga.ts";

const square = (n: number, entries: Record<string, number>) =>
  Array.from({ length: n }, (_, i) => Array.from({ length: n }, (_, j) => entries[`${i}-${j}`] ?? 0));
const taken = (selection: ReturnType<typeof gga>) => selection.edges.map(({ from, to }) => `${from}-${to}`);

describe("by hand", () => {
  const peakWithNeighbour = { matrix: square(5, { "1-2": 10, "1-3": 9, "4-0": 5 }) };

  test("GGA spreads out: a neighbour of a chosen edge loses", () => {
    // After (1, 2): 9 · (1 − 0.6) = 3.6 at distance 1, 5 · (1 − 0.6⁵) = 4.6112 at distance 5.
    expect(taken(gga(peakWithNeighbour, { count: 3 }))).toEqual(["1-2", "4-0", "1-3"]);
  });

  test("a smaller gamma spares the neighbour, and 0 takes the largest", () => {
    // 9 · (1 − 0.4) = 5.4 against 5 · (1 − 0.4⁵) = 4.9488.
    expect(taken(gga(peakWithNeighbour, { count: 2, gamma: 0.4 }))).toEqual(["1-2", "1-3"]);
    expect(taken(gga(peakWithNeighbour, { count: 2, gamma: 0 }))).toEqual(["1-2", "1-3"]);
  });

  test("edges that a stride passed over are never chosen, not even after the last of value", () => {
    const scores = { matrix: square(5, { "0-2": 5, "4-4": 3 }), stride: 2 };
    const chosen = taken(gga(scores, { count: 9 }));
    expect(chosen.slice(0, 2)).toEqual(["0-2", "4-4"]);
    expect(chosen.toSorted()).toEqual(["0-0", "0-2", "0-4", "2-0", "2-2", "2-4", "4-0", "4-2", "4-4"]);
    expect(() => gga(scores, { count: 10 })).toThrow("has 9 edges scored, with stride 2");
  });

  test("discounts multiply: between two chosen edges both count", () => {
    // A row of five: after 0-0 (d 4) and 0-4 (d 4), 0-2 stands at 7.2 · 0.64² = 2.949, 3-0 at 3.6 · 0.784 · (1 − 0.6⁷) = 2.743.
    const matrix = square(5, { "0-0": 10, "0-4": 9, "0-2": 7.2, "3-0": 3.6 });
    expect(taken(gga({ matrix }, { count: 4 }))).toEqual(["0-0", "0-4", "0-2", "3-0"]);
    // One discount alone would leave 0-2 at 6.7 · 0.64 = 4.288, first; both leave 2.744, behind 3-0's 2.820.
    const close = square(5, { "0-0": 10, "0-4": 9, "0-2": 6.7, "3-0": 3.7 });
    expect(taken(gga({ matrix: close }, { count: 4 }))).toEqual(["0-0", "0-4", "3-0", "0-2"]);
  });

  test("the score reported is the one before discounts, with the kind", () => {
    expect(gga(peakWithNeighbour, { count: 3, rank: 4 })).toEqual({
      placement: [
        { from: 1, to: 2, rank: 4 },
        { from: 4, to: 0, rank: 4 },
        { from: 1, to: 3, rank: 4 },
      ],
      edges: [
        { from: 1, to: 2, kind: "parallel", score: 10 },
        { from: 4, to: 0, kind: "recurrent", score: 5 },
        { from: 1, to: 3, kind: "long-range", score: 9 },
      ],
      ties: { picks: 0, drawn: 0 },
    });
  });
});

describe("ties", () => {
  const tied = square(4, { "0-3": 5, "3-0": 5, "3-3": 5 });

  test("go to the higher entropy rank, and are counted", () => {
    const tieBreak = square(4, { "0-3": 1.5, "3-0": 2.5, "3-3": 2 });
    const selection = gga({ matrix: tied, tieBreak }, { count: 1 });
    expect(taken(selection)).toEqual(["3-0"]);
    expect(selection.ties).toEqual({ picks: 1, drawn: 0 });
  });

  test("that remain are drawn: the seed decides, and every edge has its chance", () => {
    const tieBreak = square(4, { "0-3": 2, "3-0": 2, "3-3": 1 });
    const draw = (seed: number) => gga({ matrix: tied, tieBreak }, { count: 1, seed });
    expect(draw(5)).toEqual(draw(5));
    const draws = Array.from({ length: 40 }, (_, seed) => taken(draw(seed))[0]);
    expect(new Set(draws)).toEqual(new Set(["0-3", "3-0"]));
    expect(draw(0).ties).toEqual({ picks: 1, drawn: 1 });
  });

  test("the same discounts in another order still tie", () => {
    // (0, 0) and (0, 3) are taken first; (0, 1) and (0, 2) get 1 − 0.6 and 1 − 0.36 in opposite orders.
    const matrix = square(4, { "0-0": 1000, "0-3": 1000, "0-1": 0.3, "0-2": 0.3 });
    const tieBreak = square(4, { "0-0": 2, "0-3": 1, "0-1": 1, "0-2": 1 });
    const selection = gga({ matrix, tieBreak }, { count: 3 });
    expect(selection.ties).toEqual({ picks: 2, drawn: 1 }); // the first pick, by entropy, and the third, by draw
  });

  test("without scores above 0, all edges are still taken, each once", () => {
    expect(new Set(taken(gga({ matrix: square(3, {}) }, { count: 9 }))).size).toBe(9);
  });
});

const someScores = fc
  .integer({ min: 1, max: 7 })
  .chain((n) =>
    fc
      .array(fc.double({ min: 0, max: 100, noNaN: true }), { minLength: n * n, maxLength: n * n })
      .map((values) => Array.from({ length: n }, (_, i) => values.slice(i * n, (i + 1) * n))),
  );

describe("properties", () => {
  test("each pick is the argmax of score · Π (1 − γ^d) over the picks before it", () =>
    fc.assert(
      fc.property(someScores, fc.double({ min: 0, max: 0.95, noNaN: true }), (matrix, gamma) => {
        const n = matrix.length;
        const { edges } = gga({ matrix }, { count: n * n, gamma });
        for (const [pick, edge] of edges.entries()) {
          const before = edges.slice(0, pick);
          const discounted = (i: number, j: number) =>
            before.reduce(
              (product, { from, to }) => product * (1 - gamma ** (Math.abs(i - from) + Math.abs(j - to))),
              matrix[i]![j]!,
            );
          const best = Math.max(...matrix.flatMap((row, i) => row.map((_, j) => discounted(i, j))));
          expect(discounted(edge.from, edge.to)).toBeGreaterThanOrEqual(best * (1 - 1e-11));
        }
      }),
      { seed: 1, numRuns: 60 },
    ));

  test("gamma 0 sorts", () =>
    fc.assert(
      fc.property(someScores, (matrix) => {
        const all = matrix.flat().toSorted((a, b) => b - a);
        const scores = gga({ matrix }, { count: all.length, gamma: 0 }).edges.map(({ score }) => score!);
        for (const [k, score] of scores.entries()) expect(score).toBeCloseTo(all[k]!, 9);
      }),
      { seed: 2 },
    ));

  test("it leaves the scores as they were", () => {
    const matrix = square(3, { "0-1": 2, "1-1": 1 });
    const before = structuredClone(matrix);
    gga({ matrix }, { count: 2 });
    expect(matrix).toEqual(before);
  });
});

test.each([-0.1, 1, Number.NaN])("gamma %d is refused", (gamma) => {
  expect(() => gga({ matrix: [[1]] }, { count: 1, gamma })).toThrow(
    expect.objectContaining({ code: "GAMMA_OUT_OF_RANGE" }),
  );
});
