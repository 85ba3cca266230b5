import { authorVit, type VitConfig } from "../backbone/index.ts";
import { breathe, type LongCall } from "../base/index.ts";
import { createBuilder, elementCount, type Graph, replay, type Tensor, tensorOf } from "../graph/index.ts";
import { crossEntropy, headParameters, pool, pooledSize } from "../objective/index.ts";
import { declareParameters, layoutOf, type Parameter, packVectors, unpackVectors } from "../parameters/index.ts";
import type { HostTensor, Runtime } from "../runtime/index.ts";
import {
  buildStepGraph,
  initialState,
  type OptimizerState,
  openStepper,
  type StepGraph,
  type Stepper,
} from "../training/index.ts";
import type { PretrainingData } from "./data.ts";

/** The embedded backbone's architecture: 25 hidden states, 1.36 M parameters. */
export const EMBEDDED_VIT: VitConfig = {
  imageSize: 32,
  patchSize: 8,
  hiddenSize: 96,
  blocks: 12,
  heads: 3,
  mlpSize: 384,
};

export interface PretrainingSettings {
  readonly seed: number;
  readonly batchSize: number;
  readonly learningRate: number;
  readonly warmupSteps: number;
  readonly totalSteps: number;
  /** Length of the fall of the learning rate to 0 at the end. Before it, the run can be made longer at will. */
  readonly decaySteps: number;
  readonly labelSmoothing: number;
  readonly threads: number;
}

/** One line of the training curve: means over the steps since the line before. */
export interface CurvePoint {
  readonly step: number;
  readonly images: number;
  readonly loss: number;
  readonly accuracy: number;
  readonly learningRate: number;
  readonly imagesPerSecond: number;
}

const OPTIMIZER = { beta2: 0.98, weightDecay: 0.05, clipNorm: 1 } as const;
const HEAD = "head";

/** The step graph of full training: every weight of the net and a linear head on [class token ‖ mean of patches]. */
export function pretrainingStepGraph(settings: PretrainingSettings, classes: number): StepGraph {
  const net = authorVit(EMBEDDED_VIT, settings.seed, settings.batchSize);
  const weights = [...net.initializers].filter(([, tensor]) => isWeight(tensor));
  const parameters: Parameter[] = weights.map(([name, { shape }]) => ({ name, shape, decay: shape.length > 1 }));
  parameters.push(...headParameters(pooledSize(EMBEDDED_VIT.hiddenSize, "cls+mean"), classes));
  const layout = layoutOf(parameters);

  const g = createBuilder();
  const declared = declareParameters(g, layout);
  const values = replay(g, net, declared.tensors);
  const pooled = pool(g, values.get(net.outputs[0]!)!, "cls+mean");
  const head = (part: string) => declared.tensors.get(`${HEAD}.${part}`)!;
  const logits = g.add(g.matmul(pooled, head("weight")), head("bias"));
  const targets = g.input("targets", "float32", [settings.batchSize, classes]);
  const weight = g.input("weights", "float32", [settings.batchSize]);
  const loss = crossEntropy(g, logits, targets, weight, settings.labelSmoothing);
  return buildStepGraph(g, layout, declared, loss, { logits });
}

/** The net alone, with a dynamic batch, holding a state's weights: the pre-training head is left behind. */
export function netOf({ layout }: StepGraph, { theta }: OptimizerState, settings: PretrainingSettings): Graph {
  const weights = unpackVectors(layout, theta);
  const authored = authorVit(EMBEDDED_VIT, settings.seed);
  const initializers = new Map([...authored.initializers].map(([name, tensor]) => [name, weights.get(name) ?? tensor]));
  return { ...authored, initializers };
}

/** The state before the first step: the net's weights and a zero head. */
export function pretrainingStart(stepGraph: StepGraph, net: Graph, classes: number): OptimizerState {
  const width = pooledSize(EMBEDDED_VIT.hiddenSize, "cls+mean");
  const zero = (...shape: number[]) => tensorOf("float32", shape, new Float32Array(elementCount(shape)));
  const start = new Map(net.initializers);
  start.set(`${HEAD}.weight`, zero(width, classes)).set(`${HEAD}.bias`, zero(classes));
  return initialState(stepGraph, packVectors(stepGraph.layout, start));
}

export interface PretrainingCall extends LongCall {
  readonly runtime: Runtime;
  readonly data: PretrainingData;
  readonly settings: PretrainingSettings;
  /** Weights to start from; default: the net as authored from the seed. */
  readonly net?: Graph;
  /** Where a run that was stopped had come to, whose arrays are written to; `net` is then not looked at. */
  readonly start?: OptimizerState;
  /** Steps between two curve points. */
  readonly every: number;
  /** Receives each curve point with the state at that step, e.g. to save a checkpoint. */
  readonly onPoint: (point: CurvePoint, state: OptimizerState) => Promise<void>;
}

/** Train until `totalSteps`, or until aborted. Resuming from a state gives the same bits as never having stopped. */
export async function pretrain(call: PretrainingCall): Promise<{ stepGraph: StepGraph; state: OptimizerState }> {
  const { runtime, data, settings, every } = call;
  const { net = authorVit(EMBEDDED_VIT, settings.seed) } = call;
  const stepGraph = pretrainingStepGraph(settings, data.classes);
  const start = call.start ?? pretrainingStart(stepGraph, net, data.classes);
  const stepper = await openStepper(runtime, stepGraph, OPTIMIZER, start, { threads: settings.threads });
  try {
    while (stepper.state().step < settings.totalSteps) {
      const point = await runUntil(stepper, call, Math.min(stepper.state().step + every, settings.totalSteps));
      await call.onPoint(point, stepper.state());
    }
    return { stepGraph, state: stepper.state() };
  } finally {
    await stepper.release();
  }
}

async function runUntil(stepper: Stepper, call: PretrainingCall, end: number): Promise<CurvePoint> {
  const { data, settings, signal, onProgress } = call;
  const { batchSize, totalSteps } = settings;
  const begun = performance.now();
  const first = stepper.state().step;
  let [lossSum, correct] = [0, 0];
  for (let step = first; step < end; step++) {
    const { feeds, labels } = batchOf(data, step, batchSize);
    const { loss, outputs } = await stepper.step(feeds, learningRateAt(step, settings));
    lossSum += loss;
    correct += countCorrect(outputs.logits!, labels);
    onProgress?.({ phase: "pretrain", done: step + 1, total: totalSteps, unit: "steps", metrics: { loss } });
    await breathe(signal);
  }
  const images = (end - first) * batchSize;
  return {
    step: end,
    images: end * batchSize,
    loss: lossSum / (end - first),
    accuracy: correct / images,
    learningRate: learningRateAt(end - 1, settings),
    imagesPerSecond: Math.round((1000 * images) / (performance.now() - begun)),
  };
}

/** Warm-up, a plateau, and a linear fall to 0: unlike a cosine, the plateau can be prolonged after the fact. */
export function learningRateAt(step: number, settings: PretrainingSettings): number {
  const { learningRate, warmupSteps, totalSteps, decaySteps } = settings;
  return learningRate * Math.min(1, (step + 1) / warmupSteps, (totalSteps - step) / decaySteps);
}

function batchOf(data: PretrainingData, step: number, batchSize: number) {
  const pixelCount = 3 * data.size ** 2;
  const pixels = new Float32Array(batchSize * pixelCount);
  const targets = new Float32Array(batchSize * data.classes);
  const bytes = new Uint8Array(pixelCount);
  const labels = Array.from({ length: batchSize }, (_, k) => {
    const shown = data.draw(step * batchSize + k, bytes);
    for (let p = 0; p < pixelCount; p++) pixels[k * pixelCount + p] = bytes[p]! / 127.5 - 1;
    for (const label of shown) targets[k * data.classes + label]! += 1 / shown.length;
    return shown;
  });
  const feeds: Record<string, HostTensor> = {
    pixel_values: { dtype: "float32", shape: [batchSize, 3, data.size, data.size], data: pixels },
    targets: { dtype: "float32", shape: [batchSize, data.classes], data: targets },
    weights: { dtype: "float32", shape: [batchSize], data: new Float32Array(batchSize).fill(1) },
  };
  return { feeds, labels };
}

/** Rows whose highest logit belongs to something that is shown. */
function countCorrect({ data, shape }: HostTensor, labels: readonly (readonly number[])[]): number {
  const classes = shape[1]!;
  return labels.filter((shown, row) => {
    const from = row * classes;
    const best = Math.max(...shown.map((label) => Number(data[from + label])));
    for (let k = 0; k < classes; k++) if (!shown.includes(k) && data[from + k]! >= best) return false;
    return true;
  }).length;
}

/** Weights are float tensors with dimensions; float scalars are arithmetic of the graph. */
const isWeight = ({ dtype, shape }: Tensor) => dtype === "float32" && shape.length > 0;
