/**
 * `npm run pretrain`: make the embedded backbone again, or continue where the last run stopped (checkpoint and curve in
 * --work). Ends by writing the model, its curve and its card, with the net measured on every generated task, to --out.
 */
import { appendFile, mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { authorVit } from "../src/backbone/index.ts";
import { writeFileAtomic } from "../src/base/index.node.ts";
import { decodeSafetensors, encodeSafetensors } from "../src/formats/index.ts";
import { encodeModel, type Graph, type Tensor } from "../src/graph/index.ts";
import { type ParameterLayout, packVectors, unpackVectors } from "../src/parameters/index.ts";
import {
  type CurvePoint,
  createPretrainingData,
  EMBEDDED_VIT,
  measureBackbone,
  modelCard,
  type PretrainingSettings,
  pretrain,
  pretrainingStepGraph,
} from "../src/pretraining/index.ts";
import { nodeRuntime } from "../src/runtime/index.node.ts";
import type { OptimizerState } from "../src/training/index.ts";

const { values } = parseArgs({
  options: {
    work: { type: "string", default: ".cache/pretrain" },
    out: { type: "string", default: "assets" },
    steps: { type: "string", default: "12000" },
    decay: { type: "string", default: "3000" },
    threads: { type: "string", default: "1" },
    every: { type: "string", default: "50" },
    seed: { type: "string", default: "1" },
    batch: { type: "string", default: "128" },
    /** Epochs and tasks of the table in the card. */
    epochs: { type: "string", default: "4" },
    tasks: { type: "string" },
  },
});

const settings: PretrainingSettings = {
  seed: Number(values.seed),
  batchSize: Number(values.batch),
  learningRate: 1e-3,
  warmupSteps: 150,
  totalSteps: Number(values.steps),
  decaySteps: Number(values.decay),
  labelSmoothing: 0.1,
  threads: Number(values.threads),
};
const [checkpointFile, curveFile] = [join(values.work, "checkpoint.safetensors"), join(values.work, "curve.jsonl")];
await mkdir(values.work, { recursive: true });
await mkdir(values.out, { recursive: true });

const data = createPretrainingData({ seed: settings.seed });
const { layout } = pretrainingStepGraph(
  authorVit(EMBEDDED_VIT, settings.seed, settings.batchSize),
  data.classes,
  settings,
);
const start = await readCheckpoint(checkpointFile, layout);
console.error(
  start ? `resuming at step ${start.step}` : `starting: ${data.classes} classes, ${settings.totalSteps} steps`,
);
const { state } = await pretrain({
  runtime: nodeRuntime,
  data,
  settings,
  ...(start && { start }),
  every: Number(values.every),
  async onPoint(point, state) {
    await appendFile(curveFile, `${JSON.stringify(point)}\n`);
    await writeFileAtomic(checkpointFile, encodeCheckpoint(layout, state));
    console.error(JSON.stringify(point));
  },
});

const net = publishedNet(unpackVectors(layout, state.theta));
await writeFileAtomic(join(values.out, "vit.onnx"), encodeModel(net).bytes);
const curve = await readCurve(curveFile);
await writeFileAtomic(join(values.out, "vit.curve.jsonl"), curve.map((point) => `${JSON.stringify(point)}\n`).join(""));
const measurements = await measureBackbone(net, nodeRuntime, {
  epochs: Number(values.epochs),
  ...(values.tasks !== undefined && { tasks: values.tasks.split(",") }),
  onMeasurement: (measurement) => console.error(JSON.stringify(measurement)),
});
const command = `npm run pretrain -- --steps ${settings.totalSteps} --decay ${settings.decaySteps}`;
await writeFileAtomic(
  join(values.out, "vit.md"),
  modelCard({ settings, curve, classes: data.classes, measurements, command }),
);
console.error(`wrote vit.onnx, vit.curve.jsonl and vit.md to ${values.out} after ${state.step} steps`);

/** The net alone, with a dynamic batch: the pre-training head is left behind. */
function publishedNet(weights: ReadonlyMap<string, Tensor>): Graph {
  const authored = authorVit(EMBEDDED_VIT, settings.seed);
  const initializers = new Map([...authored.initializers].map(([name, tensor]) => [name, weights.get(name) ?? tensor]));
  return { ...authored, initializers };
}

/** A run killed between point and checkpoint repeats a few steps: the later line of a step counts. */
async function readCurve(path: string): Promise<CurvePoint[]> {
  const lines = (await readFile(path, "utf8")).trim().split("\n");
  const points = lines.map((line) => JSON.parse(line) as CurvePoint);
  return [...new Map(points.map((point) => [point.step, point])).values()].sort((a, b) => a.step - b.step);
}

function encodeCheckpoint(layout: ParameterLayout, { step, theta, m, v }: OptimizerState): Uint8Array {
  const named = (prefix: string, vectors: OptimizerState["theta"]): [string, Tensor][] =>
    [...unpackVectors(layout, vectors)].map(([name, tensor]) => [`${prefix}/${name}`, tensor]);
  const tensors = new Map([...named("theta", theta), ...named("m", m), ...named("v", v)]);
  return encodeSafetensors(
    tensors,
    new Map([
      ["step", String(step)],
      ["settings", JSON.stringify(settings)],
    ]),
  );
}

async function readCheckpoint(path: string, layout: ParameterLayout): Promise<OptimizerState | undefined> {
  const bytes = await readFile(path).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === "ENOENT") return undefined;
    throw cause;
  });
  if (!bytes) return undefined;
  const { tensors, metadata } = decodeSafetensors(bytes);
  const vectors = (prefix: string) =>
    packVectors(
      layout,
      new Map(
        [...tensors].filter(([name]) => name.startsWith(`${prefix}/`)).map(([n, t]) => [n.slice(prefix.length + 1), t]),
      ),
    );
  return { step: Number(metadata.get("step")), theta: vectors("theta"), m: vectors("m"), v: vectors("v") };
}
