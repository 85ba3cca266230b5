import type { Backbone } from "../backbone/index.ts";
import { breathe, type LongCall } from "../base/index.ts";
import type { Task } from "../tasks/index.ts";
import type { Head } from "../training/index.ts";
import { activeRows, joined, openProducts, type Products, pickedStates, rowsOf } from "./edge-products.ts";
import { alone, type JoinedFactors, openJoin } from "./join-factors.ts";
import { openProbePass, type ProbeFactors, type ProbePassOptions, sourcesInto } from "./probe-pass.ts";

/** Gradients of edges into one state. */
export interface Gradients {
  /** [sources, d, d], averaged over the examples. */
  readonly gradients: Float32Array;
  /** Token positions, over all examples, that received a gradient at this state: no rank can exceed it. */
  readonly activeTokens: number;
  /**
   * [activeTokens, d], where these are at most d / 2: their cotangents. The rows of every gradient lie in their span, so that
   * singular values can be had from a smaller matrix.
   */
  readonly rowSpace?: Float32Array;
}

/** The gradients of all edges into one state: the paper's ∂L/∂W_ij = x_iᵀ · ∂L/∂x_j of zero-initialised linear adapters. */
export interface EdgeColumn extends Gradients {
  readonly to: number;
  /** States that the edges read: block k of `gradients` is that of edge (sources[k], to). */
  readonly sources: readonly number[];
  /** The same of each group of examples alone. Of a single group the same arrays. */
  readonly groups: readonly GroupGradients[];
}

export interface GroupGradients extends Gradients {
  /** Examples of the group. */
  readonly size: number;
}

export interface EdgeColumnsOptions extends LongCall, ProbePassOptions {
  /** States whose columns are wanted; default all. */
  readonly targets?: readonly number[];
  /** States that edges into a target read; default all. */
  readonly sourcesOf?: (to: number) => readonly number[];
  /** Most bytes of gradients kept at once; default 2 GiB. Where all need more, the probe is passed again for each block of states. */
  readonly blockBytes?: number;
  /** Columns that are not wanted any more: blocks of targets stay the same, and so do the bits of the others. */
  readonly isDone?: (to: number) => boolean;
  /** Whether the gradients are wanted; without them they are empty. Default true. */
  readonly products?: boolean;
  /** Whether several batches may be multiplied together; default true. */
  readonly joins?: boolean;
  /** Called with each batch, before the columns of its targets are visited; the next batch writes to the same arrays. */
  readonly onFactors?: (factors: ProbeFactors) => Promise<void>;
}

const BLOCK_BYTES = 2 ** 31;

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
  const { threads, signal, onProgress, onFactors, groups = [indices.length] } = options;
  const { products = true, joins = true } = options;
  const { isDone = () => false } = options;
  const { sourcesOf = () => [...backbone.states.keys()] } = options;
  const blocks = targetBlocks(backbone, { ...options, groups: groups.length });
  const left = blocks.filter((block) => !block.every(isDone));
  if (left.length === 0) return;
  const pass = await openProbePass(backbone, task, indices, head, options);
  const total = indices.length * left.length;
  let done = 0;
  for (const block of left) {
    const columns = block.flatMap((to, k) =>
      isDone(to) ? [] : [{ k, column: openColumn(backbone, to, sourcesOf(to), groups, products) }],
    );
    const session = products ? await openProducts(backbone, { threads }) : undefined;
    const add = async (factors: JoinedFactors) => {
      for (const { k, column } of columns) {
        await column.add(factors, k, session);
        if (k % 5 === 0) await breathe(signal);
      }
    };
    const join = products && joins ? openJoin(add) : (factors: ProbeFactors) => add(alone(factors));
    try {
      await pass.run(block, async (factors) => {
        await onFactors?.(factors);
        await join(factors);
        done += factors.examples;
        onProgress?.({ phase: "gradients", done, total, unit: "examples" });
      });
    } finally {
      await session?.close();
    }
    for (const { column } of columns) {
      await visit(column.finished());
      await breathe(signal);
    }
  }
}

/**
 * The targets of each pass of the probe that `edgeColumns` makes.
 * @param groups  how many; default 1
 */
export function targetBlocks(
  { hiddenSize: d, states }: Pick<Backbone, "hiddenSize" | "states">,
  options: Pick<EdgeColumnsOptions, "targets" | "sourcesOf" | "products" | "blockBytes"> & { readonly groups?: number },
): readonly (readonly number[])[] {
  const all = [...states.keys()];
  const { targets = all, sourcesOf = () => all, products = true, groups = 1 } = options;
  return blocksOf(targets, (to) => (products ? 4 * groups * sourcesOf(to).length * d * d : 0), options);
}

/** Consecutive targets whose gradients fit into a block; at least one each. */
function blocksOf(
  targets: readonly number[],
  bytesOf: (to: number) => number,
  { blockBytes = BLOCK_BYTES }: Pick<EdgeColumnsOptions, "blockBytes"> = {},
): readonly (readonly number[])[] {
  const blocks: number[][] = [];
  let bytes = Number.POSITIVE_INFINITY;
  for (const to of targets) {
    bytes += bytesOf(to);
    if (bytes > blockBytes) {
      blocks.push([]);
      bytes = bytesOf(to);
    }
    blocks.at(-1)!.push(to);
  }
  return blocks;
}

/** Sums of the gradients into one state, of some batches at a time. */
export function openColumn(
  { hiddenSize: d, states: names }: Backbone,
  to: number,
  sources: readonly number[],
  sizes: readonly number[],
  products: boolean,
) {
  const groups = sizes.map((size) => ({
    size,
    gradients: undefined as Float32Array | undefined,
    activeTokens: 0,
    rows: [] as Float32Array[],
  }));
  return {
    /** @param k  which of the targets of the factors this is */
    async add(factors: JoinedFactors, k: number, session: Products | undefined) {
      const { cotangents, parts, group } = factors;
      const rows = parts.reduce((all, part) => all + part.rows, 0);
      const back = (cotangents.data as Float32Array).subarray(k * rows * d, (k + 1) * rows * d);
      const active = activeRows(back, d);
      const sum = groups[group]!;
      sum.activeTokens += active.length;
      if (sum.activeTokens <= d / 2) sum.rows.push(rowsOf(back, active, d));
      if (session === undefined || active.length === 0) return;
      const x = sourcesInto(factors, to, names.length);
      const shares = parts.flatMap(({ rows, examples }) => Array<number>(rows).fill(Math.fround(examples / sum.size)));
      // Tokens without a gradient add nothing: where they are most, they are left out.
      sum.gradients =
        active.length < rows / 2
          ? await session.add(
              pickedStates(x, { d, rows, sources, active }),
              rowsOf(back, active, d),
              active.map((row) => shares[row]!),
              sum.gradients,
            )
          : await session.add(pickedStates(x, { d, rows, sources }), back, shares, sum.gradients);
    },
    finished(): EdgeColumn {
      const none = products ? sources.length * d * d : 0;
      const parts = groups.map(({ size, gradients = new Float32Array(none), activeTokens, rows }) => ({
        size,
        gradients,
        activeTokens,
        ...(activeTokens <= d / 2 && { rowSpace: joined(rows) }),
      }));
      return { to, sources, ...gradientsOf(parts, d), groups: parts };
    },
  };
}

/** The gradients of the examples of several groups together; of one group its own arrays. */
export function gradientsOf(groups: readonly GroupGradients[], d: number): Gradients {
  const activeTokens = groups.reduce((sum, group) => sum + group.activeTokens, 0);
  return {
    gradients: meanGradients(groups),
    activeTokens,
    ...(activeTokens <= d / 2 && { rowSpace: joined(groups.map(({ rowSpace }) => rowSpace!)) }),
  };
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
