/**
 * Our side of a row of bench/step-peers.ts, as bench/peers/step/peer.py is the other: a process of its own that prints a
 * line of JSON when it is ready and answers each line it reads with one. The steps are those of a training (`openSteps`).
 */
import { createInterface } from "node:readline";
import type { Backbone } from "../src/backbone/index.ts";
import { createBuilder, type Tensor, tensorOf } from "../src/graph/index.ts";
import { type Method, methodOf, startTensors } from "../src/methods/index.ts";
import { openBackbone } from "../src/node.ts";
import { packVectors, parameterCount } from "../src/parameters/index.ts";
import { atPrecision } from "../src/precision/index.ts";
import { nodeRuntime } from "../src/runtime/index.node.ts";
import { select } from "../src/selection/index.ts";
import type { Split, Task } from "../src/tasks/index.ts";
import { initialState, TrainOptions } from "../src/training/index.ts";
import { openSteps } from "../src/training/open-steps.ts";
import { tunedLayout } from "../src/training/tuned-step.ts";
import { VOCABULARY } from "./random-encoder.ts";
import type { SideSpec } from "./side.ts";

const [CLASSES, RANK, RATE, DECAY] = [100, 8, 1e-5, 1e-3];

async function openSide({ folder, method, threads, batch, tokens, cached = false, precision = "fp32" }: SideSpec) {
  const { backbone } = await atPrecision(await openBackbone(folder), precision);
  const task = taskOf(backbone, batch, tokens);
  const options = TrainOptions.parse({
    batchSize: batch,
    threads,
    learningRate: RATE,
    headLearningRate: RATE,
    weightDecay: DECAY,
    // PyTorch's side does not clip; the norm is computed all the same.
    clipNorm: 1e9,
    frozenCache: cached,
  });
  const spec = { method: methodOf(backbone, methodNamed(method, backbone)), goal: task.goal };
  const layout = tunedLayout(backbone, spec, options);
  const own = startTensors(backbone, spec.method, 0);
  const start = new Map<string, Tensor>();
  for (const { name, shape } of layout.flatMap(({ entries }) => entries)) {
    const isProjection = /(^head|\.down|adapters.*\.up)(\.weight)?$|^head\.weight$/.test(name);
    start.set(name, isProjection ? waves(shape) : (own.get(name) ?? zeros(shape)));
  }
  const indices = Uint32Array.from({ length: batch }, (_, k) => k);
  const planned = { epoch: 0, indices, graph: 0 };
  const plan = { lengths: [tokens], examples: [indices], stepsPerEpoch: 1, batch: () => planned };
  const state = initialState({ layout }, packVectors(layout, start));
  const steps = await openSteps(backbone, task, spec, options, plan, layout, state, {});
  if (cached !== (steps.frozen !== undefined)) throw new Error("nothing is cached");
  return { step: async () => (await steps.step(planned, RATE)).loss, trainable: parameterCount(layout) };
}

function methodNamed(name: string, { states }: Backbone): Method {
  if (name === "full") return { kind: "weights", which: "all" };
  if (name === "lora") return { kind: "lora", targets: ["q", "v"], rank: RANK, alpha: 2 * RANK };
  const count = Number(/^\w+-(\d+)$/.exec(name)?.[1] ?? 0);
  const from = name.startsWith("late") ? states.length - 1 - count : 0;
  const { placement } = select(`first:${states.length - 1}`, { states: states.length, defaultRank: RANK });
  return { kind: "adapters", placement: placement.slice(from, from + count), adapter: {} };
}

/** As peer.py's `formula`: 0.02 cos k over the flat index k. */
const waves = (shape: readonly number[]) => filled(shape, (k) => 0.02 * Math.cos(k));
const zeros = (shape: readonly number[]) => filled(shape, () => 0);
const filled = (shape: readonly number[], at: (k: number) => number) =>
  tensorOf(
    "float32",
    shape,
    Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, k) => at(k)),
  );

/** The examples of `batch_of` in peer.py. */
function taskOf({ input }: Backbone, count: number, tokens = 0): Task {
  const targets = { kind: "classes", labels: Int32Array.from({ length: count }, (_, k) => k % CLASSES) } as const;
  const lengthOf = (row: number) => tokens - ((row * 4) % Math.floor(tokens / 2));
  const split: Split =
    input.kind === "image"
      ? {
          kind: "image",
          count,
          targets,
          pixels: (index) => {
            const size = 3 * input.height * input.width;
            return Uint8Array.from({ length: size }, (_, k) => ((index * size + k) * 31) % 256);
          },
        }
      : {
          kind: "text",
          count,
          targets,
          views: 1,
          isPair: false,
          length: lengthOf,
          padding: { padId: 0, padTypeId: 0, paddingSide: "right" },
          encodings: (index) => {
            const ids = Int32Array.from(
              { length: lengthOf(index) },
              (_, k) => ((index * tokens + k) * 7919) % VOCABULARY,
            );
            return [{ ids, typeIds: new Int32Array(ids.length), truncated: false }];
          },
        };
  const classes = Array.from({ length: CLASSES }, (_, k) => String(k));
  const goal = { kind: "classify", classes } as const;
  return { name: "bench", title: "", goal, train: split, validation: split, test: split, notes: [] };
}

/** The product that dominates the step of ViT-B at batch 8: all tokens through an MLP's first weight. */
async function openMatMul(threads: number): Promise<() => Promise<number>> {
  const [rows, inner, columns] = [8 * 197, 768, 3072];
  const ones = (shape: readonly number[]) =>
    ({ dtype: "float32", shape, data: new Float32Array(shape.reduce((a, b) => a * b, 1)).fill(1) }) as const;
  const g = createBuilder();
  const weight = ones([inner, columns]);
  const x = g.input("x", "float32", [rows, inner]);
  g.rename(g.matmul(x, g.constant(tensorOf("float32", weight.shape, weight.data), "w")), "y");
  const session = await nodeRuntime.open(g.toGraph(["y"]), { threads });
  const [feeds, fetches] = [{ x: ones([rows, inner]) }, { y: ones([rows, columns]) }];
  const product = async () => {
    await session.run(feeds, fetches);
    return 0;
  };
  await product();
  return product;
}

const say = (message: object) => process.stdout.write(`${JSON.stringify(message)}\n`);
const spec = JSON.parse(process.argv[2]!) as SideSpec;
const { step, trainable } = await openSide(spec);
const { rss } = process.memoryUsage();
let matmul: (() => Promise<number>) | undefined;
say({ ready: true, trainable, openBytes: rss });
for await (const line of createInterface({ input: process.stdin })) {
  const { do: what, count } = JSON.parse(line) as { do: "steps" | "matmul"; count: number };
  if (what === "matmul") matmul ??= await openMatMul(spec.threads);
  const work = what === "steps" ? step : matmul!;
  const losses: number[] = [];
  const [begun, cpu] = [performance.now(), process.cpuUsage()];
  for (let k = 0; k < count; k++) losses.push(await work());
  const seconds = (performance.now() - begun) / 1000 / count;
  const { user, system } = process.cpuUsage(cpu);
  const cpuSeconds = (user + system) / 1e6 / count;
  const peakBytes = process.resourceUsage().maxRSS * 1024;
  say({ seconds, cpuSeconds, losses: what === "steps" ? losses : [], peakBytes });
}
process.exit(0);
