/**
 * `npm run pretrain`: make the embedded backbone again, or continue where the last run stopped (checkpoints and curves in
 * --work, one of each a phase). Ends by writing the model, its curve and its card, with the net measured on every
 * generated task, to --out.
 */
import { appendFile, mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { writeFileAtomic } from "../src/base/index.node.ts";
import { encodeModel, type Graph } from "../src/graph/index.ts";
import type { ParameterLayout } from "../src/parameters/index.ts";
import {
  type CurvePoint,
  createPretrainingData,
  measureBackbone,
  modelCard,
  netOf,
  PHASES,
  type PretrainingSettings,
  pretrain,
  pretrainingStepGraph,
} from "../src/pretraining/index.ts";
import { nodeRuntime } from "../src/runtime/index.node.ts";
import { checkFingerprint, decodeVectors, encodeVectors, type OptimizerState } from "../src/training/index.ts";

const { values } = parseArgs({
  options: {
    work: { type: "string", default: ".cache/pretrain" },
    out: { type: "string", default: "assets" },
    threads: { type: "string", default: "1" },
    every: { type: "string", default: "50" },
    seed: { type: "string", default: "1" },
    /** Epochs and tasks of the table in the card. */
    epochs: { type: "string", default: "4" },
    tasks: { type: "string" },
  },
});

const recipe = { seed: Number(values.seed), batchSize: 128, learningRate: 1e-3, warmupSteps: 150, labelSmoothing: 0.1 };
const threads = Number(values.threads);
await mkdir(values.work, { recursive: true });
await mkdir(values.out, { recursive: true });

let net: Graph | undefined;
const curves: CurvePoint[][] = [];
for (const [k, { data, totalSteps, decaySteps }] of PHASES.entries())
  net = await runPhase(k + 1, createPretrainingData({ ...data, seed: recipe.seed }), {
    ...recipe,
    totalSteps,
    decaySteps,
    threads,
  });
if (!net) throw new Error("there is no phase");

await writeFileAtomic(join(values.out, "vit.onnx"), encodeModel(net).bytes);
const points = curves.flatMap((curve, k) => curve.map((point) => ({ phase: k + 1, ...point })));
await writeFileAtomic(
  join(values.out, "vit.curve.jsonl"),
  points.map((point) => `${JSON.stringify(point)}\n`).join(""),
);
const measurements = await measureBackbone(net, nodeRuntime, {
  epochs: Number(values.epochs),
  ...(values.tasks !== undefined && { tasks: values.tasks.split(",") }),
  onMeasurement: (measurement) => console.error(JSON.stringify(measurement)),
});
await writeFileAtomic(join(values.out, "vit.md"), modelCard({ recipe, phases: PHASES, curves, measurements }));
console.error(`wrote vit.onnx, vit.curve.jsonl and vit.md to ${values.out}`);

/** Train one phase from the net of the phase before, or from its own checkpoint; returns the net it ends with. */
async function runPhase(
  phase: number,
  data: ReturnType<typeof createPretrainingData>,
  settings: PretrainingSettings,
): Promise<Graph> {
  const [checkpointFile, curveFile] = ["safetensors", "curve.jsonl"].map((ending) =>
    join(values.work, `phase-${phase}.${ending}`),
  ) as [string, string];
  // A longer plateau may be asked of a run that was stopped; everything else must be what it was.
  const { totalSteps, threads: _, ...fingerprint } = { ...settings, classes: data.classes };
  const { layout } = pretrainingStepGraph(settings, data.classes);
  const start = await readCheckpoint(checkpointFile, layout, fingerprint);
  console.error(`phase ${phase}: ${data.classes} classes, step ${start?.step ?? 0} of ${totalSteps}`);
  const { stepGraph, state } = await pretrain({
    runtime: nodeRuntime,
    data,
    settings,
    ...(net && { net }),
    ...(start && { start }),
    every: Number(values.every),
    async onPoint(point, { step, ...vectors }) {
      await appendFile(curveFile, `${JSON.stringify(point)}\n`);
      const metadata = { step: String(step), settings: JSON.stringify(fingerprint) };
      await writeFileAtomic(checkpointFile, encodeVectors(layout, vectors, metadata));
      console.error(JSON.stringify(point));
    },
  });
  curves.push(await readCurve(curveFile));
  return netOf(stepGraph, state, settings);
}

/** A run killed between point and checkpoint repeats a few steps: the later line of a step counts. */
async function readCurve(path: string): Promise<CurvePoint[]> {
  const lines = (await readFile(path, "utf8")).trim().split("\n");
  const points = lines.map((line) => JSON.parse(line) as CurvePoint);
  return [...new Map(points.map((point) => [point.step, point])).values()].sort((a, b) => a.step - b.step);
}

async function readCheckpoint(
  path: string,
  layout: ParameterLayout,
  fingerprint: Record<string, unknown>,
): Promise<OptimizerState | undefined> {
  const bytes = await readFile(path).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === "ENOENT") return undefined;
    throw cause;
  });
  if (!bytes) return undefined;
  const { vectors, metadata } = decodeVectors(layout, bytes, path);
  checkFingerprint(JSON.parse(metadata.get("settings") ?? "{}"), fingerprint);
  return { step: Number(metadata.get("step")), theta: vectors("theta"), m: vectors("m"), v: vectors("v") };
}
