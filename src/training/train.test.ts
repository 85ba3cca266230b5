import { beforeAll, describe, expect, test } from "vitest";
import { tinyPostNorm, tinyPreNorm, tinyTask } from "../../test/support/tiny-backbone.ts";
import { parsePlacement } from "../adapters/index.ts";
import type { Backbone } from "../backbone/index.ts";
import { GraftError, random } from "../base/index.ts";
import { decodeSafetensors } from "../formats/index.ts";
import { createBuilder, type Graph, hashGraph } from "../graph/index.ts";
import { type Evaluation, scoreLogits } from "../objective/index.ts";
import { labelsOf, type Task } from "../tasks/index.ts";
import type { CheckpointStore } from "./checkpoint.ts";
import { evaluate } from "./evaluate.ts";
import { type TrainCall, type Trained, train } from "./train.ts";

const placement = parsePlacement("1-2,3-0,2-2", { states: 5, defaultRank: 2 });
/** 40 examples in batches of 16: the third batch of an epoch is half padding. */
const settings = { epochs: 3, batchSize: 16, threads: 1, seed: 4 };
const steps = 9;

let backbone: Backbone;
let task: Task;
let straight: Trained;
beforeAll(async () => {
  backbone = await tinyPreNorm();
  task = tinyTask();
  straight = await train(backbone, task, placement, { options: settings });
});

/** Everything that must be equal, bit for bit, between two runs. */
const bitsOf = ({ tensors, history, bestEpoch, validation }: Trained) => ({
  tensors: [...tensors].map(([name, { bytes }]) => [name, Buffer.from(bytes).toString("base64")]),
  history,
  bestEpoch,
  validation,
});

function memoryStore(bytes?: Uint8Array): CheckpointStore & { bytes: Uint8Array | undefined; saves: number } {
  return {
    bytes,
    saves: 0,
    async load() {
      return this.bytes;
    },
    async save(next) {
      this.bytes = next.slice();
      this.saves++;
    },
  };
}

/** Train until `cut` steps of the whole run are done, then abort, as Ctrl-C does. */
async function trainUntil(cut: number, checkpoint: CheckpointStore, call: TrainCall = {}) {
  const controller = new AbortController();
  const stopped = new Error("stopped by the test");
  const onProgress: TrainCall["onProgress"] = ({ phase, done }) => {
    if (phase === "train" && done === cut) controller.abort(stopped);
  };
  const run = train(backbone, task, placement, {
    options: settings,
    checkpoint,
    ...call,
    signal: controller.signal,
    onProgress,
  });
  await expect(run).rejects.toBe(stopped);
}

describe("training", () => {
  test("the loss falls, and validation is better than chance", () => {
    const losses = straight.history.map(({ trainLoss }) => trainLoss);
    expect(losses).toHaveLength(3);
    expect(losses.at(-1)).toBeLessThan(losses[0]!);
    expect(straight.validation.value).toBeGreaterThan(0.5); // three classes
  });

  test("the frozen backbone's weights are the same bits after training", async () => {
    const fresh = await tinyPreNorm();
    expect(await hashGraph(backbone.graph)).toBe(await hashGraph(fresh.graph));
    expect(backbone.hash).toBe(fresh.hash);
  });

  test("one seed gives the same bits, another other ones", async () => {
    const again = await train(backbone, task, placement, { options: settings });
    expect(bitsOf(again)).toEqual(bitsOf(straight));
    const other = await train(backbone, task, placement, { options: { ...settings, seed: 5 } });
    expect(bitsOf(other).tensors).not.toEqual(bitsOf(straight).tensors);
  });

  test("what is kept is the best epoch: best validation value, then lowest loss", async () => {
    // Validation labels are shifted by one: the better training goes, the worse validation gets.
    const { validation } = task;
    const labels = labelsOf(validation).map((label) => (label + 1) % 3);
    const misled: Task = { ...task, validation: { ...validation, targets: { kind: "classes", labels } } };
    const options = { ...settings, epochs: 8, learningRate: 0.03, headLearningRate: 0.03 };
    const model = await train(backbone, misled, placement, { options });
    const better = (a: Evaluation, b: Evaluation) => a.value > b.value || (a.value === b.value && a.loss < b.loss);
    const best = model.history.reduce((x, y) => (better(y.validation, x.validation) ? y : x));
    expect(best.epoch).toBeLessThan(8);
    expect(model.bestEpoch).toBe(best.epoch);
    expect(model.validation).toEqual(best.validation);
    const measured = await evaluate(model, misled.validation, { threads: 1 });
    expect(measured.value).toBe(best.validation.value);
    expect(measured.loss).toBeCloseTo(best.validation.loss, 5);

    const stopped = await train(backbone, misled, placement, { options: { ...options, epochs: 50, patience: 2 } });
    expect(stopped.history.length - stopped.bestEpoch).toBe(2);
    expect(stopped.history.length).toBeLessThan(50);
  });

  test("a loss that is not finite stops with an error; the checkpoint holds the last good state", async () => {
    const store = memoryStore();
    const options = { ...settings, learningRate: 1e30, headLearningRate: 1e30, warmup: 0 };
    const run = train(backbone, task, placement, { options, checkpoint: store });
    await expect(run).rejects.toMatchObject({ code: "LOSS_NOT_FINITE", remedy: expect.stringContaining("rate") });
    const { tensors, metadata } = decodeSafetensors(store.bytes!);
    expect(JSON.parse(metadata.get("run")!)).toMatchObject({ step: 1, bestEpoch: 0 });
    for (const { bytes } of tensors.values())
      expect(new Float32Array(bytes.slice().buffer).every(Number.isFinite)).toBe(true);
    // Resumed as it was, it stops at the same step.
    const again = train(backbone, task, placement, { options, checkpoint: store, resume: true });
    await expect(again).rejects.toMatchObject({ code: "LOSS_NOT_FINITE", thing: "training step 2" });
  });

  test("a checkpoint that cannot be saved does not hide what went wrong", async () => {
    const full = new GraftError("FILE_DISK_FULL", { thing: "out", place: "no space is left", remedy: "Make room" });
    const checkpoint = { load: async () => undefined, save: () => Promise.reject(full) };
    const options = { ...settings, learningRate: 1e30, headLearningRate: 1e30, warmup: 0 };
    await expect(train(backbone, task, placement, { options, checkpoint })).rejects.toMatchObject({
      code: "LOSS_NOT_FINITE",
      place: expect.stringContaining("no space is left"),
      cause: full,
    });
    // Where saving itself is what went wrong, that is said, once.
    const saving = train(backbone, task, placement, { options: settings, checkpoint, checkpointSeconds: 0 });
    await expect(saving).rejects.toBe(full);
  });

  test("parameters that the last step spoiled are not handed out", async () => {
    const options = { ...settings, epochs: 1, batchSize: 40, learningRate: 1e30, headLearningRate: 1e30, warmup: 0 };
    const run = train(backbone, task, placement, { options });
    await expect(run).rejects.toMatchObject({ code: "LOSS_NOT_FINITE", thing: "the trained model" });
  });

  test("a batch larger than the split is the split", async () => {
    const once = { ...settings, epochs: 1 };
    const wide = await train(backbone, task, placement, { options: { ...once, batchSize: 1000 } });
    const whole = await train(backbone, task, placement, { options: { ...once, batchSize: task.train.count } });
    expect(bitsOf(wide)).toEqual(bitsOf(whole));
  });

  test.each([
    [{ options: { learningRat: 1 } }, /training options have no such key\. did you mean "learningRate"/],
    [{ options: { epochs: 0 } }, /^"epochs": 0: training options/],
    [{ adapter: { activation: "swish" } }, /^"activation": "swish": adapter options/],
  ])("%o is refused by name", async (call, message) => {
    const run = train(backbone, task, placement, call as unknown as TrainCall);
    await expect(run).rejects.toMatchObject({ code: "OPTIONS", message: expect.stringMatching(message) });
  });

  test("a placement with an edge out of range is refused", async () => {
    await expect(train(backbone, task, [{ from: 1, to: 5, rank: 2 }])).rejects.toMatchObject({
      code: "EDGE_OUT_OF_RANGE",
    });
  });

  test("post-norm backbones and an empty placement train too", async () => {
    const post = await tinyPostNorm({ pooling: "mean" });
    const head = await train(post, task, [], { options: settings });
    expect(head.trainableParameters).toBe(16 * 3 + 3);
    expect([...head.tensors.keys()]).toEqual(["head.weight", "head.bias"]);
    expect(head.history.at(-1)!.trainLoss).toBeLessThan(head.history[0]!.trainLoss);
  });

  test("a model whose own output is called logits can be trained", async () => {
    const { graph } = backbone;
    const g = createBuilder(graph);
    g.rename(g.reduceMean(g.value(backbone.features), [1], false), "logits");
    const withHead: Graph = g.toGraph(["logits"]);
    const model = await train({ ...backbone, graph: withHead }, task, placement, { options: settings });
    expect(bitsOf(model)).toEqual(bitsOf(straight));
  });
});

describe("resuming", () => {
  test("a run stopped at any step goes on to the same bits", async () => {
    const draw = random(1);
    // An epoch's last step, the one before, the run's first and last, and two at random.
    for (const cut of new Set([1, 3, 5, steps, 1 + draw.int(steps), 1 + draw.int(steps)])) {
      const store = memoryStore();
      await trainUntil(cut, store);
      const model = await train(backbone, task, placement, { options: settings, checkpoint: store, resume: true });
      expect(bitsOf(model), `cut after step ${cut}`).toEqual(bitsOf(straight));
    }
  });

  test("several stops in one run, with a checkpoint after every step", async () => {
    const store = memoryStore();
    for (const cut of [2, 3, 7, 8]) await trainUntil(cut, store, { resume: true, checkpointSeconds: 0 });
    const seen: number[] = [];
    const model = await train(backbone, task, placement, {
      options: settings,
      checkpoint: store,
      resume: true,
      onProgress: ({ phase, done }) => phase === "train" && seen.push(done),
    });
    expect(bitsOf(model)).toEqual(bitsOf(straight));
    expect(seen).toEqual([9]);
    expect(store.saves).toBeGreaterThan(8);
    // Resumed once more there is nothing left to do.
    const finished = await train(backbone, task, placement, { options: settings, checkpoint: store, resume: true });
    expect(bitsOf(finished)).toEqual(bitsOf(straight));
  });

  test("an error between an epoch's last step and its end loses nothing", async () => {
    const store = memoryStore();
    const failing = {
      onEpoch: () => {
        throw new Error("made up");
      },
    };
    const first = train(backbone, task, placement, { options: settings, checkpoint: store, ...failing });
    await expect(first).rejects.toThrow("made up");
    const model = await train(backbone, task, placement, { options: settings, checkpoint: store, resume: true });
    expect(bitsOf(model)).toEqual(bitsOf(straight));
  });

  test("resume without a checkpoint starts anew", async () => {
    const model = await train(backbone, task, placement, {
      options: settings,
      checkpoint: memoryStore(),
      resume: true,
    });
    expect(bitsOf(model)).toEqual(bitsOf(straight));
  });

  test("other settings are refused by name", async () => {
    const store = memoryStore();
    await trainUntil(1, store);
    const resume = (options: object, more: TrainCall = {}, edges = placement, other = backbone) =>
      train(other, task, edges, { options: { ...settings, ...options }, checkpoint: store, resume: true, ...more });
    const refused = (setting: string) => ({ code: "CHECKPOINT_MISMATCH", thing: `setting "${setting}"` });
    await expect(resume({ learningRate: 0.1 })).rejects.toMatchObject(refused("learningRate"));
    await expect(resume({ epochs: 4 })).rejects.toMatchObject(refused("epochs"));
    await expect(resume({ seed: 5 })).rejects.toMatchObject(refused("seed"));
    await expect(resume({ threads: 2 })).rejects.toMatchObject(refused("threads"));
    await expect(resume({}, {}, placement.slice(1))).rejects.toMatchObject(refused("placement"));
    await expect(resume({}, { adapter: { activation: "relu" } })).rejects.toMatchObject(refused("adapter"));
    await expect(resume({}, {}, placement, { ...backbone, hash: "0" })).rejects.toMatchObject(refused("backbone"));
    await expect(resume({}, {}, placement, await tinyPreNorm({ mean: [0, 0, 0] }))).rejects.toMatchObject(
      refused("input"),
    );
    // A default that is written out is the same setting.
    const model = await resume({}, { adapter: { activation: "gelu" } });
    expect(bitsOf(model)).toEqual(bitsOf(straight));
  });

  test("a damaged checkpoint is refused in one clear error", async () => {
    const store = memoryStore();
    await trainUntil(4, store);
    const whole = store.bytes!;
    for (const length of [0, 5, 200, whole.length - 1]) {
      const checkpoint = memoryStore(whole.subarray(0, length));
      const run = train(backbone, task, placement, { options: settings, checkpoint, resume: true });
      await expect(run, `${length} bytes`).rejects.toMatchObject({
        code: "SAFETENSORS",
        message: expect.stringContaining("the checkpoint"),
      });
    }
  });
});

test("accuracy and loss of logits, by hand; ties and what is no number count as wrong", () => {
  const labels = Int32Array.of(0, 1, 1, 0);
  // Losses: log(1 + e^-1), log(1 + e^2), log 2 (a tie).
  const logits = [1, 0, 2, 0, 0.5, 0.5];
  const { loss, value } = scoreLogits(logits, labels.subarray(0, 3), 2);
  expect(loss).toBeCloseTo((Math.log1p(Math.exp(-1)) + Math.log1p(Math.exp(2)) + Math.log(2)) / 3, 12);
  expect(value).toBe(1 / 3);
  expect(scoreLogits([Number.NaN, Number.NaN], Int32Array.of(0), 2).value).toBe(0);
});
