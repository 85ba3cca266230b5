import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { TINY, tinyPreNorm, tinyTask } from "../../test/support/tiny-backbone.ts";
import { random } from "../base/index.ts";
import { confidenceOf, groupSizes, halvesOf } from "./confidence.ts";
import { edgeColumns, meanGradients } from "./edge-gradients.ts";
import { openProbe } from "./probe.ts";
import { countTies, ranking, standings } from "./ranking.ts";
import { scoreEdges, scoreEdgesBy } from "./score-edges.ts";

/** [2, 2], edges 0-0, 0-1, 1-0, 1-1. */
const square = (...[a, b, c, e]: [number, number, number, number]) => [
  [a, b],
  [c, e],
];

describe("ranking", () => {
  const tied = { matrix: square(5, 7, 5, 5), tieBreak: square(2, 9, 3, 2) };

  test("by score, then by tie break, then by place", () => expect(ranking(tied)).toEqual([1, 2, 0, 3]));

  test("equal edges share a standing", () => {
    expect([...standings(tied)]).toEqual([1.5, 4, 3, 1.5]);
    expect([...standings({ matrix: tied.matrix })]).toEqual([2, 4, 2, 2]);
  });

  test("ties are counted before and after the tie break", () => {
    expect(countTies(tied)).toEqual({ shared: 3, drawn: 2 });
    expect(countTies({ matrix: tied.matrix })).toEqual({ shared: 3, drawn: 3 });
    expect(countTies({ matrix: square(1, 2, 3, 4) })).toEqual({ shared: 0, drawn: 0 });
    // Equal but for rounding.
    expect(countTies({ matrix: square(0.1 + 0.2, 0.3, 1, 2) })).toEqual({ shared: 2, drawn: 2 });
  });
});

describe("halves", () => {
  test("of 4 groups, each beside its complement", () =>
    expect(halvesOf(4)).toEqual([
      [0, 1],
      [2, 3],
      [0, 2],
      [1, 3],
      [0, 3],
      [1, 2],
    ]));

  test.each([
    [2, 2],
    [6, 20],
    [8, 70],
  ])("%i groups have %i", (groups, count) => {
    const halves = halvesOf(groups);
    expect(new Set(halves.map((half) => half.join())).size).toBe(count);
    for (const half of halves) expect(half).toHaveLength(groups / 2);
  });

  test("groups are as equal as can be", () => {
    expect(groupSizes(10, 4)).toEqual([2, 3, 2, 3]);
    expect(groupSizes(8, 8)).toEqual([1, 1, 1, 1, 1, 1, 1, 1]);
    for (const [examples, groups] of [
      [10, 3],
      [10, 0],
      [10, 10],
      [3, 4],
      [10, 2.5],
    ])
      expect(() => groupSizes(examples!, groups!)).toThrow(expect.objectContaining({ code: "GROUPS_OUT_OF_RANGE" }));
  });
});

describe("confidence by hand", () => {
  const [a, b] = [{ matrix: square(4, 3, 2, 1) }, { matrix: square(1, 2, 3, 4) }];

  test("halves that agree are sure, whatever their scale", () => {
    const doubled = { matrix: square(8, 6, 4, 2) };
    expect(confidenceOf(a, [a, doubled], 2)).toEqual({
      reliability: expect.closeTo(1, 12),
      groups: 2,
      halves: 2,
      unsure: [],
    });
  });

  test("halves of opposite order are not, and nothing raises them", () => {
    const { reliability, unsure } = confidenceOf(a, [a, b], 2);
    expect(reliability).toBeCloseTo(-1, 12);
    // 1-1 comes last; of each of the three before it one of two halves says so.
    expect(unsure).toEqual([0, 1, 2].map((k) => ({ edge: { from: k >> 1, to: k & 1 }, rivals: [{ from: 1, to: 1 }] })));
  });

  test("Spearman of 0.8 in halves is 8/9 of the whole", () => {
    // Two neighbours swapped of four: 1 − 6 · 2 / (4 · 15) = 0.8.
    const swapped = { matrix: square(4, 3, 1, 2) };
    expect(confidenceOf(a, [a, swapped], 2).reliability).toBeCloseTo(1.6 / 1.8, 12);
  });

  test("one of six halves is no more than a fifth; one and a half are", () => {
    const last = { matrix: square(4, 3, 1, 2) };
    const equal = { matrix: square(4, 3, 2, 2) };
    expect(confidenceOf(a, [last, a, a, a, a, a], 4).unsure).toEqual([]);
    const [one] = confidenceOf(a, [last, equal, a, a, a, a], 4).unsure;
    expect(one).toEqual({ edge: { from: 1, to: 0 }, rivals: [{ from: 1, to: 1 }] });
  });

  test("a half without an order leaves nothing to say", () =>
    expect(confidenceOf(a, [a, { matrix: square(1, 1, 1, 1) }], 2).reliability).toBeNaN());
});

test("reliability is what another draw of as many examples would agree: simulated", () => {
  // Scores of edges are a true value and noise that four groups average; Spearman of two independent wholes is the aim.
  fc.assert(
    fc.property(fc.nat(1e6), fc.constantFrom(0.3, 1, 2), (seed, noise) => {
      const { normal } = random(seed);
      const n = 20;
      const truth = Array.from({ length: n * n }, normal);
      const group = () => truth.map((x) => x + 2 * noise * normal());
      const meanOf = (groups: number[][]) => ({
        matrix: Array.from({ length: n }, (_, i) =>
          Array.from({ length: n }, (_, j) => 100 + groups.reduce((sum, g) => sum + g[i * n + j]!, 0) / groups.length),
        ),
      });
      const groups = [group(), group(), group(), group()];
      const halves = halvesOf(4).map((half) => meanOf(half.map((k) => groups[k]!)));
      const { reliability } = confidenceOf(meanOf(groups), halves, 4);
      // Pearson's of two wholes is 1 / (1 + noise²); of normal numbers Spearman's is 6/π · asin(r / 2).
      const expected = (6 / Math.PI) * Math.asin(1 / (1 + noise ** 2) / 2);
      expect(Math.abs(reliability - expected)).toBeLessThan(0.12); // 3 standard deviations of 400 edges
    }),
    { seed: 1, numRuns: 12 },
  );
});

test("on a backbone: halves are scored as probes of their own", async () => {
  const [backbone, task] = [await tinyPreNorm(), tinyTask({ train: 40, classes: 3 })];
  const options = { head: "random", examples: 18, threads: 1, seed: 2, groups: 2, confidence: true } as const;
  const names = ["srank", "frobenius", "fisher", "whitened", "random"] as const;
  const scores = await scoreEdgesBy(backbone, task, names, options);
  const { indices, head } = await openProbe(backbone, task, options);
  const n = 2 * TINY.blocks + 1;
  const halves = [0, 1].map(() => Array.from({ length: n }, () => new Array<number>(n).fill(0)));
  for (const [k, half] of halves.entries()) {
    const part = indices.subarray(9 * k, 9 * (k + 1));
    await edgeColumns(
      backbone,
      task,
      part,
      head,
      ({ to, gradients }) => {
        for (let from = 0; from < n; from++)
          half[from]![to] = Math.hypot(...gradients.subarray(from * 256, (from + 1) * 256));
      },
      { threads: 1 },
    );
  }
  const { matrix, confidence } = scores.get("frobenius")!;
  const expected = confidenceOf(
    { matrix },
    halves.map((half) => ({ matrix: half })),
    2,
  );
  expect(confidence).toEqual(expected);
  for (const name of ["srank", "fisher", "whitened"] as const)
    expect(scores.get(name)!.confidence!.reliability).toBeLessThanOrEqual(1);
  expect(scores.get("random")!.confidence).toBeUndefined();
  expect((await scoreEdges(backbone, task, { ...options, confidence: false })).confidence).toBeUndefined();
  await expect(scoreEdges(backbone, task, { ...options, score: "depth" })).rejects.toMatchObject({
    code: "SCORE_UNSUITED",
    message: expect.stringContaining("it looks at no example"),
  });
});

test("means of groups weigh them by their examples", () => {
  const group = (size: number, ...values: number[]) => ({ size, gradients: Float32Array.from(values) });
  expect([...meanGradients([group(1, 4, 0), group(3, 0, 8)])]).toEqual([1, 6]);
});

test.each(["random", "zero"] as const)(
  "a head that is %s gives a ranking, another than the fitted one's",
  async (head) => {
    const [backbone, task] = [await tinyPreNorm(), tinyTask({ train: 40, classes: 3 })];
    const options = { examples: 12, threads: 1, score: "frobenius" } as const;
    const scores = await scoreEdges(backbone, task, { ...options, head });
    expect(scores.head).toBe(head);
    expect(Math.min(...scores.matrix.flat())).toBeGreaterThan(0);
    expect(scores.matrix).not.toEqual((await scoreEdges(backbone, task, options)).matrix);
  },
);
