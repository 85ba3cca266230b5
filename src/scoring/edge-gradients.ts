import { differentiate } from "../autodiff/index.ts";
import { type Backbone, type TraceSizes, traceBackbone } from "../backbone/index.ts";
import { breathe, type LongCall } from "../base/index.ts";
import { createBuilder, type Graph, prune } from "../graph/index.ts";
import { goalOutput, upToFeatures } from "../methods/index.ts";
import { lossOf, targetShapes } from "../objective/index.ts";
import type { HostTensor, Session } from "../runtime/index.ts";
import type { Goal, Task } from "../tasks/index.ts";
import { type Head, longest, stepFeeds, viewsOf } from "../training/index.ts";

/** Gradients of all n² zero-initialised linear adapters: the paper's ∂L/∂W_ij = x_iᵀ · ∂L/∂x_j. */
export interface EdgeGradients {
  readonly states: number;
  readonly hiddenSize: number;
  /** One array per target j, [n, d, d]: row block i is the gradient of edge (i, j), averaged over the examples. */
  readonly columns: readonly Float32Array[];
  /** Token positions, over all examples, that received a gradient at each state: no rank can exceed it. [n] */
  readonly activeTokens: readonly number[];
}

/** Examples of a probe batch. */
export const PROBE_BATCH = 32;

/** Tokens are rounded up to a multiple, which matrix products like. */
const ROUND = 8;

/**
 * One forward and one backward pass of the frozen backbone per probe batch, then n² products of states and cotangents.
 * @param indices  probe examples of the training split
 * @param head     the linear head whose loss is differentiated; none for embeddings
 */
export async function edgeGradients(
  backbone: Backbone,
  task: Task,
  indices: Uint32Array,
  head: Head,
  { threads, signal, onProgress }: { readonly threads?: number } & LongCall = {},
): Promise<EdgeGradients> {
  const { goal, train } = task;
  const views = viewsOf(train);
  const tokens = train.kind === "text" ? tokensOf(longest(train, indices), backbone) : undefined;
  const n = backbone.states.length;
  const d = backbone.hiddenSize;
  const traced = await traceBackbone(backbone, { batchSize: views * PROBE_BATCH, tokens }, signal);
  const limit = { threads };
  const probe = await backbone.runtime.open(probeGraph(backbone, traced, goal, views, tokens, head), limit);
  let products: Session | undefined;
  try {
    const columns = Array.from({ length: n }, () => new Float32Array(n * d * d));
    let spare = new Float32Array(n * d * d);
    const activeTokens = new Array<number>(n).fill(0);
    for (let start = 0; start < indices.length; start += PROBE_BATCH) {
      const part = indices.subarray(start, start + PROBE_BATCH);
      const feeds = stepFeeds(goal, {
        split: train,
        indices: part,
        input: backbone.input,
        batchSize: PROBE_BATCH,
        tokens,
      });
      const { states, cotangents } = await probe.run(feeds);
      const rows = states!.shape[0]!; // batch · tokens
      products ??= await backbone.runtime.open(productGraph(rows, n, d), limit);
      const share = tensor([1], Float32Array.of(part.length / indices.length));
      for (let j = 0; j < n; j++) {
        const back = (cotangents!.data as Float32Array).subarray(j * rows * d, (j + 1) * rows * d);
        activeTokens[j]! += countActive(back, d);
        const sum = tensor([n * d, d], columns[j]!);
        const next = tensor([n * d, d], spare);
        await products.run({ states: states!, cotangent: tensor([rows, d], back), sum, share }, { next });
        [columns[j], spare] = [spare, columns[j]!];
        if (j % 5 === 0) await breathe(signal);
      }
      const done = Math.min(start + PROBE_BATCH, indices.length);
      onProgress?.({ phase: "gradients", done, total: indices.length, unit: "examples" });
    }
    return { states: n, hiddenSize: d, columns, activeTokens };
  } finally {
    await probe.release();
    await products?.release();
  }
}

/** The length the file fixes; else rounded up, but no longer than the model's longest text. */
const tokensOf = (longest: number, { input, tokenizer }: Backbone): number =>
  (input.kind === "text" ? input.fixedLength : undefined) ??
  Math.min(ROUND * Math.ceil(longest / ROUND), Math.max(longest, tokenizer?.maxLength ?? longest));

/** Outputs `states` [batch·tokens, n·d], one state beside the other, and `cotangents` [n, batch·tokens, d]. */
function probeGraph(
  backbone: Backbone,
  traced: Graph,
  goal: Goal,
  views: number,
  tokens: TraceSizes["tokens"],
  head: Head,
): Graph {
  const g = createBuilder(upToFeatures(backbone, traced));
  const constants = new Map([...head].map(([name, tensor]) => [name, g.constant(tensor, name)]));
  const output = goalOutput(g, backbone, goal, g.value(backbone.features), constants);
  const shapes = targetShapes(goal, { batchSize: PROBE_BATCH, tokens });
  const targets = shapes.targets && g.input("targets", "float32", shapes.targets);
  const loss = lossOf(g, goal, output, targets, g.input("weights", "float32", shapes.weights), views);
  const states = backbone.states.map((name) => g.value(name));
  const flat = [-1, backbone.hiddenSize];
  const cotangents = differentiate(g, loss, states).map((value) => g.unsqueeze(g.reshape(value, flat), [0]));
  g.rename(
    g.concat(
      states.map((state) => g.reshape(state, flat)),
      1,
    ),
    "states",
  );
  g.rename(g.concat(cotangents, 0), "cotangents");
  return prune(g.toGraph(["states", "cotangents"]));
}

/** next = sum + share · statesᵀ · cotangent, [n·d, d]: the gradients of every edge into one state. */
function productGraph(rows: number, n: number, d: number): Graph {
  const g = createBuilder();
  const states = g.input("states", "float32", [rows, n * d]);
  const cotangent = g.input("cotangent", "float32", [rows, d]);
  const sum = g.input("sum", "float32", [n * d, d]);
  const share = g.input("share", "float32", [1]);
  g.rename(g.add(sum, g.mul(g.matmul(g.transpose(states, [1, 0]), cotangent), share)), "next");
  return g.toGraph(["next"]);
}

/** Rows of [rows, d] with a non-zero entry. */
function countActive(data: Float32Array, d: number): number {
  let active = 0;
  for (let row = 0; row < data.length; row += d) if (data.subarray(row, row + d).some((x) => x !== 0)) active++;
  return active;
}

const tensor = (shape: readonly number[], data: Float32Array): HostTensor => ({ dtype: "float32", shape, data });
