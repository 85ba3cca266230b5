import { breathe } from "../base/index.ts";
import { asFloat32, createBuilder, type Tensor, tensorOf } from "../graph/index.ts";
import { headParameters, linearHead, lossOf } from "../objective/index.ts";
import { declareParameters, layoutOf, unpackVectors, zeroVectors } from "../parameters/index.ts";
import type { HostTensor, Runtime } from "../runtime/index.ts";
import { type Goal, outputNames } from "../tasks/index.ts";
import { initialState } from "./adamw.ts";
import type { Features } from "./features.ts";
import { targetFeeds } from "./feeds.ts";
import { warmupCosine } from "./schedule.ts";
import { buildStepGraph, type StepGraph } from "./step-graph.ts";
import { openStepper } from "./stepper.ts";

/** A linear head as the parameters `head.weight` [k, outputs] and `head.bias` [outputs]; empty for embeddings. */
export type Head = ReadonlyMap<string, Tensor>;

export interface FitHeadOptions {
  /** L2 penalty λ: the loss gains λ/2 · ‖W‖² (of standardised features); default `DEFAULT_HEAD_L2`, 0.01. */
  readonly l2?: number;
  /** Full-batch AdamW updates; default 300. */
  readonly steps?: number;
  readonly threads?: number;
  readonly signal?: AbortSignal;
}

export const DEFAULT_HEAD_L2 = 0.01;

const LEARNING_RATE = 0.05;
const WARMUP_STEPS = 10;

/**
 * A feature that varies by less than this share of its mean, or of what the liveliest feature varies by, is constant but
 * for rounding. (all-MiniLM-L6-v2 has three of 10⁻³²: divided by that, their weights would swamp every gradient.)
 */
const CONSTANT = 1e-6;

/**
 * Fit a linear head to frozen features by the goal's own loss (for classes multinomial logistic regression),
 * L2-regularised, from zero, on the whole set at once. Features are standardised for the fit; the head returned takes
 * them as they are.
 */
export async function fitHead(
  runtime: Runtime,
  features: Features,
  goal: Goal,
  { l2 = DEFAULT_HEAD_L2, steps = 300, threads, signal }: FitHeadOptions = {},
): Promise<Head> {
  const { count, width } = features;
  if (outputNames(goal).length === 0) return new Map();
  const { mean, std } = moments(features);
  const stepGraph = headStepGraph(features, rowGoal(goal), l2);
  const start = initialState(stepGraph, zeroVectors(stepGraph.layout));
  const stepper = await openStepper(runtime, stepGraph, {}, start, { threads });
  try {
    const feeds: Record<string, HostTensor> = {
      features: { dtype: "float32", shape: [count, width], data: standardised(features, mean, std) },
      ...targetFeeds(features),
    };
    for (let step = 0; step < steps; step++) {
      await stepper.step(feeds, LEARNING_RATE * warmupCosine(step, steps, WARMUP_STEPS));
      if (step % 20 === 0) await breathe(signal);
    }
    return unstandardised(unpackVectors(stepGraph.layout, stepper.state().theta), mean, std);
  } finally {
    await stepper.release();
  }
}

/** Rows of features are tokens already: to their head, tags are classes like others. */
const rowGoal = (goal: Goal): Goal => (goal.kind === "tokens" ? { ...goal, kind: "classify" } : goal);

function headStepGraph({ count, width, targets, weights }: Features, goal: Goal, l2: number): StepGraph {
  const layout = layoutOf(headParameters(width, outputNames(goal).length));
  const g = createBuilder();
  const declared = declareParameters(g, layout);
  const output = linearHead(g, goal, g.input("features", "float32", [count, width]), declared.tensors);
  const wanted = targets && g.input("targets", "float32", targets.shape);
  const fit = lossOf(g, goal, output, wanted, g.input("weights", "float32", weights.shape), 1);
  const penalty = g.mul(g.reduceSumSquare(declared.tensors.get("head.weight")!, [0, 1], false), g.scalar(l2 / 2));
  return buildStepGraph(g, layout, declared, g.add(fit, penalty));
}

/** Mean and standard deviation of every feature; constant ones get 1, so that they drop out. */
function moments({ count, width, data }: Features): { mean: Float64Array; std: Float64Array } {
  const mean = new Float64Array(width);
  const std = new Float64Array(width);
  for (let k = 0; k < data.length; k++) mean[k % width]! += data[k]! / count;
  for (let k = 0; k < data.length; k++) std[k % width]! += (data[k]! - mean[k % width]!) ** 2 / count;
  const spreads = std.map(Math.sqrt);
  const liveliest = spreads.reduce((a, b) => Math.max(a, b), 0);
  spreads.forEach((spread, k) => {
    std[k] = spread > CONSTANT * Math.max(Math.abs(mean[k]!), liveliest) ? spread : 1;
  });
  return { mean, std };
}

const standardised = ({ data, width }: Features, mean: Float64Array, std: Float64Array): Float32Array =>
  data.map((x, k) => (x - mean[k % width]!) / std[k % width]!);

/** Fold (x − mean) / std into the head: W' = W / std, b' = b − Σ mean · W'. */
function unstandardised(tensors: ReadonlyMap<string, Tensor>, mean: Float64Array, std: Float64Array): Head {
  const weight = asFloat32(tensors.get("head.weight")!);
  const bias = asFloat32(tensors.get("head.bias")!);
  const classes = bias.length;
  for (let k = 0; k < weight.length; k++) {
    const feature = Math.floor(k / classes);
    weight[k]! /= std[feature]!;
    bias[k % classes]! -= mean[feature]! * weight[k]!;
  }
  return new Map([
    ["head.weight", tensorOf("float32", [mean.length, classes], weight)],
    ["head.bias", tensorOf("float32", [classes], bias)],
  ]);
}
