/** `npm run pretrain`: make the embedded backbone again, or continue where the last run stopped. */
import { appendFile, mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { authorVit } from "../backbone/index.ts";
import { writeFileAtomic } from "../base/index.node.ts";
import { decodeSafetensors, encodeSafetensors } from "../formats/index.ts";
import { encodeModel, type Tensor } from "../graph/index.ts";
import { type ParameterLayout, packVectors, unpackVectors } from "../parameters/index.ts";
import { nodeRuntime } from "../runtime/node.ts";
import type { OptimizerState } from "../training/index.ts";
import { createPretrainingData } from "./data.ts";
import { EMBEDDED_VIT, type PretrainingSettings, pretrain, pretrainingStepGraph } from "./pretrain.ts";

const { values } = parseArgs({
  options: {
    out: { type: "string", default: ".cache/pretrain" },
    steps: { type: "string", default: "20000" },
    decay: { type: "string", default: "5000" },
    threads: { type: "string", default: "1" },
    every: { type: "string", default: "100" },
    seed: { type: "string", default: "1" },
  },
});

const settings: PretrainingSettings = {
  seed: Number(values.seed),
  batchSize: 128,
  learningRate: 1e-3,
  warmupSteps: 150,
  totalSteps: Number(values.steps),
  decaySteps: Number(values.decay),
  labelSmoothing: 0.1,
  threads: Number(values.threads),
};
const data = createPretrainingData({ seed: settings.seed });
const net = authorVit(EMBEDDED_VIT, settings.seed, settings.batchSize);
const { layout } = pretrainingStepGraph(net, data.classes, settings);
await mkdir(values.out, { recursive: true });
const checkpoint = join(values.out, "checkpoint.safetensors");
const start = await readCheckpoint(checkpoint, layout);
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
    await appendFile(join(values.out, "curve.jsonl"), `${JSON.stringify(point)}\n`);
    await writeFileAtomic(checkpoint, encodeCheckpoint(layout, state));
    console.error(JSON.stringify(point));
  },
});

// Publish the net alone, with a dynamic batch, the pre-training head left behind.
const weights = unpackVectors(layout, state.theta);
const published = authorVit(EMBEDDED_VIT, settings.seed);
const initializers = new Map([...published.initializers].map(([name, tensor]) => [name, weights.get(name) ?? tensor]));
await writeFileAtomic(join(values.out, "vit.onnx"), encodeModel({ ...published, initializers }).bytes);
console.error(`wrote ${join(values.out, "vit.onnx")} after ${state.step} steps`);

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
