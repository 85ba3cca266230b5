import { adapterInput, directedAdapter, endsOf, type PlacedEdge } from "../adapters/index.ts";
import { differentiate } from "../autodiff/index.ts";
import { type Backbone, traceBackbone } from "../backbone/index.ts";
import { breathe, type LongCall, nameSeed, random } from "../base/index.ts";
import { createBuilder, type Graph, prune, type Tensor } from "../graph/index.ts";
import { goalOutput, startTensors, type TunedSpec, upToFeatures } from "../methods/index.ts";
import { lossOf, targetShapes } from "../objective/index.ts";
import type { Task } from "../tasks/index.ts";
import { inputFeeds, longest, realTokens, stepFeeds, viewsOf } from "./feeds.ts";
import type { Head } from "./fit-head.ts";
import { forwardBatchSize } from "./forward.ts";
import type { TrainOptions } from "./options.ts";
import { topDirections } from "./top-directions.ts";

/** Training examples that say where W_down points. */
const EXAMPLES = 256;

/** Most of them at once. */
const BATCH = 32;

/**
 * The tensors that training starts from, where adapters ask for a W_down that the data decide; others are `startTensors`.
 *
 * - `states`: the top principal directions of what the adapter reads, LN(x_i), over the tokens of a sample of training
 *   examples (EVA, Paischer et al. 2024, arXiv 2410.07170, does so for LoRA; mean subtracted, no redistribution of ranks).
 * - `gradient`: the top left singular vectors of LN(x_i)ᵀ · ∂L/∂x_j over the same examples, behind the head that training starts
 *   from: the directions in which a linear adapter there would first read.
 *
 * W_up stays 0, so that the model still starts as the plain one.
 */
export async function dataStart(
  backbone: Backbone,
  task: Task,
  spec: TunedSpec,
  options: Pick<TrainOptions, "seed" | "threads">,
  head: Head,
  call: LongCall = {},
): Promise<ReadonlyMap<string, Tensor>> {
  const start = startTensors(backbone, spec.method, options.seed);
  const { method } = spec;
  if (method.kind !== "adapters" || method.placement.length === 0) return start;
  const { start: kind = "default" } = method.adapter;
  if (kind === "default") return start;
  const sums = await sumsOf(backbone, task, spec, { ...options, ...call, kind, head });
  const { hiddenSize: d } = backbone;
  return method.placement.reduce((tensors: ReadonlyMap<string, Tensor>, edge, k) => {
    const directions = topDirections(sums[k]!, d, Math.min(edge.rank, d));
    return directedAdapter(tensors, edge, directions, method.adapter);
  }, start);
}

interface SumsCall extends LongCall, Pick<TrainOptions, "seed" | "threads"> {
  readonly kind: "states" | "gradient";
  readonly head: Head;
}

/** For each edge a matrix [d, d] whose top eigenvectors are wanted: the covariance of what it reads, or G · Gᵀ. */
async function sumsOf(backbone: Backbone, task: Task, spec: TunedSpec, call: SumsCall): Promise<Float64Array[]> {
  const { kind, seed, threads, signal, onProgress } = call;
  const { train, goal } = task;
  const { input, hiddenSize: d } = backbone;
  const indices = random(seed, nameSeed("start")).permutation(train.count).slice(0, EXAMPLES);
  const views = viewsOf(train);
  const batchSize = Math.min(indices.length, BATCH, forwardBatchSize(input));
  const tokens = train.kind === "text" ? longest(train, indices) : undefined;
  const traced = await traceBackbone(backbone, { batchSize: views * batchSize, tokens }, signal);
  const [sequences, length] = traced.types.get(backbone.states[0]!)!.shape as [number, number, number];
  const rows = sequences * length;
  const graph = sumsGraph(backbone, traced, spec, { kind, head: call.head, views, batchSize, tokens, rows });
  const sums = graph.outputs.map(() => new Float64Array((d + 1) * d));
  const session = await backbone.runtime.open(graph, { threads });
  let count = 0;
  try {
    for (let at = 0; at < indices.length; at += batchSize) {
      const part = indices.subarray(at, at + batchSize);
      const batch = { split: train, indices: part, input, batchSize, tokens };
      const feeds = kind === "states" ? inputFeeds(batch) : stepFeeds(goal, batch);
      const data = realTokens(feeds, input, { rows, sequences, batchSize, examples: part.length });
      count += data.reduce((sum, x) => sum + x, 0);
      const results = await session.run({ ...feeds, [REAL]: { dtype: "float32", shape: [rows, 1], data } });
      const share = kind === "gradient" ? part.length / indices.length : 1;
      for (const [k, name] of graph.outputs.entries()) {
        const part = results[name]!.data as Float32Array;
        for (let i = 0; i < part.length; i++) sums[k]![i]! += share * part[i]!;
      }
      onProgress?.({ phase: "start", done: at + part.length, total: indices.length, unit: "examples" });
      await breathe(signal);
    }
  } finally {
    await session.release();
  }
  return sums.map((sum) => (kind === "states" ? covariance(sum, count, d) : outer(sum, d)));
}

/** Graph input [rows, 1]: 1 for tokens of examples, 0 for padding. */
const REAL = "graft/real";

interface GraphCall {
  readonly kind: "states" | "gradient";
  readonly head: Head;
  readonly views: number;
  readonly batchSize: number;
  readonly tokens: number | undefined;
  /** Tokens of a batch, padding among them. */
  readonly rows: number;
}

/** An output for each edge, with x its input without padding: [xᵀx; Σ x] of [d + 1, d], or xᵀ · ∂L/∂x_j of [d, d]. */
function sumsGraph(
  backbone: Backbone,
  traced: Graph,
  { method, goal }: TunedSpec,
  { kind, head, views, batchSize, tokens, rows }: GraphCall,
): Graph {
  if (method.kind !== "adapters") throw new TypeError("only adapters have edges");
  const { placement, adapter } = method;
  const g = createBuilder(upToFeatures(backbone, traced));
  const constants = new Map(
    [...startTensors(backbone, method, 0), ...head].map(([name, tensor]) => [name, g.constant(tensor, name)]),
  );
  const ends = placement.map((edge) => endsOf(backbone, edge, adapter));
  const { hiddenSize: d } = backbone;
  const real = g.input(REAL, "float32", [rows, 1]);
  const flat = (name: string) => g.reshape(g.value(name), [-1, d]);
  const read = (edge: PlacedEdge, k: number) =>
    g.mul(adapterInput(g, flat(ends[k]!.source), edge, constants, adapter.norm), real);
  if (kind === "states") {
    const outputs = placement.map((edge, k) => {
      const x = read(edge, k); // [rows, d]
      const both = g.concat([g.matmul(g.transpose(x, [1, 0]), x), g.reduceSum(x, [0], true)], 0);
      return g.rename(both, outputName(k)).name;
    });
    return prune(g.toGraph(outputs));
  }
  const output = goalOutput(g, backbone, goal, g.value(backbone.features), constants);
  const shapes = targetShapes(goal, { batchSize, tokens });
  const targets = shapes.targets && g.input("targets", "float32", shapes.targets);
  const loss = lossOf(g, goal, output, targets, g.input("weights", "float32", shapes.weights), views);
  const cotangents = differentiate(
    g,
    loss,
    ends.map(({ target }) => g.value(target)),
  );
  const outputs = placement.map((edge, k) => {
    const gradient = g.matmul(g.transpose(read(edge, k), [1, 0]), g.reshape(cotangents[k]!, [-1, d]));
    return g.rename(gradient, outputName(k)).name;
  });
  return prune(g.toGraph(outputs));
}

const outputName = (k: number) => `graft/start/${k}`;

/** [xᵀx; Σ x] over `count` tokens → their covariance. */
function covariance(sum: Float64Array, count: number, d: number): Float64Array {
  const mean = sum.subarray(d * d).map((x) => x / count);
  return Float64Array.from({ length: d * d }, (_, at) => sum[at]! / count - mean[Math.floor(at / d)]! * mean[at % d]!);
}

/** G [d, d] → G · Gᵀ */
function outer(gradient: Float64Array, d: number): Float64Array {
  const product = new Float64Array(d * d);
  for (let i = 0; i < d; i++)
    for (let j = 0; j <= i; j++) {
      let sum = 0;
      for (let k = 0; k < d; k++) sum += gradient[i * d + k]! * gradient[j * d + k]!;
      product[i * d + j] = sum;
      product[j * d + i] = sum;
    }
  return product;
}
