import { describe, expect, test } from "vitest";
import { floats, runOnce } from "../../test/support/tiny-runs.ts";
import { float, int } from "./attributes.ts";
import { checkGraph, createBuilder, type Graph, prune, replay, tensorOf } from "./index.ts";

const vector = (...values: number[]) => tensorOf("float32", [values.length], values);
const feed = (...values: number[]) => floats([values.length], Float32Array.from(values));

/** y = (x + w) · s, the names as given. */
function affine(w: readonly number[], s: number, input = "x", output = "y"): Graph {
  const g = createBuilder();
  const x = g.input(input, "float32", [w.length]);
  g.rename(g.mul(g.add(x, g.constant(vector(...w), "w")), g.scalar(s)), output);
  return g.toGraph([output]);
}

describe("onto the same graph", () => {
  test("nothing replaced: nothing is added", () => {
    const graph = affine([1, 2], 3);
    const g = createBuilder(graph);
    const values = replay(g, graph);
    expect(g.nodes()).toEqual(graph.nodes);
    expect(values.get("y")!.name).toBe("y");
    for (const node of graph.nodes) for (const name of node.outputs) expect(values.get(name)!.name).toBe(name);
  });

  test("a replaced value: what depends on it is made again, everything else is shared", async () => {
    const g = createBuilder();
    const x = g.input("x", "float32", [2]);
    const shared = g.exp(x);
    const middle = g.add(shared, g.constant(vector(1, 1), "one"));
    g.rename(g.mul(middle, shared), "y");
    const graph = g.toGraph(["y"]);
    const again = createBuilder(graph);
    const values = replay(again, graph, new Map(), (name, value) =>
      name === middle.name ? again.mul(value, again.scalar(2)) : value,
    );
    again.rename(values.get("y")!, "second");
    const both = checkGraph(again.toGraph(["y", "second"]));
    expect(both.nodes.filter(({ op }) => op === "Exp")).toHaveLength(1);
    expect(both.nodes.filter(({ op }) => op === "Mul")).toHaveLength(3); // y, the doubling, the second y
    const { y, second } = await runOnce(both, { x: feed(0, 0) });
    expect([[...y!], [...second!]]).toEqual([
      [2, 2],
      [4, 4],
    ]);
  });

  test("a node none of whose changed inputs matter to a random operator stays its own: two draws are two nodes", () => {
    const g = createBuilder();
    const x = g.input("x", "float32", [2]);
    const noise = g.op("RandomNormalLike", [x], { seed: float(1) });
    g.rename(g.add(x, noise), "y");
    const graph = g.toGraph(["y"]);
    const again = createBuilder(graph);
    replay(again, graph);
    expect(again.nodes().filter(({ op }) => op === "RandomNormalLike")).toHaveLength(2);
  });
});

describe("onto another graph", () => {
  test("initializers and inner values of one name stay apart, inputs of one name are shared", async () => {
    const [first, second] = [affine([1, 2], 3), affine([10, 20], 5, "x", "z")];
    // Both builders count from the same number: the inner names are the same, their meaning is not.
    expect(second.nodes[0]!.outputs).toEqual(first.nodes[0]!.outputs);
    const g = createBuilder(first);
    const values = replay(g, second);
    g.rename(values.get("z")!, "other");
    const joined = prune(checkGraph(g.toGraph(["y", "other"])));
    expect(joined.inputs).toEqual(["x"]);
    const { y, other } = await runOnce(joined, { x: feed(1, 1) });
    expect([...y!]).toEqual([6, 9]); // (1 + 1) · 3, (1 + 2) · 3
    expect([...other!]).toEqual([55, 105]); // (1 + 10) · 5, (1 + 20) · 5
  });

  test("an initializer whose name the other graph gives to a computed value, and the other way round", async () => {
    const a = createBuilder();
    a.ops("Exp", [a.input("x", "float32", [1])], 1, {}, { outputs: ["w"] });
    const b = createBuilder();
    b.rename(b.add(b.input("x", "float32", [1]), b.constant(vector(7), "w")), "z");
    for (const [base, other] of [
      [a.toGraph(["w"]), b.toGraph(["z"])],
      [b.toGraph(["z"]), a.toGraph(["w"])],
    ] as const) {
      const g = createBuilder(base);
      g.rename(replay(g, other).get(other.outputs[0]!)!, "result");
      const { result } = await runOnce(prune(checkGraph(g.toGraph(["result"]))), { x: feed(0) });
      expect([...result!]).toEqual(other.outputs[0] === "z" ? [7] : [1]);
    }
  });

  test("an input is substituted by a computed value: graphs are composed", async () => {
    const g = createBuilder(affine([1, 1], 2));
    const values = replay(g, affine([10, 10], 1, "in", "out"), new Map([["in", g.value("y")]]));
    g.rename(values.get("out")!, "composed");
    const graph = checkGraph(g.toGraph(["composed"]));
    expect(graph.inputs).toEqual(["x"]);
    const { composed } = await runOnce(graph, { x: feed(0, 1) });
    expect([...composed!]).toEqual([12, 14]);
  });

  test("an equal initializer of the same name is taken over, not copied", () => {
    const first = affine([1, 2], 3);
    const g = createBuilder(first);
    const second: Graph = { ...affine([1, 2], 4, "x", "z"), initializers: first.initializers };
    replay(g, second);
    expect([...g.toGraph([]).initializers.values()].filter(({ shape }) => shape[0] === 2)).toHaveLength(1);
  });
});

test("nodes with several outputs, and omitted ones", async () => {
  const g = createBuilder();
  const x = g.input("x", "float32", [4]);
  const [low, high] = g.split(x, 0, [1, 3]) as [ReturnType<typeof g.value>, ReturnType<typeof g.value>];
  // The norm's mean is left out: only its result and 1 / standard deviation have a name.
  const attributes = { axis: int(-1), epsilon: float(0) };
  const outputs = ["normed", "", "inverse"];
  const [normed, , inverse] = g.ops("LayerNormalization", [high, g.constant(vector(1, 1, 1))], 3, attributes, {
    outputs,
  });
  g.rename(g.mul(g.add(low, g.mul(normed!, g.scalar(0))), inverse!), "y");
  const graph = checkGraph(g.toGraph(["y"]));

  const same = createBuilder(graph);
  replay(same, graph);
  expect(same.nodes()).toEqual(graph.nodes);

  const moved = createBuilder(graph);
  const values = replay(moved, graph, new Map(), (name, value) =>
    name === high.name ? moved.mul(value, moved.scalar(0.5)) : value,
  );
  expect(values.has("")).toBe(false);
  moved.rename(values.get("y")!, "halved");
  const both = checkGraph(moved.toGraph(["y", "halved"]));
  expect(both.nodes.filter(({ op }) => op === "Split")).toHaveLength(1);
  const norms = both.nodes.filter(({ op }) => op === "LayerNormalization");
  expect(norms.map((node) => node.outputs.map((name) => name !== ""))).toEqual(Array(2).fill([true, false, true]));
  const { y, halved } = await runOnce(both, { x: feed(12, 2, 0, -2) });
  // The deviation of 2, 0, −2 is √(8/3); half as far apart, its inverse is twice as large.
  const expected = 12 / Math.sqrt(8 / 3);
  for (const value of y!) expect(value).toBeCloseTo(expected, 5);
  for (const value of halved!) expect(value).toBeCloseTo(2 * expected, 5);
});

test("onOutput sees every output once, in order, and substituted ones not at all", () => {
  const g = createBuilder();
  const x = g.input("x", "float32", [4]);
  const [a, b] = g.split(x, 0, [2, 2]) as [ReturnType<typeof g.value>, ReturnType<typeof g.value>];
  const sum = g.add(a, b);
  const graph = g.toGraph([sum.name]);
  const again = createBuilder(graph);
  const seen: string[] = [];
  replay(again, graph, new Map([[b.name, again.value(a.name)]]), (name, value) => {
    seen.push(name);
    return value;
  });
  expect(seen).toEqual([a.name, sum.name]);
  expect(again.nodes().at(-1)!.inputs).toEqual([a.name, a.name]);
});
