import { differentiate } from "../autodiff/index.ts";
import { type Backbone, type TraceSizes, traceBackbone } from "../backbone/index.ts";
import { breathe, type LongCall } from "../base/index.ts";
import { createBuilder, type Graph, prune } from "../graph/index.ts";
import { goalOutput, upToFeatures } from "../methods/index.ts";
import { lossOf, targetShapes } from "../objective/index.ts";
import type { HostTensor, Session } from "../runtime/index.ts";
import type { Goal, Task } from "../tasks/index.ts";
import { type Head, longest, stepFeeds, viewsOf } from "../training/index.ts";

/** The gradients of all edges into one state: the paper's ∂L/∂W_ij = x_iᵀ · ∂L/∂x_j of zero-initialised linear adapters. */
export interface EdgeColumn {
  readonly to: number;
  /** [n, d, d]: block i is the gradient of edge (i, to), averaged over the examples. */
  readonly gradients: Float32Array;
  /** Token positions, over all examples, that received a gradient at this state: no rank can exceed it. */
  readonly activeTokens: number;
  /** The same of each group of examples alone. Of a single group the same array as `gradients`. */
  readonly groups: readonly GroupGradients[];
}

export interface GroupGradients {
  /** [n, d, d], averaged over the group's examples. */
  readonly gradients: Float32Array;
  readonly activeTokens: number;
  /** Examples of the group. */
  readonly size: number;
}

/** Both factors of the gradients of a batch. Padding of a batch has no cotangent, but has states. */
export interface ProbeFactors {
  /** [n · d, sequences · tokens], one state below the other. */
  readonly states: HostTensor;
  /** [targets, sequences · tokens, d], of the mean loss of the batch. */
  readonly cotangents: HostTensor;
  readonly targets: readonly number[];
  /** Rows of the model's input in a batch, padding among them. */
  readonly sequences: number;
  /** [sequences · tokens]: 1 for tokens of examples, 0 for padding of either kind. */
  readonly real: Float32Array;
  /** Examples in the batch, and the group they belong to. */
  readonly examples: number;
  readonly group: number;
}

export interface EdgeColumnsOptions extends LongCall {
  readonly threads?: number;
  /** States whose columns are wanted; default all. */
  readonly targets?: readonly number[];
  /** Most bytes of gradients kept at once; default 2 GiB. Where all need more, the probe is passed again for each block of states. */
  readonly blockBytes?: number;
  /** Sizes of disjoint groups of the probe, in its order, whose gradients are wanted apart; default all in one. */
  readonly groups?: readonly number[];
  /** Whether the gradients are wanted; without them they are empty. Default true. */
  readonly products?: boolean;
  /** Called with each batch, before the columns of its targets are visited. */
  readonly onFactors?: (factors: ProbeFactors) => Promise<void>;
}

/** Most examples of a probe batch. */
export const PROBE_BATCH = 32;

/** Numbers of all pictures of a probe batch: 6 of 224 × 224, of which all values between are kept. */
const PROBE_PIXELS = 1 << 20;

const BLOCK_BYTES = 2 ** 31;

/** Tokens are rounded up to a multiple, which matrix products like. */
const ROUND = 8;

/** Examples that a probe takes at once. */
export const probeBatch = ({ input }: Backbone): number =>
  input.kind === "text"
    ? PROBE_BATCH
    : Math.max(1, Math.min(PROBE_BATCH, Math.floor(PROBE_PIXELS / (3 * input.height * input.width))));

/**
 * One forward and one backward pass of the frozen backbone over the probe, then n² products of states and cotangents.
 * `visit` gets one column after the other, in the order of the targets.
 * @param indices  probe examples of the training split
 * @param head     the linear head whose loss is differentiated; none for embeddings
 */
export async function edgeColumns(
  backbone: Backbone,
  task: Task,
  indices: Uint32Array,
  head: Head,
  visit: (column: EdgeColumn) => void | Promise<void>,
  options: EdgeColumnsOptions = {},
): Promise<void> {
  const { goal, train } = task;
  const { signal, onProgress, blockBytes = BLOCK_BYTES, targets = [...backbone.states.keys()] } = options;
  const { groups = [indices.length], products = true } = options;
  const views = viewsOf(train);
  const tokens = train.kind === "text" ? tokensOf(longest(train, indices), backbone) : undefined;
  const batchSize = probeBatch(backbone);
  const traced = await traceBackbone(backbone, { batchSize: views * batchSize, tokens }, signal);
  const columnBytes = products ? 4 * groups.length * backbone.states.length * backbone.hiddenSize ** 2 : 1;
  const width = Math.max(1, Math.floor(blockBytes / columnBytes));
  const total = indices.length * Math.ceil(targets.length / width);
  for (let at = 0; at < targets.length; at += width) {
    const block = targets.slice(at, at + width);
    const probe = probeGraph(backbone, traced, block, { goal, views, tokens, head, batchSize });
    const before = (at / width) * indices.length;
    const columns = await sumBlock(
      backbone,
      task,
      indices,
      probe,
      block,
      { batchSize, tokens },
      {
        ...options,
        onProgress: ({ done }) => onProgress?.({ phase: "gradients", done: before + done, total, unit: "examples" }),
      },
    );
    for (const column of columns) {
      await visit(column);
      await breathe(signal);
    }
  }
}

/** Sum the gradients into some states over the probe. */
async function sumBlock(
  { runtime, input, states: names, hiddenSize: d }: Backbone,
  { goal, train }: Task,
  indices: Uint32Array,
  probe: Graph,
  block: readonly number[],
  { batchSize, tokens }: Pick<ProbeSettings, "batchSize" | "tokens">,
  {
    threads,
    signal,
    onProgress,
    onFactors,
    groups: sizes = [indices.length],
    products: wanted = true,
  }: EdgeColumnsOptions,
): Promise<readonly EdgeColumn[]> {
  const n = names.length;
  const length = wanted ? n * d * d : 0;
  const groups = sizes.map((size) => ({
    size,
    columns: block.map(() => new Float32Array(length)),
    active: block.map(() => 0),
  }));
  const session = await runtime.open(probe, { threads });
  let products: Session | undefined;
  try {
    let spare = new Float32Array(length);
    for (const { start, end, group } of batchesOf(sizes, batchSize)) {
      const part = indices.subarray(start, end);
      const feeds = stepFeeds(goal, { split: train, indices: part, input, batchSize, tokens });
      const { states, cotangents } = await session.run(feeds);
      const rows = states!.shape[1]!; // sequences · tokens
      const sequences = viewsOf(train) * batchSize;
      const real = realTokens(feeds, input, { rows, sequences, batchSize, examples: part.length });
      const factors = { states: states!, cotangents: cotangents!, targets: block, sequences, real };
      await onFactors?.({ ...factors, examples: part.length, group });
      const { columns, active, size } = groups[group]!;
      if (wanted) products ??= await runtime.open(productGraph(rows, n, d), { threads });
      const share = tensor([1], Float32Array.of(part.length / size));
      for (const k of block.keys()) {
        const back = (cotangents!.data as Float32Array).subarray(k * rows * d, (k + 1) * rows * d);
        active[k]! += countActive(back, d);
        if (products === undefined) continue;
        const sum = tensor([n * d, d], columns[k]!);
        const next = tensor([n * d, d], spare);
        await products.run({ states: states!, cotangent: tensor([rows, d], back), sum, share }, { next });
        [columns[k], spare] = [spare, columns[k]!];
        if (k % 5 === 0) await breathe(signal);
      }
      onProgress?.({ phase: "gradients", done: end, total: indices.length, unit: "examples" });
    }
    return block.map((to, k) => {
      const parts = groups.map(({ columns, active, size }) => ({
        gradients: columns[k]!,
        activeTokens: active[k]!,
        size,
      }));
      const gradients = meanGradients(parts);
      return { to, gradients, activeTokens: parts.reduce((sum, part) => sum + part.activeTokens, 0), groups: parts };
    });
  } finally {
    await session.release();
    await products?.release();
  }
}

/** Batches of each group in turn: none holds examples of two. */
function batchesOf(groups: readonly number[], batchSize: number) {
  let before = 0;
  return groups.flatMap((size, group) => {
    const first = before;
    before += size;
    return Array.from({ length: Math.ceil(size / batchSize) }, (_, k) => {
      const start = first + k * batchSize;
      return { start, end: Math.min(start + batchSize, before), group };
    });
  });
}

/** Mean of groups' gradients, each counting by its examples; of one group its own array. */
export function meanGradients(groups: readonly Pick<GroupGradients, "gradients" | "size">[]): Float32Array {
  if (groups.length === 1) return groups[0]!.gradients;
  const total = groups.reduce((sum, { size }) => sum + size, 0);
  const mean = new Float32Array(groups[0]!.gradients.length);
  for (const { gradients, size } of groups)
    for (let k = 0; k < mean.length; k++) mean[k]! += (size / total) * gradients[k]!;
  return mean;
}

/** 1 for tokens of examples, 0 for those of the batch's padding and of a text's. */
function realTokens(
  feeds: Readonly<Record<string, HostTensor>>,
  input: Backbone["input"],
  { rows, sequences, batchSize, examples }: Record<"rows" | "sequences" | "batchSize" | "examples", number>,
): Float32Array {
  const tokens = rows / sequences;
  const mask = input.kind === "text" && input.mask !== undefined ? feeds[input.mask]!.data : undefined;
  return Float32Array.from({ length: rows }, (_, row) =>
    Math.floor(row / tokens) % batchSize < examples ? Number(mask?.[row] ?? 1) : 0,
  );
}

/** The length the file fixes; else rounded up, but no longer than the model's longest text. */
const tokensOf = (longest: number, { input, tokenizer }: Backbone): number =>
  (input.kind === "text" ? input.fixedLength : undefined) ??
  Math.min(ROUND * Math.ceil(longest / ROUND), Math.max(longest, tokenizer?.maxLength ?? longest));

interface ProbeSettings {
  readonly goal: Goal;
  readonly views: number;
  readonly tokens: TraceSizes["tokens"];
  readonly head: Head;
  readonly batchSize: number;
}

/** Outputs `states` [n·d, batch·tokens], one state below the other, and `cotangents` of the targets, [targets, batch·tokens, d]. */
function probeGraph(
  backbone: Backbone,
  traced: Graph,
  targets: readonly number[],
  { goal, views, tokens, head, batchSize }: ProbeSettings,
): Graph {
  const g = createBuilder(upToFeatures(backbone, traced));
  const constants = new Map([...head].map(([name, tensor]) => [name, g.constant(tensor, name)]));
  const output = goalOutput(g, backbone, goal, g.value(backbone.features), constants);
  const shapes = targetShapes(goal, { batchSize, tokens });
  const wanted = shapes.targets && g.input("targets", "float32", shapes.targets);
  const loss = lossOf(g, goal, output, wanted, g.input("weights", "float32", shapes.weights), views);
  const states = backbone.states.map((name) => g.value(name));
  const flat = [-1, backbone.hiddenSize];
  const cotangents = differentiate(
    g,
    loss,
    targets.map((to) => states[to]!),
  ).map((value) => g.unsqueeze(g.reshape(value, flat), [0]));
  // Transposed once, not in the product of each target.
  const columns = states.map((state) => g.transpose(g.reshape(state, flat), [1, 0]));
  g.rename(g.concat(columns, 0), "states");
  g.rename(g.concat(cotangents, 0), "cotangents");
  return prune(g.toGraph(["states", "cotangents"]));
}

/** next = sum + share · states · cotangent, [n·d, d]: the gradients of every edge into one state. */
function productGraph(rows: number, n: number, d: number): Graph {
  const g = createBuilder();
  const states = g.input("states", "float32", [n * d, rows]);
  const cotangent = g.input("cotangent", "float32", [rows, d]);
  const sum = g.input("sum", "float32", [n * d, d]);
  const share = g.input("share", "float32", [1]);
  g.rename(g.add(sum, g.mul(g.matmul(states, cotangent), share)), "next");
  return g.toGraph(["next"]);
}

/** Rows of [rows, d] with a non-zero entry. */
function countActive(data: Float32Array, d: number): number {
  let active = 0;
  for (let row = 0; row < data.length; row += d) if (data.subarray(row, row + d).some((x) => x !== 0)) active++;
  return active;
}

const tensor = (shape: readonly number[], data: Float32Array): HostTensor => ({ dtype: "float32", shape, data });
