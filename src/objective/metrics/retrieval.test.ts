import fc from "fast-check";
import { expect, test } from "vitest";
import cases from "../../../test/fixtures/metrics.json" with { type: "json" };
import { random } from "../../base/index.ts";
import { mrrAt, ndcgAt, ranksOf, recallAt } from "./retrieval.ts";

test("ranks as scipy counts cosines of scikit-learn, and their means as scikit-learn's", () => {
  for (const { queries, candidates, relevant, d, k, ...recorded } of cases.retrieval) {
    const ranks = ranksOf(Float32Array.from(queries), Float32Array.from(candidates), Int32Array.from(relevant), d);
    expect([...ranks]).toEqual(recorded.ranks);
    expect(ndcgAt(ranks, k)).toBeCloseTo(recorded.ndcg, 12);
    expect(recallAt(ranks, k)).toBeCloseTo(recorded.recall, 12);
    expect(mrrAt(ranks, Number.POSITIVE_INFINITY)).toBeCloseTo(recorded.mrr, 12);
  }
});

test("means of ranks by hand; a rank beyond k counts nothing", () => {
  const ranks = Float64Array.of(1, 3, 1.5, 11);
  expect(mrrAt(ranks, 10)).toBeCloseTo((1 + 1 / 3 + 2 / 3) / 4, 14);
  expect(ndcgAt(ranks, 10)).toBeCloseTo((1 + 1 / 2 + 1 / Math.log2(2.5)) / 4, 14);
  expect(recallAt(ranks, 1)).toBe(1 / 4); // a tie for the first place is not in the first 1
  expect(recallAt(ranks, 3)).toBe(3 / 4);
  for (const metric of [mrrAt, ndcgAt, recallAt]) expect(metric(new Float64Array(0), 10)).toBeNaN();
});

test("length is no matter; equals share places; zeros are at cosine 0; NaN flatters nobody", () => {
  const query = Float32Array.of(1, 0);
  const rank = (candidates: number[], relevant: number) =>
    ranksOf(query, Float32Array.from(candidates), Int32Array.of(relevant), 2)[0];
  expect(rank([100, 100, 1, 0, 0, 1], 1)).toBe(1); // cosines 0.71, 1, 0
  expect(rank([100, 100, 1, 0, 0, 1], 0)).toBe(2);
  expect(rank([3, 4, 3, 4, 3, 4, 1, 0], 1)).toBe(3); // one nearer, then three alike in places 2 to 4
  expect(rank([0, 0, 0, 1, -1, 0], 0)).toBe(1.5);
  expect(rank([1, 0, Number.NaN, 0, 0, 1], 0)).toBe(2);
  expect(rank([1, 0, Number.NaN, 0, 0, 1], 1)).toBe(3);
  const all = ranksOf(new Float32Array(6), new Float32Array(10), Int32Array.of(0, 2, 4), 2);
  expect([...all]).toEqual([3, 3, 3]); // a collapsed model: the middle of five
});

test("shapes that do not fit are refused", () => {
  const vectors = new Float32Array(6);
  expect(() => ranksOf(vectors, vectors, Int32Array.of(0), 3)).toThrow("query embeddings: there are 6 and should be 3");
  expect(() => ranksOf(vectors, vectors, Int32Array.of(0, 2), 3)).toThrow("relevant candidate 2: entry 1");
  expect(() => ranksOf(vectors, new Float32Array(7), Int32Array.of(0, 1), 3)).toThrow("a multiple of 3");
});

test("candidates in any order, more than one block of them, at any length, rank the same", () => {
  const settings = fc.record({ seed: fc.nat(), n: fc.integer({ min: 1, max: 6 }), d: fc.integer({ min: 1, max: 5 }) });
  fc.assert(
    fc.property(settings, fc.integer({ min: 1, max: 150 }), ({ seed, n, d }, m) => {
      const stream = random(seed);
      const few = (count: number) => Float32Array.from({ length: count }, () => stream.int(7) - 3); // many ties
      const [queries, candidates, order] = [few(n * d), few(m * d), stream.permutation(m)];
      const relevant = Int32Array.from({ length: n }, () => stream.int(m));
      const ranks = ranksOf(queries, candidates, relevant, d);
      const shuffled = Float32Array.from(candidates, (_, at) => candidates[order[Math.floor(at / d)]! * d + (at % d)]!);
      const moved = relevant.map((k) => order.indexOf(k));
      expect(
        ranksOf(
          queries.map((x) => 4 * x),
          shuffled.map((x) => x / 2),
          moved,
          d,
        ),
      ).toEqual(ranks);
      for (const rank of ranks) expect(rank >= 1 && rank <= m).toBe(true);
      if (d > 1) return;
      // In one dimension a cosine is the product of two signs.
      const expected = relevant.map((k, row) => {
        const cosines = candidates.map((x) => Math.sign(x) * Math.sign(queries[row]!));
        const nearer = cosines.filter((cosine) => cosine > cosines[k]!).length;
        return 2 + 2 * nearer + cosines.filter((cosine) => cosine === cosines[k]!).length - 1;
      });
      expect([...ranks]).toEqual([...expected].map((twice) => twice / 2));
    }),
    { seed: 1 },
  );
});
