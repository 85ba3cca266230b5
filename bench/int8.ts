/**
 * Frozen products in int8 against float32 (docs/experiments.md), both in one process: how far an adapter's gradient keeps
 * its direction, and what a step costs.
 *
 *   tsx bench/int8.ts [--what gradients|steps] [--model builtin:vit|vit-b|DIR] [--task count|FILE] [--place "all:parallel;4-5,6-20"]
 *                     [--batch 8] [--batches 6] [--tokens 96] [--threads 1] [--rounds 7]
 *
 * `vit-b` is a random net of ViT-B/16's size on random pictures: for steps alone, its gradients mean nothing.
 */
import { parseArgs } from "node:util";
import { parsePlacement } from "../src/adapters/index.ts";
import { authorVit, type Backbone, openGraph, traceBackbone } from "../src/backbone/index.ts";
import { mean, median, random } from "../src/base/index.ts";
import { elementCount, type Tensor, tensorOf, tensorValues } from "../src/graph/index.ts";
import { methodOf, startTensors, type TunedSpec } from "../src/methods/index.ts";
import { openBackbone, openTask, TrainOptions } from "../src/node.ts";
import { type ParameterLayout, packVectors } from "../src/parameters/index.ts";
import { atPrecision } from "../src/precision/index.ts";
import { nodeRuntime } from "../src/runtime/index.node.ts";
import type { HostTensor } from "../src/runtime/index.ts";
import { select } from "../src/selection/index.ts";
import { fitTaskHead, initialState, openStepper, stepFeeds, tunedStep, viewsOf } from "../src/training/index.ts";

const VIT_B = { imageSize: 224, patchSize: 16, hiddenSize: 768, blocks: 12, heads: 12, mlpSize: 3072 };
const SIDES = ["float32", "int8"] as const;

const { values: args } = parseArgs({
  options: {
    what: { type: "string", default: "gradients" },
    model: { type: "string", default: "builtin:vit" },
    task: { type: "string", default: "count" },
    place: { type: "string", default: "all:parallel" },
    batch: { type: "string", default: "8" },
    batches: { type: "string", default: "6" },
    tokens: { type: "string", default: "96" },
    threads: { type: "string", default: "1" },
    rounds: { type: "string", default: "7" },
  },
});
const numberOf = (name: "batch" | "batches" | "tokens" | "threads" | "rounds") => Number(args[name]);
const [batchSize, threads] = [numberOf("batch"), numberOf("threads")];
const options = TrainOptions.parse({ batchSize, threads, clipNorm: 1e9 });

const isRandom = args.model === "vit-b";
const backbone = isRandom ? await openGraph(authorVit(VIT_B, 1), nodeRuntime) : await openBackbone(args.model);
const states = backbone.states.length;
const sizes = { trainSize: 400, validationSize: 10, testSize: 10 };
const task = isRandom ? undefined : await openTask(args.task, { backbone, ...(!args.task.includes(".") && sizes) });
const goal = task?.goal ?? { kind: "classify", classes: Array.from({ length: 100 }, (_, k) => String(k)) };
const head = task && (await fitTaskHead(backbone, task, options, {}));
const backbones = { float32: backbone, int8: (await atPrecision(backbone, "int8")).backbone };

for (const place of args.place.split(";")) {
  const placement = /^\d/.test(place)
    ? parsePlacement(place, { states, defaultRank: 8 })
    : select(place, { states, defaultRank: 8 }).placement;
  const spec: TunedSpec = { method: methodOf(backbone, placement), goal };
  const sides = { float32: await open(backbones.float32, spec), int8: await open(backbones.int8, spec) };
  const figures = args.what === "steps" ? await timeSteps(sides) : await compareGradients(sides);
  console.log(JSON.stringify({ model: isRandom ? "vit-b" : backbone.name, place, batchSize, threads, ...figures }));
}

type Side = Awaited<ReturnType<typeof open>>;

/** Cosines between the gradients of each adapter, over batches of examples of their own. */
async function compareGradients({ float32, int8 }: Record<(typeof SIDES)[number], Side>) {
  const cosines = new Map<string, number[]>();
  for (let batch = 0; batch < numberOf("batches"); batch++) {
    const [a, b] = [await float32.gradient(batch), await int8.gradient(batch)];
    for (const [name, of] of a) cosines.set(name, [...(cosines.get(name) ?? []), cosine(of, b.get(name)!)]);
  }
  const adapters = [...cosines].filter(([name]) => name !== "head").map(([, of]) => of);
  const means = adapters.map(mean);
  const least = Math.min(...adapters.flat());
  return {
    leastOfOneBatch: least,
    leastAdapter: Math.min(...means),
    median: median(means),
    head: mean(cosines.get("head")!),
  };
}

/** Medians of seconds, by the clock and of the processor, the sides taking turns. */
async function timeSteps(sides: Record<(typeof SIDES)[number], Side>) {
  const times = { float32: [] as number[], int8: [] as number[] };
  const cpu = { float32: [] as number[], int8: [] as number[] };
  const opened = { float32: await sides.float32.stepper(), int8: await sides.int8.stepper() };
  for (let round = 0; round <= numberOf("rounds"); round++)
    for (const side of SIDES) {
      const [begun, used] = [performance.now(), process.cpuUsage()];
      await opened[side].step(sides[side].feeds(0), 1e-4);
      const { user, system } = process.cpuUsage(used);
      if (round === 0) continue;
      times[side].push((performance.now() - begun) / 1000);
      cpu[side].push((user + system) / 1e6);
    }
  for (const side of SIDES) await opened[side].release();
  const ratio = (of: typeof times) => median(of.float32) / median(of.int8);
  const seconds = { float32: median(times.float32), int8: median(times.int8) };
  return {
    ...seconds,
    ratio: ratio(times),
    cpuRatio: ratio(cpu),
    leastRatio: Math.min(...times.float32) / Math.min(...times.int8),
  };
}

/** A step graph at a point like one in training: adapters whose W_up is no longer 0. */
async function open(model: Backbone, spec: TunedSpec) {
  const { input } = model;
  const tokens = input.kind === "text" ? numberOf("tokens") : undefined;
  const views = task ? viewsOf(task.train) : 1;
  const traced = await traceBackbone(model, { batchSize: views * batchSize, tokens });
  const stepGraph = tunedStep(model, traced, spec, options, { batchSize, views, tokens });
  const tensors = new Map([...startTensors(model, spec.method, 1), ...(head ?? [])]);
  for (const { name, shape } of stepGraph.layout.flatMap(({ entries }) => entries))
    if (/up\.weight$/.test(name) || !tensors.has(name))
      tensors.set(name, normalTensor(shape, 0.1 / Math.sqrt(shape[0]!), name.length));
  // Steppers write to their start.
  const start = () => initialState(stepGraph, packVectors(stepGraph.layout, tensors));
  const stepper = () => openStepper(model.runtime, stepGraph, { clipNorm: options.clipNorm }, start(), { threads });
  const feeds = (batch: number) => {
    const indices = Uint32Array.from({ length: batchSize }, (_, k) => batch * batchSize + k);
    return task ? stepFeeds(goal, { split: task.train, indices, input, batchSize, tokens }) : randomFeeds();
  };
  return {
    stepper,
    feeds,
    /** Of one batch, by adapter: a tenth of it is the first moment after a step from moments of 0. */
    async gradient(batch: number): Promise<Map<string, number[]>> {
      const fresh = await stepper();
      await fresh.step(feeds(batch), 0);
      const parts = byOwner(stepGraph.layout, fresh.state().m);
      await fresh.release();
      return parts;
    },
  };
}

function byOwner(layout: ParameterLayout, vectors: readonly Float32Array[]): Map<string, number[]> {
  const parts = new Map<string, number[]>();
  layout.forEach(({ entries }, k) => {
    for (const { name, offset, size } of entries) {
      const owner = name.startsWith("head.") ? "head" : name.split(".").slice(0, 2).join(".");
      parts.set(owner, [...(parts.get(owner) ?? []), ...vectors[k]!.subarray(offset, offset + size)]);
    }
  });
  return parts;
}

function cosine(a: readonly number[], b: readonly number[]): number {
  const dot = (x: readonly number[], y: readonly number[]) => x.reduce((sum, value, k) => sum + value * y[k]!, 0);
  return dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));
}

function normalTensor(shape: readonly number[], std: number, seed: number): Tensor {
  const draw = random(seed);
  return tensorOf(
    "float32",
    shape,
    Float32Array.from({ length: elementCount(shape) }, () => std * draw.normal()),
  );
}

function randomFeeds(): Record<string, HostTensor> {
  const host = (shape: readonly number[], data: HostTensor["data"]): HostTensor => ({ dtype: "float32", shape, data });
  const [pictures, classes] = [[batchSize, 3, 224, 224], 100];
  const targets = new Float32Array(batchSize * classes);
  for (let row = 0; row < batchSize; row++) targets[row * classes + row] = 1;
  return {
    pixel_values: host(pictures, tensorValues(normalTensor(pictures, 1, 4))),
    targets: host([batchSize, classes], targets),
    weights: host([batchSize], new Float32Array(batchSize).fill(1)),
  };
}
