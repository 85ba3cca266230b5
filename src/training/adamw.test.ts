import { createHash } from "node:crypto";
import { describe, expect, test, vi } from "vitest";
import { floats, normals, relativeError } from "../../test/support/tiny-runs.ts";
import { GraftError } from "../base/index.ts";
import { createBuilder } from "../graph/index.ts";
import { declareParameters, layoutOf, type Parameter, packVectors, type Vectors } from "../parameters/index.ts";
import { nodeRuntime } from "../runtime/node.ts";
import { type AdamWOptions, initialState, openUpdate, type Update } from "./adamw.ts";
import { buildStepGraph } from "./step-graph.ts";
import { openStepper } from "./stepper.ts";

const small: Parameter[] = [
  { name: "weight", shape: [3, 4] },
  { name: "bias", shape: [5], decay: false },
  { name: "head", shape: [2], learningRateScale: 0.25 },
];
/** Big enough for a vector of its own, and no multiple of what an update takes at once. */
const big: Parameter = { name: "big", shape: [513, 513] };

const sizeOf = ({ shape }: Parameter) => shape.reduce((a, b) => a * b, 1);
const sizesOf = (parameters: readonly Parameter[]) => parameters.reduce((sum, each) => sum + sizeOf(each), 0);

/**
 * loss = ½ Σ w (θ − t)², so that the gradient is w (θ − t), started at normal numbers. The targets t are fed: they
 * change from step to step.
 */
async function openQuadratic(
  parameters: readonly Parameter[],
  curvature: Float32Array,
  optimizer: AdamWOptions,
  threads = 1,
) {
  const [layout, total] = [layoutOf(parameters), sizesOf(parameters)];
  const g = createBuilder();
  const declared = declareParameters(g, layout);
  const flat = parameters.map((each) => g.reshape(declared.tensors.get(each.name)!, [sizeOf(each)]));
  const difference = g.sub(g.concat(flat, 0), g.input("target", "float32", [total]));
  const weight = g.constant({ dtype: "float32", shape: [total], bytes: new Uint8Array(curvature.buffer) });
  const loss = g.reduceSum(g.mul(g.mul(difference, difference), g.mul(weight, g.scalar(0.5))), [0], false);
  const stepGraph = buildStepGraph(g, layout, declared, loss);
  const start = parameters.map(({ name, shape }, k) => {
    const bytes = new Uint8Array(normals(sizeOf(parameters[k]!), 20 + k).buffer);
    return [name, { dtype: "float32", shape, bytes }] as const;
  });
  const state = initialState(stepGraph, packVectors(layout, new Map(start)));
  return openStepper(nodeRuntime, stepGraph, optimizer, state, { threads });
}

const flatOf = (vectors: Vectors): number[] => vectors.flatMap((vector) => Array.from(vector));

/** Loshchilov & Hutter 2019, algorithm 2, element by element in float64. */
function plainAdamW(parameters: readonly Parameter[], start: readonly number[], options: AdamWOptions) {
  const { beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8, weightDecay = 0, clipNorm = Number.POSITIVE_INFINITY } = options;
  const theta = Float64Array.from(start);
  const [m, v] = [new Float64Array(theta.length), new Float64Array(theta.length)];
  const groups = parameters.flatMap((each) => new Array<Parameter>(sizeOf(each)).fill(each));
  let step = 0;
  return {
    theta,
    m,
    v,
    update(gradient: Float64Array, learningRate: number): number {
      const norm = Math.sqrt(gradient.reduce((sum, x) => sum + x * x, 0));
      const clip = norm > clipNorm ? clipNorm / norm : 1;
      step++;
      groups.forEach(({ learningRateScale = 1, decay = true }, k) => {
        const g = clip * gradient[k]!;
        m[k] = beta1 * m[k]! + (1 - beta1) * g;
        v[k] = beta2 * v[k]! + (1 - beta2) * g * g;
        const direction = m[k]! / (1 - beta1 ** step) / (Math.sqrt(v[k]! / (1 - beta2 ** step)) + epsilon);
        theta[k]! -= learningRate * learningRateScale * (direction + (decay ? weightDecay * theta[k]! : 0));
      });
      return norm;
    },
  };
}

const others = { beta1: 0.8, beta2: 0.95, epsilon: 1e-3, weightDecay: 0.02, clipNorm: 0.5 };

describe("AdamW", () => {
  test.each<[string, AdamWOptions, Parameter[], number]>([
    ["defaults", {}, small, 8],
    ["decay", { weightDecay: 0.1 }, small, 8],
    ["clipping, other betas and epsilon", others, small, 8],
    ["two vectors under one clipping norm", { weightDecay: 0.1, clipNorm: 3 }, [...small, big], 3],
  ])("several steps equal a plain AdamW: %s", async (_, options, parameters, steps) => {
    const total = sizesOf(parameters);
    const curvature = normals(total, 1).map((x) => Math.abs(x) + 0.1);
    const stepper = await openQuadratic(parameters, curvature, options);
    const plain = plainAdamW(parameters, flatOf(stepper.state().theta), options);
    for (let step = 0; step < steps; step++) {
      const target = normals(total, 50 + step);
      const gradient = plain.theta.map((x, k) => curvature[k]! * (x - target[k]!));
      const learningRate = 0.05 / (1 + step);
      const norm = plain.update(gradient, learningRate);
      const result = await stepper.step({ target: floats([total], target) }, learningRate);
      expect(Math.abs(result.gradientNorm / norm - 1)).toBeLessThan(1e-6);
      const { theta, m, v } = stepper.state();
      // float32 against float64.
      expect(relativeError(flatOf(theta), plain.theta)).toBeLessThan(1e-5);
      expect(relativeError(flatOf(m), plain.m)).toBeLessThan(1e-5);
      expect(relativeError(flatOf(v), plain.v)).toBeLessThan(1e-5);
    }
    expect(stepper.state().step).toBe(steps);
    await stepper.release();
  });

  test("a step that is not finite is refused and leaves the state of the step before, to go on from", async () => {
    const total = sizesOf(small);
    const open = () => openQuadratic(small, new Float32Array(total).fill(1), {});
    const [bad, good] = [await open(), await open()];
    const feeds = (seed: number) => ({ target: floats([total], normals(total, seed)) });
    for (const stepper of [bad, good]) for (const seed of [1, 2]) await stepper.step(feeds(seed), 0.1);
    for (const poison of [Number.NaN, Number.POSITIVE_INFINITY, 3e38]) {
      const target = normals(total, 3);
      target[7] = poison;
      const error = await bad.step({ target: floats([total], target) }, 0.1).catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(GraftError);
      expect(error).toMatchObject({ code: "LOSS_NOT_FINITE", thing: "training step 3" });
      expect(bad.state()).toEqual(good.state());
    }
    for (const stepper of [bad, good]) await stepper.step(feeds(4), 0.1);
    expect(bad.state()).toEqual(good.state());
    expect(bad.state().step).toBe(3);
    await bad.release();
    await good.release();
  });
});

describe("openUpdate", () => {
  const layout = layoutOf([{ name: "x", shape: [3] }]);
  const open = (options: AdamWOptions) =>
    openUpdate(nodeRuntime, layout, options, initialState({ layout }, [Float32Array.of(1, 2, 3)]));

  test("the start's arrays are the update's, and written to", async () => {
    const start = initialState({ layout }, [Float32Array.of(1, 2, 3)]);
    const { apply, state } = await openUpdate(nodeRuntime, layout, {}, start);
    expect(await apply([Float32Array.of(1, -2, 2)], 0.5, 0.1)).toBe(3);
    expect(state().theta[0]).toBe(start.theta[0]);
    expect(start.theta[0]![0]).toBeCloseTo(0.9, 6);
    expect(start.m[0]![1]).toBeCloseTo(-0.2, 6);
    expect([state().step, start.step]).toEqual([1, 0]);
  });

  test.each([{}, { clipNorm: 1 }])("no gradient moves nothing: %j", async (options) => {
    const { apply, state } = await open(options);
    expect(await apply([new Float32Array(3)], 0, 0.1)).toBe(0);
    expect([...state().theta[0]!]).toEqual([1, 2, 3]);
  });

  test("a gradient whose squares are no float32 is refused, unless it is clipped", async () => {
    const huge = [Float32Array.of(0, 1e30, 0)];
    const { apply, state } = await open({});
    await expect(apply(huge, 1, 0.1)).rejects.toMatchObject({ code: "LOSS_NOT_FINITE" });
    expect([state().step, ...state().v[0]!]).toEqual([0, 0, 0, 0]);
    const clipped = await open({ clipNorm: 1 });
    await clipped.apply(huge, 1, 0.1);
    expect(clipped.state().theta[0]![1]).toBeCloseTo(1.9, 5);
  });
});

/** Numbers between −½ and ½, sooner made than normal ones. */
function wave(size: number, seed: number): Float32Array {
  const numbers = new Float32Array(size);
  for (let k = 0; k < size; k++) numbers[k] = ((k * 7919 + seed * 104729) % 10007) / 10007 - 0.5;
  return numbers;
}

/** What is equal for equal bits: comparing millions of numbers one by one takes minutes. */
const bitsOf = (vectors: Vectors) =>
  vectors.map(({ buffer }) => createHash("sha256").update(new Uint8Array(buffer)).digest("hex"));
const allBits = ({ state }: Pick<Update, "state">) => {
  const { step, theta, m, v } = state();
  return [step, ...bitsOf(theta), ...bitsOf(m), ...bitsOf(v)];
};

test("threads change no bit of an update, and give the vectors back", async () => {
  // Of all vectors so many numbers that they are shared out.
  const parameters: Parameter[] = [
    { name: "a", shape: [1500, 1501] },
    { name: "b", shape: [1201, 1001], decay: false },
    { name: "c", shape: [1101, 999], learningRateScale: 0.5 },
    { name: "d", shape: [3] },
  ];
  const layout = layoutOf(parameters);
  const vectors = (seed: number) => layout.map(({ size }, k) => wave(size, 10 * seed + k));
  const started = vi.fn(nodeRuntime.startWorker);
  const open = (threads: number) =>
    openUpdate(
      { cores: 4, startWorker: started },
      layout,
      { weightDecay: 0.1, clipNorm: 1 },
      initialState({ layout }, vectors(0)),
      { threads },
    );
  const alone = await open(1);
  expect(started).not.toHaveBeenCalled();
  const shared = await open(3);
  expect(started).toHaveBeenCalledTimes(2);
  for (const seed of [1, 2]) {
    const [one, other] = [vectors(seed), vectors(seed)];
    expect(await shared.apply(other, 1, 0.01)).toBe(await alone.apply(one, 1, 0.01));
    expect(bitsOf(other)).toEqual(bitsOf(one));
    expect(allBits(shared)).toEqual(allBits(alone));
  }
  const bad = vectors(3);
  bad[1]![5] = Number.NaN;
  await expect(shared.apply(bad, 1, 0.01)).rejects.toMatchObject({ code: "LOSS_NOT_FINITE" });
  expect(bad.map(({ length }) => length)).toEqual(layout.map(({ size }) => size));
  bad[1]![5] = 0;
  expect(await shared.apply(bad, 1, 0.01)).toBeGreaterThan(0);
  await alone.close();
  await shared.close();
});

test("where a thread ends in an update, the state is lost and says so", async () => {
  const layout = layoutOf([
    { name: "a", shape: [3, 1 << 20] },
    { name: "b", shape: [1 << 20] },
  ]);
  const startWorker = async (source: string) => {
    const worker = await nodeRuntime.startWorker(source);
    return worker && { ...worker, ask: () => Promise.reject(new Error("the thread ended (exit code 134)")) };
  };
  const start = initialState(
    { layout },
    layout.map(({ size }) => wave(size, 1)),
  );
  const { apply, state, close } = await openUpdate({ cores: 2, startWorker }, layout, {}, start);
  const told = { code: "UPDATE_BROKEN", thing: "training step 1", remedy: expect.stringContaining("last checkpoint") };
  await expect(apply([...start.theta], 1, 0.01)).rejects.toMatchObject(told);
  expect(state).toThrow(expect.objectContaining(told));
  await close();
});

test("steps of so many parameters have the same bits with threads, whole and in parts", async () => {
  const parameters: Parameter[] = [
    { name: "a", shape: [2100, 1000] },
    { name: "b", shape: [2200, 1000], decay: false },
    { name: "c", shape: [3], learningRateScale: 2 },
  ];
  const total = sizesOf(parameters);
  const curvature = wave(total, 1).map((x) => x + 1);
  const open = (threads: number) => openQuadratic(parameters, curvature, { clipNorm: 1 }, threads);
  const [alone, shared] = [await open(1), await open(2)];
  for (const seed of [2, 3, 4]) {
    const feeds = { target: floats([total], wave(total, seed)) };
    const half = { ...feeds, weights: floats([1], Float32Array.of(1)) };
    const batch = seed === 3 ? [half, half] : feeds;
    const [one, other] = [await alone.step(batch, 0.01), await shared.step(batch, 0.01)];
    expect(other.gradientNorm).toBe(one.gradientNorm);
    expect(allBits(shared)).toEqual(allBits(alone));
  }
  await alone.release();
  await shared.release();
});
