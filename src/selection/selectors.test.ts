import { describe, expect, test } from "vitest";
import { edgeKind } from "../adapters/index.ts";
import { random } from "../base/index.ts";
import { formatSelector, parseSelector } from "./parse-selector.ts";
import { select } from "./select.ts";
import { type SelectorName, selectors } from "./selectors.ts";

/** How each selector is asked, and the edges it must give where a formula says which. n states. */
const cases: Record<
  SelectorName,
  { text: (count: number) => string; expected?: (n: number, count: number) => string[] }
> = {
  gga: { text: (count) => `gga:${count}` },
  top: { text: (count) => `top:${count}` },
  random: { text: (count) => `random:${count}@7` },
  first: { text: (count) => `first:${count}`, expected: (_, count) => range(0, count, (i) => `${i}-${i + 1}`) },
  last: {
    text: (count) => `last:${count}`,
    expected: (n, count) => range(n - 1 - count, n - 1, (i) => `${i}-${i + 1}`),
  },
  "all:parallel": { text: () => "all:parallel", expected: (n) => range(0, n - 1, (i) => `${i}-${i + 1}`) },
  "all:sequential": { text: () => "all:sequential", expected: (n) => range(1, n, (i) => `${i}-${i}`) },
  none: { text: () => "none", expected: () => [] },
};

function range<T>(start: number, end: number, make: (i: number) => T): T[] {
  return Array.from({ length: end - start }, (_, k) => make(start + k));
}

const scoresOf = (n: number) => {
  const { int } = random(n);
  return { matrix: range(0, n, () => range(0, n, () => int(20))) }; // few distinct values, so ties happen
};

describe.each(Object.entries(cases))("%s keeps the contract", (name, { text, expected }) => {
  const selector = selectors[name as SelectorName];

  test.each([1, 3, 25])("with %i states", (n) => {
    const most = selector.from.count(n);
    for (const count of new Set(selector.counted ? [0, 1, Math.min(3, most), most].filter((k) => k <= most) : [most])) {
      const scores = scoresOf(n);
      const options = { states: n, scores, seed: 3, defaultRank: 4 };
      const selection = select(text(count), options);
      const names = selection.edges.map(({ from, to }) => `${from}-${to}`);
      expect(names).toHaveLength(count);
      expect(new Set(names).size).toBe(count);
      if (expected) expect(names).toEqual(expected(n, count));
      expect(selection.placement.map(({ from, to, rank }) => `${from}-${to}@${rank}`)).toEqual(
        names.map((edge) => `${edge}@4`),
      );
      for (const { from, to, kind, score } of selection.edges) {
        expect(from >= 0 && from < n && to >= 0 && to < n).toBe(true);
        expect(kind).toBe(edgeKind({ from, to }));
        expect(score).toBe(scores.matrix[from]![to]);
      }
      expect(select(text(count), options)).toEqual(selection);
      expect(scores).toEqual(scoresOf(n));
    }
  });

  test("one more than there are is refused", () => {
    if (!selector.counted) return expect(selector.from.count(25)).toBe(select(text(0), { states: 25 }).edges.length);
    const most = selector.from.count(25);
    const ask = () => select(text(most + 1), { states: 25, scores: scoresOf(25) });
    expect(ask).toThrow(expect.objectContaining({ code: "COUNT_OUT_OF_RANGE" }));
    expect(ask).toThrow(`${most + 1} edges asked for; a backbone with 25 states has ${most} ${selector.from.edges}`);
  });

  test("without scores it works, or says that it needs them", () => {
    const ask = () => select(text(2), { states: 9 });
    if (selector.needsScores) expect(ask).toThrow(expect.objectContaining({ code: "SCORES_NEEDED" }));
    else for (const edge of ask().edges) expect(edge).not.toHaveProperty("score");
  });

  test("its usage is what it parses, and a rank suffix counts", () => {
    expect(parseSelector(selector.usage)).toMatchObject({ selector: name });
    const { placement } = select(`${text(2)}@r16`, { states: 9, scores: scoresOf(9), defaultRank: 4 });
    for (const { rank } of placement) expect(rank).toBe(16);
  });
});

test("a backbone of 25 states has 24 parallel and 24 sequential edges", () => {
  expect(select("all:parallel", { states: 25 }).edges).toHaveLength(24);
  expect(select("all:sequential", { states: 25 }).edges).toHaveLength(24);
});

test("random draws are uniform over all edges, differ by seed, and a smaller draw begins a larger one", () => {
  const states = 3;
  const hits = new Map<string, number>();
  const draws = 1800;
  for (let seed = 0; seed < draws; seed++) {
    for (const { from, to } of select(`random:2@${seed}`, { states }).edges) {
      hits.set(`${from}-${to}`, (hits.get(`${from}-${to}`) ?? 0) + 1);
    }
  }
  // Each of 9 edges is in a draw with probability 2/9: mean 400, standard deviation √(1800 · 2/9 · 7/9) = 17.6.
  expect(hits.size).toBe(9);
  for (const count of hits.values()) expect(Math.abs(count - 400)).toBeLessThan(5 * 17.6);
  const [two, five] = [select("random:2@7", { states: 25 }), select("random:5@7", { states: 25 })];
  expect(five.edges.slice(0, 2)).toEqual(two.edges);
});

test("a seed in the text wins over the default one", () => {
  const text = (spec: string, seed: number) => select(spec, { states: 25, seed }).edges;
  expect(text("random:3@7", 1)).toEqual(text("random:3", 7));
  expect(text("random:3", 1)).not.toEqual(text("random:3", 7));
});

test("edges as written are a selection too", () => {
  const { matrix } = scoresOf(25);
  expect(select("4-5,20-3@r16", { states: 25, scores: { matrix }, defaultRank: 2 })).toEqual({
    placement: [
      { from: 4, to: 5, rank: 2 },
      { from: 20, to: 3, rank: 16 },
    ],
    edges: [
      { from: 4, to: 5, kind: "parallel", score: matrix[4]![5] },
      { from: 20, to: 3, kind: "recurrent", score: matrix[20]![3] },
    ],
    ties: { picks: 0, drawn: 0 },
  });
});

test("an edge that a stride passed over, or that has an estimate, is told without a score", () => {
  const { matrix } = scoresOf(5);
  const coarse = { columns: 2, error: 1, exact: [{ from: 4, to: 0 }] };
  const told = (more: object) =>
    select("2-4,1-2,4-0", { states: 5, scores: { matrix, ...more } }).edges.map(({ score }) => score);
  expect(told({})).toEqual([matrix[2]![4], matrix[1]![2], matrix[4]![0]]);
  expect(told({ stride: 2 })).toEqual([matrix[2]![4], undefined, matrix[4]![0]]);
  expect(told({ coarse })).toEqual([undefined, undefined, matrix[4]![0]]);
});

test.each([
  ["gga:3", { selector: "gga", count: 3 }],
  [" random:3@7 ", { selector: "random", count: 3, seed: 7 }],
  ["random:3@7@r16", { selector: "random", count: 3, seed: 7, rank: 16 }],
  ["random:3@r16@7", { selector: "random", count: 3, seed: 7, rank: 16 }],
  ["all:parallel@r2", { selector: "all:parallel", rank: 2 }],
  ["none", { selector: "none" }],
  [
    "4-5,20-3@r16",
    {
      edges: [
        { from: 4, to: 5 },
        { from: 20, to: 3, rank: 16 },
      ],
    },
  ],
] as const)("%j is read, and written so that it reads the same", (text, spec) => {
  expect(parseSelector(text)).toEqual(spec);
  expect(parseSelector(formatSelector(parseSelector(text)))).toEqual(spec);
});

test.each([
  ["gaa:3", "UNKNOWN_SELECTOR", 'did you mean "gga"?'],
  ["all:paralel", "UNKNOWN_SELECTOR", 'did you mean "all:parallel"?'],
  [
    "magic:3",
    "UNKNOWN_SELECTOR",
    'placement "magic:3": no selector has that name. Write one of gga:3, top:3, random:3@7,',
  ],
  ["all", "UNKNOWN_SELECTOR", "all:parallel, all:sequential"],
  ["gga", "BAD_SELECTOR", '"" is not a count'],
  ["gga:", "BAD_SELECTOR", '"" is not a count'],
  ["gga:three", "BAD_SELECTOR", '"three" is not a count. Write it as gga:3'],
  ["gga:-1", "BAD_SELECTOR", '"-1" is not a count'],
  ["none:3", "BAD_SELECTOR", '"none" takes no argument'],
  ["first:3@7", "BAD_SELECTOR", '"@7" is a seed, but nothing is drawn'],
  ["random:3@7@8", "BAD_SELECTOR", '"@8" gives a second seed'],
  ["random:3@x", "BAD_SELECTOR", '"@x" is neither a seed (@7) nor a rank (@r16)'],
  ["first:3@r0", "RANK_OUT_OF_RANGE", "rank 0"],
  ["4-5,3-25", "EDGE_OUT_OF_RANGE", "entry 2"],
  ["", "BAD_PLACEMENT", "an empty edge"],
])("%j is refused: %s", (text, code, message) => {
  const ask = () => select(text, { states: 25, scores: scoresOf(25) });
  expect(ask).toThrow(expect.objectContaining({ code }));
  expect(ask).toThrow(message);
});

test.each([
  ["of another backbone", { matrix: scoresOf(9).matrix }, "their matrix is 9×9, but the backbone has 25 states"],
  ["not square", { matrix: scoresOf(25).matrix.with(3, [1]) }, "their matrix is 25×1"],
  ["with a tie break of another size", { ...scoresOf(25), tieBreak: [[1]] }, "their tieBreak is 1×1"],
  ["negative", { matrix: scoresOf(25).matrix.map((row) => row.with(2, -1)) }, "holds -1 for edge (0, 2)"],
  ["not numbers", { matrix: scoresOf(25).matrix.map((row) => row.with(2, Number.NaN)) }, "holds NaN for edge (0, 2)"],
])("scores %s are refused", (_, scores, message) => {
  const ask = () => select("gga:3", { states: 25, scores });
  expect(ask).toThrow(expect.objectContaining({ code: "BAD_SCORES" }));
  expect(ask).toThrow(message);
});
