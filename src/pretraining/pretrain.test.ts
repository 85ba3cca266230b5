import { expect, test } from "vitest";
import { unpackVectors } from "../parameters/index.ts";
import { nodeRuntime } from "../runtime/index.node.ts";
import type { OptimizerState } from "../training/index.ts";
import { createPretrainingData } from "./data.ts";
import { learningRateAt, netOf, type PretrainingSettings, pretrain } from "./pretrain.ts";

const endless = createPretrainingData({ seed: 1, fractalClasses: 3, atomClasses: 3 });
/** Eight pictures over and over, so that a few steps suffice to learn them. */
const data = { ...endless, draw: (index: number, out: Uint8Array) => endless.draw(index % 8, out) };
const settings: PretrainingSettings = {
  seed: 1,
  batchSize: 8,
  learningRate: 1e-3,
  warmupSteps: 4,
  totalSteps: 12,
  decaySteps: 4,
  labelSmoothing: 0.1,
  threads: 1,
};

const run = async (totalSteps: number, start?: OptimizerState) => {
  const losses: number[] = [];
  const { state, stepGraph } = await pretrain({
    runtime: nodeRuntime,
    data,
    settings: { ...settings, totalSteps },
    ...(start && { start }),
    every: 3,
    onPoint: async ({ loss }) => void losses.push(loss),
  });
  return { state, stepGraph, losses };
};

let whole: ReturnType<typeof run> | undefined;
/** Twelve steps, trained once for all that look at them. */
const wholeRun = () => {
  whole ??= run(12);
  return whole;
};

/** toEqual takes seconds for a million numbers. */
const sameBits = (a: Uint8Array | Float32Array, b: Uint8Array | Float32Array) =>
  Buffer.from(a.buffer, a.byteOffset, a.byteLength).equals(Buffer.from(b.buffer, b.byteOffset, b.byteLength));

test("full training with our own gradients lowers the loss", async () => {
  const { losses } = await wholeRun();
  expect(losses[0]).toBeGreaterThan(1.6); // ln 6 = 1.79 at a zero head
  expect(losses.at(-1)).toBeLessThan(0.8 * losses[0]!);
});

test("a run resumed from its state ends in the same bits", async () => {
  let half: OptimizerState | undefined;
  const stop = new AbortController();
  await pretrain({
    runtime: nodeRuntime,
    data,
    settings,
    every: 6,
    signal: stop.signal,
    onPoint: async (_, { step, theta, m, v }) => {
      half = { step, theta: theta.map((x) => x.slice()), m: m.map((x) => x.slice()), v: v.map((x) => x.slice()) };
      stop.abort();
    },
  }).catch(() => {});
  expect(half?.step).toBe(6);
  const { theta } = (await run(12, half)).state;
  const { state } = await wholeRun();
  expect(theta.map((vector, k) => sameBits(vector, state.theta[k]!))).toEqual(theta.map(() => true));
});

test("a phase goes on from the weights of the one before, with a head of its own", async () => {
  const { state, stepGraph } = await wholeRun();
  const net = netOf(stepGraph, state, settings);
  const more = createPretrainingData({ seed: 1, fractalClasses: 4, atomClasses: 4, maxObjects: 3 });
  const next = await pretrain({
    runtime: nodeRuntime,
    data: more,
    settings: { ...settings, learningRate: 0 },
    net,
    every: 12,
    onPoint: async () => {},
  });
  const after = netOf(next.stepGraph, next.state, settings);
  for (const [name, { bytes, ...type }] of net.initializers) {
    const { bytes: afterwards, ...typeAfterwards } = after.initializers.get(name)!;
    expect(typeAfterwards).toEqual(type);
    expect(sameBits(afterwards, bytes), name).toBe(true);
  }
  expect(unpackVectors(next.stepGraph.layout, next.state.theta).get("head.bias")?.shape).toEqual([8]);
});

test("the learning rate warms up, stays, and falls to nothing", () => {
  const rate = (step: number) => learningRateAt(step, settings);
  expect([0, 3, 7].map(rate)).toEqual([0.25e-3, 1e-3, 1e-3]);
  expect(rate(11)).toBeCloseTo(0.25e-3, 12); // one step of four left
});
