import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { fixtureGraph, fixtureNames, fixtureRecord } from "../../test/support/fixtures.ts";
import { type ImageBackbone, TINY, tinyBackbones } from "../../test/support/tiny-backbone.ts";
import { floats, numbersOf, pixelsFor, relativeError, runOnce, trainedTensors } from "../../test/support/tiny-runs.ts";
import { type Backbone, openGraph, traceBackbone } from "../backbone/index.ts";
import { random } from "../base/index.ts";
import { checkGraph, createBuilder, type Graph, prune, type Tensor } from "../graph/index.ts";
import { nodeRuntime } from "../runtime/node.ts";
import {
  type AdapterOptions,
  adapterParameters,
  edgeKind,
  initialAdapters,
  insertAdapters,
  type Placement,
  parsePlacement,
} from "./index.ts";

const d = TINY.hiddenSize;
const n = 2 * TINY.blocks + 1;

/** The backbone with adapters baked in; outputs the features and every state of the adapted run. */
function adapted(
  backbone: ImageBackbone,
  graph: Graph,
  placement: Placement,
  tensors: ReadonlyMap<string, Tensor>,
  options: AdapterOptions = {},
): Graph {
  const g = createBuilder(graph);
  const constants = new Map([...tensors].map(([name, tensor]) => [name, g.constant(tensor, name)]));
  const values = insertAdapters(g, graph, backbone, placement, constants, options);
  backbone.states.forEach((name, j) => {
    g.rename(values.get(name)!, `state ${j}`);
  });
  g.rename(values.get(backbone.features)!, "adapted features");
  return checkGraph(g.toGraph(["adapted features", ...backbone.states.map((_, j) => `state ${j}`)]));
}

const featuresOnly = (graph: Graph): Graph => prune({ ...graph, outputs: ["adapted features"] });

const anyPlacement: fc.Arbitrary<Placement> = fc.uniqueArray(
  fc.record({ from: fc.nat(n - 1), to: fc.nat(n - 1), rank: fc.integer({ min: 1, max: 5 }) }),
  { selector: ({ from, to }) => from * n + to, minLength: 1, maxLength: 8 },
);

const anyOptions: fc.Arbitrary<AdapterOptions> = fc.record({
  activation: fc.constantFrom("gelu", "relu", "tanh", "none"),
  norm: fc.boolean(),
  bias: fc.boolean(),
  scale: fc.constantFrom("scalar", "channel", "none"),
  beforeNorm: fc.boolean(),
});

describe.each(Object.entries(tinyBackbones))("%s", (_, open) => {
  test.each([true, false])("an untrained placement changes no bit of the output (optimised: %s)", async (optimize) => {
    const backbone = await open();
    const feeds = pixelsFor(backbone, 2, 3);
    const output = async (placement: Placement, options: AdapterOptions) => {
      const tensors = initialAdapters(placement, d, 7, options);
      const graph = featuresOnly(adapted(backbone, backbone.graph, placement, tensors, options));
      return (await runOnce(graph, feeds, optimize))["adapted features"]!;
    };
    const plain = await output([], {});
    expect(plain.some((x) => x !== 0)).toBe(true);
    const every = Array.from({ length: n * n }, (_, k) => ({ from: Math.floor(k / n), to: k % n, rank: 2 }));
    expect(await output(every, {})).toEqual(plain);
    await fc.assert(
      fc.asyncProperty(anyPlacement, anyOptions, async (placement, options) => {
        expect(await output(placement, options)).toEqual(plain);
      }),
      {
        seed: 1,
        numRuns: 25,
        examples: [
          [[{ from: 0, to: 0, rank: 1 }], {}],
          [[{ from: n - 1, to: 0, rank: 3 }], {}],
          [parsePlacement("0-4,3-4,4-4", { states: n }), {}],
        ],
      },
    );
  });

  test("several edges together compute what the paper's formulas say", async () => {
    const backbone = await open();
    const batch = 3;
    const graph = await traceBackbone(backbone, { batchSize: batch });
    const feeds = pixelsFor(backbone, batch, 5);
    const reference = await referenceRun(backbone, graph, feeds);
    await fc.assert(
      fc.asyncProperty(anyPlacement, anyOptions, fc.nat(1000), async (placement, options, seed) => {
        const tensors = trainedTensors(adapterParameters(placement, d, options), seed);
        const outputs = await runOnce(adapted(backbone, graph, placement, tensors, options), feeds);
        const expected = await reference(placement, tensors, options);
        expected.states.forEach((state, j) => {
          expect(relativeError(outputs[`state ${j}`]!, state), `state ${j}`).toBeLessThan(2e-5);
        });
        expect(relativeError(outputs["adapted features"]!, expected.features)).toBeLessThan(2e-5);
      }),
      {
        seed: 2,
        numRuns: 15,
        examples: [
          // All four kinds into one target, one of them reading an adapted state, one a state of the first run.
          [parsePlacement("0-1,1-2,0-2,4-2,2-2,3-0", { states: n }), {}, 1],
          [parsePlacement("0-0,4-0", { states: n }), {}, 2],
        ],
      },
    );
  });

  test("the order a placement is written in does not matter", async () => {
    const backbone = await open();
    const placement = parsePlacement("0-3,4-3,1-3,3-3,2-1", { states: n, defaultRank: 2 });
    const tensors = trainedTensors(adapterParameters(placement, d), 1);
    const feeds = pixelsFor(backbone, 2, 6);
    const run = async (edges: Placement) =>
      (await runOnce(featuresOnly(adapted(backbone, backbone.graph, edges, tensors)), feeds))["adapted features"];
    const expected = await run(placement);
    for (let seed = 0; seed < 3; seed++) {
      const order = random(seed).permutation(placement.length);
      expect(await run(Array.from(order, (k) => placement[k]!))).toEqual(expected);
    }
  });

  test("both runs share their prefix, and the first one ends at the last source", async () => {
    const backbone = await open();
    const graph = prune({ ...backbone.graph, outputs: [backbone.features] });
    const upTo = (state: number) => prune({ ...graph, outputs: [backbone.states[state]!] }).nodes.length;
    const nodesOf = (text: string) => {
      const placement = parsePlacement(text, { states: n });
      return featuresOnly(adapted(backbone, graph, placement, initialAdapters(placement, d, 0))).nodes;
    };
    // LayerNormalization, MatMul, Add, Gelu, MatMul, Add, Mul; and the Add onto the target. One Identity names the output.
    const adapter = 8;
    const plain = nodesOf("none").length;
    expect(plain).toBe(graph.nodes.length + 1);
    expect(nodesOf("1-2,2-2,0-4")).toHaveLength(plain + 3 * adapter);
    // Run 2 is new from its first adapter on; run 1 goes on from there to state 4, or 3.
    expect(nodesOf("4-1")).toHaveLength(plain + adapter + upTo(4) - upTo(1));
    expect(nodesOf("3-1,2-1,1-4")).toHaveLength(plain + 3 * adapter + upTo(3) - upTo(1));
    const made = new Set(nodesOf("3-1").flatMap(({ outputs }) => outputs));
    expect([2, 3, 4].map((state) => made.has(backbone.states[state]!))).toEqual([true, true, false]);
    // Without recurrent edges nothing of run 1 behind the first target remains.
    const forward = new Set(nodesOf("0-1,0-2").flatMap(({ outputs }) => outputs));
    expect([1, 2, 3, 4].map((state) => forward.has(backbone.states[state]!))).toEqual([true, false, false, false]);
  });
});

const pictures = fixtureNames().filter(
  (name) => fixtureRecord(name).dynamic && "pixel_values" in fixtureRecord(name).inputs,
);

// Files of other writers: norms, attention and activations written out in their ways, so that other fusions match.
test.each(pictures)("%s: an adapter on every edge changes no bit before training", async (name) => {
  const { shape } = fixtureRecord(name).inputs.pixel_values!;
  const backbone = (await openGraph(fixtureGraph(name), nodeRuntime, { imageSize: shape[2]! })) as ImageBackbone;
  const graph = prune({ ...backbone.graph, outputs: [backbone.features] });
  const count = backbone.states.length;
  const every = Array.from({ length: count ** 2 }, (_, k) => ({ from: Math.floor(k / count), to: k % count, rank: 2 }));
  const output = async (placement: Placement) => {
    const tensors = initialAdapters(placement, backbone.hiddenSize, 7);
    const feeds = pixelsFor(backbone, shape[0]!, 3);
    return (await runOnce(featuresOnly(adapted(backbone, graph, placement, tensors)), feeds))["adapted features"];
  };
  expect(await output(every)).toEqual(await output([]));
});

test("adapters draw their start from streams of their own: an edge starts alike in every placement", () => {
  const one = initialAdapters(parsePlacement("2-3@r4", { states: n }), d, 5);
  const many = initialAdapters(parsePlacement("0-3@r4,2-3@r4", { states: n }), d, 5);
  for (const [name, tensor] of one) expect(many.get(name)).toEqual(tensor);
  const down = (edge: string) => numbersOf(many.get(`adapters.${edge}.down.weight`)!);
  expect(down("0-3")).not.toEqual(down("2-3"));
  expect(initialAdapters(parsePlacement("2-3@r4", { states: n }), d, 6)).not.toEqual(one);
});

test("W_down starts with standard deviation initScale / √d, the rest so that A(x) = 0 can learn", () => {
  const width = 4096;
  const placement = [{ from: 0, to: 1, rank: 16 }];
  const tensors = initialAdapters(placement, width, 1, { initScale: 2 });
  const down = numbersOf(tensors.get("adapters.0-1.down.weight")!);
  const std = Math.sqrt(down.reduce((sum, x) => sum + x * x, 0) / down.length);
  // 65,536 draws: the estimate is within 1.5 % of 2/64 at more than five of its standard errors.
  expect(Math.abs(std / (2 / Math.sqrt(width)) - 1)).toBeLessThan(0.015);
  const all = (part: string) => new Set(numbersOf(tensors.get(`adapters.0-1.${part}`)!));
  expect([all("up.weight"), all("up.bias"), all("down.bias"), all("norm.bias")]).toEqual(Array(4).fill(new Set([0])));
  expect([all("norm.weight"), all("scale")]).toEqual([new Set([1]), new Set([1])]);
});

interface ReferenceRun {
  readonly states: readonly Float64Array[];
  readonly features: Float32Array;
}

/**
 * The paper's formulas in plain TypeScript. The frozen parts, x_{j−1} ↦ x_{j−1} + F_j(x_{j−1}), run on their own, each
 * cut out of the backbone between two states.
 */
async function referenceRun(backbone: Backbone, graph: Graph, feeds: Parameters<typeof runOnce>[1]) {
  const names = [...backbone.states, backbone.features];
  const stateShape = graph.types.get(names[0]!)!.shape as readonly number[];
  const cuts = names.map((to, j) =>
    to === names[j - 1] ? undefined : cut(graph, names[j - 1] ?? graph.inputs[0]!, to),
  );
  const parts = await Promise.all(cuts.map((part) => part && nodeRuntime.open(part, { threads: 1 })));
  // The same in two halves, for adapters that add to a post-norm model's sums.
  const halves = backbone.states.map((state, j) => {
    const sum = backbone.sums[j]!;
    return sum === state
      ? undefined
      : { sum, state, before: cut(graph, names[j - 1]!, sum), norm: cut(graph, sum, state) };
  });
  const run = async (part: Graph, from: string, to: string, x: Float64Array) =>
    Float64Array.from((await runOnce(part, { [from]: floats(stateShape, Float32Array.from(x)) }))[to]!);
  const step = async (j: number, x: Float64Array): Promise<Float64Array> => {
    // Post-norm, the features are the last state.
    const input = { [names[j - 1]!]: floats(stateShape, Float32Array.from(x)) };
    return parts[j] ? Float64Array.from((await parts[j]!.run(input))[names[j]!]!.data as Float32Array) : x;
  };
  const x0 = Float64Array.from((await parts[0]!.run(feeds))[names[0]!]!.data as Float32Array);
  const first: Float64Array[] = [x0];
  for (let j = 1; j < n; j++) first.push(await step(j, first[j - 1]!));

  return async (placement: Placement, tensors: ReadonlyMap<string, Tensor>, options: AdapterOptions) => {
    const states: Float64Array[] = [];
    for (let j = 0; j < n; j++) {
      const half = options.beforeNorm ? halves[j] : undefined;
      const frozen = async () =>
        half ? run(half.before, names[j - 1]!, half.sum, states[j - 1]!) : step(j, states[j - 1]!);
      const z = j === 0 ? x0.slice() : await frozen();
      for (const edge of placement.filter(({ from, to }) => to === j && from !== j)) {
        const source = edgeKind(edge) === "recurrent" ? first[edge.from]! : states[edge.from]!;
        plainAdapter(source, `adapters.${edge.from}-${j}`, tensors, options).forEach((a, k) => {
          z[k]! += a;
        });
      }
      const own = placement.some(({ from, to }) => from === j && to === j);
      const added = own ? plainAdapter(z, `adapters.${j}-${j}`, tensors, options) : undefined;
      const x = added ? z.map((value, k) => value + added[k]!) : z;
      states.push(half ? await run(half.norm, half.sum, half.state, x) : x);
    }
    return { states, features: Float32Array.from(await step(n, states[n - 1]!)) } satisfies ReferenceRun;
  };
}

/** The part of a graph between two values. */
function cut(graph: Graph, from: string, to: string): Graph {
  const nodes = graph.nodes.filter((node) => !node.outputs.includes(from));
  return prune({ ...graph, nodes, inputs: [from], outputs: [to] });
}

/** A(x) = α · (σ(LN(x) · W_down + b_down) · W_up + b_up), row by row. */
function plainAdapter(
  x: Float64Array,
  name: string,
  tensors: ReadonlyMap<string, Tensor>,
  { activation = "gelu" }: AdapterOptions,
): Float64Array {
  const part = (of: string) => {
    const tensor = tensors.get(`${name}.${of}`);
    return tensor && numbersOf(tensor);
  };
  const [gamma, beta, down, up] = [part("norm.weight"), part("norm.bias"), part("down.weight")!, part("up.weight")!];
  const [downBias, upBias, scale] = [part("down.bias"), part("up.bias"), part("scale")];
  const rank = down.length / d;
  const sigma = { gelu, relu: (u: number) => Math.max(0, u), tanh: Math.tanh, none: (u: number) => u }[activation];
  const out = new Float64Array(x.length);
  for (let at = 0; at < x.length; at += d) {
    const row = x.subarray(at, at + d);
    const mean = row.reduce((a, b) => a + b) / d;
    const variance = row.reduce((sum, value) => sum + (value - mean) ** 2, 0) / d;
    const normed = Array.from(row, (v) => (v - mean) / Math.sqrt(variance + 1e-5));
    const input = gamma ? normed.map((v, k) => v * gamma[k]! + beta![k]!) : Array.from(row);
    const hidden = Array.from({ length: rank }, (_, r) =>
      sigma(input.reduce((sum, value, k) => sum + value * down[k * rank + r]!, downBias?.[r] ?? 0)),
    );
    for (let k = 0; k < d; k++) {
      const sum = hidden.reduce((total, h, r) => total + h * up[r * d + k]!, upBias?.[k] ?? 0);
      out[at + k] = sum * (scale ? scale[k % scale.length]! : 1);
    }
  }
  return out;
}

const gelu = (u: number) => 0.5 * u * (1 + erf(u / Math.SQRT2));

/** erf by its Taylor series: exact to rounding for |x| < 5, where it is 1 to 12 digits. */
function erf(x: number): number {
  if (Math.abs(x) > 5) return Math.sign(x);
  let [term, sum] = [x, x];
  for (let k = 1; k < 120; k++) {
    term *= (-x * x) / k;
    sum += term / (2 * k + 1);
  }
  return (2 / Math.sqrt(Math.PI)) * sum;
}

test("erf of the reference: values of Abramowitz and Stegun, table 7.1", () => {
  expect(erf(0.5)).toBeCloseTo(0.5204998778, 10);
  expect(erf(-2)).toBeCloseTo(-0.995322265, 9);
});
