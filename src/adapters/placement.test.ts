import fc from "fast-check";
import { expect, test } from "vitest";
import {
  checkPlacement,
  DEFAULT_RANK,
  edgeKind,
  formatPlacement,
  type Placement,
  parsePlacement,
} from "./placement.ts";

const states = 25;

test("edges as written, with and without a rank", () => {
  expect(parsePlacement(" 4-5, 20-3@r16 ", { states })).toEqual([
    { from: 4, to: 5, rank: DEFAULT_RANK },
    { from: 20, to: 3, rank: 16 },
  ]);
  expect(parsePlacement("0-0", { states, defaultRank: 2 })).toEqual([{ from: 0, to: 0, rank: 2 }]);
  expect(parsePlacement("none", { states })).toEqual([]);
});

test("the four kinds count as in the paper's table", () => {
  const counts = { sequential: 0, parallel: 0, "long-range": 0, recurrent: 0 };
  for (let from = 0; from < states; from++) {
    for (let to = 0; to < states; to++) counts[edgeKind({ from, to })]++;
  }
  // n on the diagonal, n − 1 right of it, and the two triangles that remain.
  expect(counts).toEqual({ sequential: 25, parallel: 24, "long-range": 276, recurrent: 300 });
  expect(edgeKind({ from: 3, to: 20 })).toBe("long-range");
  expect(edgeKind({ from: 20, to: 3 })).toBe("recurrent");
});

const anyPlacement: fc.Arbitrary<Placement> = fc.uniqueArray(
  fc.record({ from: fc.nat(states - 1), to: fc.nat(states - 1), rank: fc.integer({ min: 1, max: 4096 }) }),
  { selector: ({ from, to }) => from * states + to, maxLength: 30 },
);

test("a placement written is read back as it was", () =>
  fc.assert(
    fc.property(anyPlacement, (placement) => {
      expect(parsePlacement(formatPlacement(placement), { states })).toEqual(placement);
    }),
    { seed: 1 },
  ));

test.each([
  ["4-5,3-25", "EDGE_OUT_OF_RANGE", /edge \(3, 25\).*entry 2; the backbone has states 0 to 24/],
  ["4-5,3-4,4-5@r2", "DUPLICATE_EDGE", /edge \(4, 5\).*entry 3 repeats entry 1/],
  ["4-5@r0", "RANK_OUT_OF_RANGE", /rank 0 of edge \(4, 5\).*entry 1/],
  ["4-5,5>6", "BAD_PLACEMENT", /edge "5>6".*entry 2/],
  ["4-5,", "BAD_PLACEMENT", /an empty edge.*entry 2/],
  ["", "BAD_PLACEMENT", /an empty edge.*entry 1/],
  ["4--5", "BAD_PLACEMENT", /edge "4--5"/],
  ["1.5-2", "BAD_PLACEMENT", /edge "1.5-2"/],
  ["4-5@16", "BAD_PLACEMENT", /edge "4-5@16"/],
  ["4-5@r99999999999999999999", "RANK_OUT_OF_RANGE", /entry 1/],
])("placement %j is refused: %s", (text, code, message) => {
  const parse = () => parsePlacement(text, { states });
  expect(parse).toThrow(expect.objectContaining({ code }));
  expect(parse).toThrow(message);
});

test("a placement made by a program is checked too", () => {
  const check = (from: number, rank: number) => () => checkPlacement([{ from, to: 1, rank }], { states });
  expect(check(0, 8)).not.toThrow();
  expect(check(-1, 8)).toThrow(expect.objectContaining({ code: "EDGE_OUT_OF_RANGE" }));
  expect(check(0.5, 8)).toThrow(expect.objectContaining({ code: "EDGE_OUT_OF_RANGE" }));
  expect(check(Number.NaN, 8)).toThrow(expect.objectContaining({ code: "EDGE_OUT_OF_RANGE" }));
  expect(check(0, 2.5)).toThrow(expect.objectContaining({ code: "RANK_OUT_OF_RANGE" }));
});
