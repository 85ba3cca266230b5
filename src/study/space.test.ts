import { expect, test } from "vitest";
import { SpaceSettings } from "./settings.ts";
import { openSpace } from "./space.ts";

const open = (settings: object, states = 25) => openSpace(SpaceSettings.parse(settings), { states });
const written = (settings: object, states?: number) =>
  open(settings, states).edges.map(({ from, to }) => `${from}-${to}`);

test("all edges, every third state, only some kinds: in row order", () => {
  expect(written({}, 2)).toEqual(["0-0", "0-1", "1-0", "1-1"]);
  expect(open({}).edges).toHaveLength(625);
  expect(open({ stride: 3 }).edges).toHaveLength(81); // the paper's
  expect(written({ kinds: ["parallel"] }, 4)).toEqual(["0-1", "1-2", "2-3"]);
  expect(open({ kinds: ["sequential", "recurrent"] }, 5).edges).toHaveLength(5 + 10);
});

test("listed edges are taken once each, whatever their order", () => {
  expect(written({ edges: ["20-3", "4-5,4-6", "4-5"] })).toEqual(["4-5", "4-6", "20-3"]);
});

test("numbers become ranges, lists lose what is twice", () => {
  expect(open({ count: 3, rank: [8, 8, 32], learningRate: 1e-3, initScale: [0.5, 2] })).toMatchObject({
    count: [3, 3],
    ranks: [8, 32],
    learningRate: [1e-3, 1e-3],
    initScale: [0.5, 2],
  });
});

test.each([
  [{ count: [3, 2] }, /space\.count.*begins with the larger/],
  [{ count: 626 }, /626 adapters are asked for, and there are 625 edges/],
  [{ stride: 30, kinds: ["parallel"] }, /none of the backbone's edges is left/],
  [{ edges: ["4-25"] }, /4-25 is not in a backbone with 25 states/],
  [{ learningRate: [0, 1] }, /space\.learningRate/],
  [{ initScale: [2, 1] }, /space\.initScale/],
])("%j is refused", (settings, message) => {
  expect(() => open(settings)).toThrow(message);
});
