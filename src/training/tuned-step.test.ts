import { describe, expect, test } from "vitest";
import { type ImageBackbone, TINY, tinyBackbones, tinyPreNorm, tinyTask } from "../../test/support/tiny-backbone.ts";
import { normals, relativeError, trainedTensors } from "../../test/support/tiny-runs.ts";
import { parsePlacement } from "../adapters/index.ts";
import { type Backbone, traceBackbone } from "../backbone/index.ts";
import { type TunedSpec, tunedParameters } from "../methods/index.ts";
import { packVectors } from "../parameters/index.ts";
import { labelsOf } from "../tasks/index.ts";
import { initialState } from "./adamw.ts";
import { stepFeeds } from "./feeds.ts";
import { TrainOptions, type TrainSettings } from "./options.ts";
import { openStepper } from "./stepper.ts";
import { OUTPUT, tunedForward, tunedStep } from "./tuned-step.ts";

const task = tinyTask({ train: 12, noise: 0.9 });
const states = 2 * TINY.blocks + 1;

const specOf = (text: string): TunedSpec => ({
  method: { kind: "adapters", placement: parsePlacement(text, { states, defaultRank: 3 }), adapter: {} },
  goal: task.goal,
});

const ALL_WEIGHTS = { kind: "weights", which: "all" } as const;

/** One step from trained parameters; the gradient is m' / (1 − β₁), since m starts at 0. */
async function firstStep(backbone: Backbone, spec: TunedSpec, batch: Uint32Array, settings: TrainSettings) {
  const options = TrainOptions.parse({ clipNorm: 1e9, ...settings });
  const traced = await traceBackbone(backbone, options);
  const stepGraph = tunedStep(backbone, traced, spec, options);
  const theta = packVectors(stepGraph.layout, trainedTensors(tunedParameters(backbone, spec), 3));
  const start = initialState(
    stepGraph,
    theta.map((vector) => vector.slice()),
  );
  const stepper = await openStepper(backbone.runtime, stepGraph, options, start, { threads: 1 });
  const { input } = backbone;
  const feeds = stepFeeds(task.goal, { split: task.train, indices: batch, input, batchSize: options.batchSize });
  const result = await stepper.step(feeds, 1e-3);
  const gradient = stepper.state().m[0]!.map((m) => m / 0.1);
  await stepper.release();
  return { ...result, gradient, theta: theta[0]!, layout: stepGraph.layout };
}

const indices = (count: number) => Uint32Array.from({ length: count }, (_, k) => k);

/** Mean cross-entropy against smoothed targets, in float64, the formula written out. */
function crossEntropy(logits: ArrayLike<number>, labels: readonly number[], classes: number, smoothing: number) {
  const losses = labels.map((label, row) => {
    const z = Array.from({ length: classes }, (_, k) => logits[row * classes + k]!);
    const logSum = Math.log(z.reduce((sum, x) => sum + Math.exp(x), 0));
    return z.reduce((sum, x, k) => {
      const target = (k === label ? 1 - smoothing : 0) + smoothing / classes;
      return sum + target * (logSum - x);
    }, 0);
  });
  return losses.reduce((a, b) => a + b) / labels.length;
}

/** The loss as a function of θ, through the forward graph of validation. */
async function lossOf(backbone: ImageBackbone, spec: TunedSpec, batch: Uint32Array, smoothing: number) {
  const { layout } = await firstStep(backbone, spec, batch, { batchSize: batch.length });
  const session = await backbone.runtime.open(tunedForward(backbone, spec, layout), { threads: 1 });
  const { input } = backbone;
  const feeds = stepFeeds(task.goal, { split: task.train, indices: batch, input, batchSize: batch.length });
  const labels = Array.from(batch, (index) => labelsOf(task.train)[index]!);
  return async (theta: Float32Array) => {
    const vectors = { theta: { dtype: "float32", shape: [theta.length], data: theta } as const };
    const { [OUTPUT]: logits } = await session.run({ ...vectors, [input.name]: feeds[input.name]! });
    return crossEntropy(logits!.data as Float32Array, labels, 3, smoothing);
  };
}

describe.each(Object.entries(tinyBackbones))("%s", (_, open) => {
  test("the gradient of every parameter agrees with finite differences, recurrent edges and all", async () => {
    const backbone = await open();
    const spec = specOf("0-1,1-1,4-1,3-0,0-4,2-2");
    const batch = indices(4);
    const { gradient, theta, layout } = await firstStep(backbone, spec, batch, { batchSize: 4, labelSmoothing: 0.1 });
    const loss = await lossOf(backbone, spec, batch, 0.1);
    for (const { name, offset, size } of layout[0]!.entries) {
      const own = gradient.subarray(offset, offset + size);
      const length = Math.hypot(...own);
      // Along the gradient, where the slope is its length, and along a random direction.
      for (const direction of [own.map((x) => x / length), normals(size, 11).map((x) => x / Math.sqrt(size))]) {
        const at = (h: number) => {
          const moved = theta.slice();
          direction.forEach((u, k) => {
            moved[offset + k]! += h * u;
          });
          return loss(moved);
        };
        const h = 0.02;
        const slope = (8 * ((await at(h)) - (await at(-h))) - ((await at(2 * h)) - (await at(-2 * h)))) / (12 * h);
        const expected = direction.reduce((sum, u, k) => sum + u * own[k]!, 0);
        // Logits are float32: a difference of losses over 2h has an error of about 1e-7 / 0.04.
        expect(Math.abs(slope - expected), name).toBeLessThan(2e-3 * length + 2e-5);
      }
    }
  });
});

test.each(Object.entries(tinyBackbones))("%s: values computed again give the same gradient", async (_, open) => {
  const backbone = await open();
  for (const spec of [specOf("0-1,1-1,4-1,3-0,0-4,2-2"), { ...specOf("0-1"), method: ALL_WEIGHTS }]) {
    const kept = await firstStep(backbone, spec, indices(4), { batchSize: 4, recompute: "off" });
    const again = await firstStep(backbone, spec, indices(4), { batchSize: 4, recompute: "on" });
    // The runtime fuses them otherwise here and there.
    expect(relativeError(again.gradient, kept.gradient)).toBeLessThan(1e-5);
    expect(Math.abs(again.gradientNorm / kept.gradientNorm - 1)).toBeLessThan(1e-5);
  }
});

test("a padded last batch has the loss and the gradient of the examples alone", async () => {
  const backbone = await tinyPreNorm();
  const spec = specOf("1-2,3-0");
  const padded = await firstStep(backbone, spec, indices(5), { batchSize: 12, labelSmoothing: 0.2 });
  const exact = await firstStep(backbone, spec, indices(5), { batchSize: 5, labelSmoothing: 0.2 });
  expect(Math.abs(padded.loss - exact.loss)).toBeLessThan(1e-6);
  expect(relativeError(padded.gradient, exact.gradient)).toBeLessThan(1e-5);
  const other = await firstStep(backbone, spec, indices(6), { batchSize: 12, labelSmoothing: 0.2 });
  expect(relativeError(other.gradient, exact.gradient)).toBeGreaterThan(1e-2);
});

test("label smoothing mixes the targets with the uniform distribution", async () => {
  const backbone = await tinyPreNorm();
  const spec = specOf("1-2");
  for (const labelSmoothing of [0, 0.3]) {
    const { loss, theta } = await firstStep(backbone, spec, indices(4), { batchSize: 4, labelSmoothing });
    const expected = await (await lossOf(backbone, spec, indices(4), labelSmoothing))(theta);
    expect(Math.abs(loss - expected)).toBeLessThan(1e-5);
  }
});

test("clipping keeps the gradient's direction and limits its norm; the norm reported is the one before", async () => {
  const backbone = await tinyPreNorm();
  const spec = specOf("1-2");
  const free = await firstStep(backbone, spec, indices(4), { batchSize: 4 });
  const clipped = await firstStep(backbone, spec, indices(4), { batchSize: 4, clipNorm: 0.01 });
  expect(free.gradientNorm).toBeGreaterThan(0.02);
  expect(free.gradientNorm).toBeCloseTo(Math.hypot(...free.gradient), 4);
  expect(clipped.gradientNorm).toBeCloseTo(free.gradientNorm, 5);
  const factor = 0.01 / free.gradientNorm;
  expect(
    relativeError(
      clipped.gradient,
      free.gradient.map((x) => x * factor),
    ),
  ).toBeLessThan(1e-4);
});
