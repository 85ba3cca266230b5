import { expect, test } from "vitest";
import { parseScores, type Scores } from "./scores.ts";

const scores: Scores = {
  schema: 1,
  scoreName: "srank",
  matrix: [
    [1, 2, 3],
    [4, 5, 6],
    [7, 8, 0],
  ],
  tieBreak: [
    [1.5, 2.5, 3.5],
    [4.5, 5.5, 6.5],
    [7.5, 8.5, 0],
  ],
  caps: [9, 9, 2],
  eta: 0.01,
  examples: 16,
  seconds: 0.5,
  head: "fitted",
  backbone: { name: "tiny", hash: "abc", states: 3 },
  task: "count",
  seed: 0,
};

test("scores survive JSON", () => {
  expect(parseScores(JSON.parse(JSON.stringify(scores)))).toEqual(scores);
});

test("ties and confidence do, too; JSON writes a reliability that there is none of as null", () => {
  const confidence = {
    reliability: Number.NaN,
    groups: 4,
    halves: 6,
    unsure: [{ edge: { from: 0, to: 1 }, rivals: [{ from: 2, to: 0 }] }],
  };
  const all: Scores = { ...scores, ties: { shared: 3, drawn: 0 }, confidence };
  expect(parseScores(JSON.parse(JSON.stringify(all)))).toEqual(all);
});

test("name and matrix are enough; keys not known are dropped", () => {
  const { schema, scoreName, matrix } = scores;
  expect(parseScores({ schema, scoreName, matrix, later: true })).toEqual({ schema, scoreName, matrix });
});

const { matrix } = scores;
const withValue = (i: number, j: number, value: unknown) => ({
  ...scores,
  matrix: matrix.map((row, at) => (at === i ? row.with(j, value as number) : row)),
});

test.each<[string, unknown, RegExp]>([
  ["no object", [1], /file\.json: at the top/],
  ["no matrix", { ...scores, matrix: undefined }, /matrix: /],
  ["an empty matrix", { ...scores, matrix: [] }, /matrix: /],
  ["a later schema", { ...scores, schema: 2 }, /schema: /],
  ["JSON's null for NaN", withValue(1, 2, null), /matrix\[1\]\[2\]: /],
  ["an infinity", withValue(1, 2, 1 / 0), /matrix\[1\]\[2\]: /],
  ["a negative score", withValue(0, 1, -1), /matrix\[0\]\[1\]: /],
  ["a short row", { ...scores, matrix: matrix.with(2, [7, 8]) }, /matrix\[2\]: has 2 values, but there are 3 states/],
  ["a missing row", { ...scores, matrix: matrix.slice(1) }, /matrix\[0\]: has 3 values, but there are 2 states/],
  ["a tie break of another size", { ...scores, tieBreak: [[1]] }, /tieBreak: has 1 rows/],
  ["caps of another length", { ...scores, caps: [1] }, /caps: has 1 values/],
  [
    "another backbone's states",
    { ...scores, backbone: { name: "", hash: "", states: 25 } },
    /backbone\.states: is 25, but the matrix has 3 rows/,
  ],
])("%s is refused, with its place", (_, json, message) => {
  const parse = () => parseScores(json, "file.json");
  expect(parse).toThrow(expect.objectContaining({ code: "BAD_SCORES" }));
  expect(parse).toThrow(message);
});
