import { differentiate } from "../autodiff/index.ts";
import { type Backbone, type TraceSizes, traceBackbone } from "../backbone/index.ts";
import { breathe, type LongCall } from "../base/index.ts";
import { type Builder, createBuilder, type Graph, prune, type Value } from "../graph/index.ts";
import { goalOutput, upToFeatures } from "../methods/index.ts";
import { lossOf, targetShapes } from "../objective/index.ts";
import { type HostTensor, outputBuffers } from "../runtime/index.ts";
import type { Goal, Task } from "../tasks/index.ts";
import { type Head, longest, realTokens, stepFeeds, type TunedModel, viewsOf } from "../training/index.ts";
import { type AdaptedStates, adaptedStates } from "./adapted-states.ts";

/** Both factors of the gradients of a batch. Padding of a batch has no cotangent, but has states. */
export interface ProbeFactors extends ProbeBatch {
  /** [n · d, sequences · tokens], one state below the other. */
  readonly states: HostTensor;
  /** The same of the first run, which recurrent edges read, where trained adapters are in place; else both are alike. */
  readonly plain?: HostTensor;
  /** [targets, sequences · tokens, d], of the mean loss of the batch. */
  readonly cotangents: HostTensor;
  readonly targets: readonly number[];
}

export interface ProbeBatch {
  /** Rows of the model's input in a batch, padding among them. */
  readonly sequences: number;
  /** [sequences · tokens]: 1 for tokens of examples, 0 for padding of either kind. */
  readonly real: Float32Array;
  /** Examples in the batch, and the group they belong to. */
  readonly examples: number;
  readonly group: number;
  /** Batches of that group from this one on: what `openJoin` may wait for. */
  readonly left: number;
}

/** The probe, ready to be passed through the frozen backbone, forward and backward. */
export interface ProbePass {
  /** Batches of a pass. */
  readonly batches: number;
  /** The graph whose session a pass towards some states opens. */
  graphTo(targets: readonly number[]): Graph;
  /** Pass the probe once; `visit` gets the states and the cotangents of the targets of each batch, in arrays that the next one writes to. */
  run(targets: readonly number[], visit: (factors: ProbeFactors) => Promise<void>): Promise<void>;
  /** Pass the probe once through any outputs of the backbone and the loss. */
  runTo(
    outputs: LossOutputs,
    visit: (outputs: Readonly<Record<string, HostTensor>>, batch: ProbeBatch) => Promise<void> | void,
  ): Promise<void>;
}

/** Add to a builder that holds the backbone and its loss what is wanted; returns the names. */
export type LossOutputs = (g: Builder, loss: Value, batch: BatchValues) => string[];

export interface BatchValues {
  readonly sequences: number;
  /** As of `ProbeBatch`, [sequences · tokens] and [1]. */
  readonly real: Value;
  readonly examples: Value;
  /** Where trained adapters are in place. */
  readonly adapted: AdaptedStates | undefined;
}

export interface ProbePassOptions extends Pick<LongCall, "signal"> {
  readonly threads?: number;
  /** Sizes of disjoint groups of the probe, in its order: no batch holds examples of two; default all in one. */
  readonly groups?: readonly number[];
  /** Trained adapters that are in place: the pass is that of edges added to them (`adaptedStates`). */
  readonly after?: TunedModel;
}

/** Most examples of a probe batch. */
export const PROBE_BATCH = 32;

/** Numbers of all pictures of a probe batch: 4 of 224 × 224, of which all values between are kept. More of them are no faster. */
const PROBE_PIXELS = 4 * 3 * 224 ** 2;

/** Tokens are rounded up to a multiple, which matrix products like. */
const ROUND = 8;

/** Inputs of no model's file. */
const REAL = "graft/real";
const EXAMPLES = "graft/examples";

/** Examples that a probe takes at once. */
export const probeBatch = ({ input }: Backbone): number =>
  input.kind === "text"
    ? PROBE_BATCH
    : Math.max(1, Math.min(PROBE_BATCH, Math.floor(PROBE_PIXELS / (3 * input.height * input.width))));

/**
 * @param indices  probe examples of the training split
 * @param head     the linear head whose loss is differentiated; none for embeddings
 */
export async function openProbePass(
  backbone: Backbone,
  { goal, train }: Task,
  indices: Uint32Array,
  head: Head,
  { threads, signal, after, groups = [indices.length] }: ProbePassOptions = {},
): Promise<ProbePass> {
  const { runtime, input } = backbone;
  const views = viewsOf(train);
  const tokens = train.kind === "text" ? tokensOf(longest(train, indices), backbone) : undefined;
  const batchSize = probeBatch(backbone);
  const traced = await traceBackbone(backbone, { batchSize: views * batchSize, tokens }, signal);
  const batches = batchesOf(groups, batchSize);
  const sequences = views * batchSize;
  const rows = sequences * (traced.types.get(backbone.states[0]!)!.shape![1] as number);
  const graphOf = (outputs: LossOutputs) =>
    lossGraph(backbone, traced, { goal, views, tokens, head, batchSize, after, rows, sequences }, outputs);
  const toStates =
    (targets: readonly number[]): LossOutputs =>
    (g, loss, { adapted }) =>
      statesAndCotangents(g, loss, backbone, targets, adapted);
  const runTo: ProbePass["runTo"] = async (outputs, visit) => {
    const session = await runtime.open(graphOf(outputs), { threads });
    try {
      const buffers = outputBuffers(session, session.outputTypes.keys());
      for (const { start, end, ...place } of batches) {
        const part = indices.subarray(start, end);
        const feeds = stepFeeds(goal, { split: train, indices: part, input, batchSize, tokens });
        const examples = part.length;
        const real = realTokens(feeds, input, { rows, sequences, batchSize, examples });
        const own: Record<string, HostTensor> = {
          [REAL]: { dtype: "float32", shape: [rows], data: real },
          [EXAMPLES]: { dtype: "float32", shape: [1], data: Float32Array.of(examples) },
        };
        const made = await session.run({ ...feeds, ...own }, buffers);
        await visit(made, { sequences, real, examples, ...place });
        await breathe(signal);
      }
    } finally {
      await session.release();
    }
  };
  return {
    batches: batches.length,
    graphTo: (targets) => graphOf(toStates(targets)),
    runTo,
    run: (targets, visit) =>
      runTo(toStates(targets), ({ states, plain, cotangents }, batch) =>
        visit({ states: states!, plain, cotangents: cotangents!, targets, ...batch }),
      ),
  };
}

/** What edges into a state read, [n · d, rows]: this run's states up to it, the first run's of those behind it. */
export function sourcesInto({ states, plain }: Pick<ProbeFactors, "states" | "plain">, to: number, n: number) {
  const own = states.data as Float32Array;
  if (plain === undefined) return own;
  const data = (plain.data as Float32Array).slice();
  data.set(own.subarray(0, (data.length / n) * (to + 1)));
  return data;
}

/** Batches of each group in turn: none holds examples of two. */
function batchesOf(groups: readonly number[], batchSize: number) {
  let before = 0;
  return groups.flatMap((size, group) => {
    const first = before;
    before += size;
    const count = Math.ceil(size / batchSize);
    return Array.from({ length: count }, (_, k) => {
      const start = first + k * batchSize;
      return { start, end: Math.min(start + batchSize, before), group, left: count - k };
    });
  });
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
  readonly after: TunedModel | undefined;
  readonly rows: number;
  readonly sequences: number;
}

function lossGraph(
  backbone: Backbone,
  traced: Graph,
  { goal, views, tokens, head, batchSize, after, rows, sequences }: ProbeSettings,
  outputs: LossOutputs,
): Graph {
  const graph = upToFeatures(backbone, traced);
  const g = createBuilder(graph);
  const constants = new Map([...head].map(([name, tensor]) => [name, g.constant(tensor, name)]));
  const adapted = after && onlyOf(backbone, after, adaptedStates(g, graph, after));
  const output = goalOutput(g, backbone, goal, adapted?.features ?? g.value(backbone.features), constants);
  const shapes = targetShapes(goal, { batchSize, tokens });
  const wanted = shapes.targets && g.input("targets", "float32", shapes.targets);
  const loss = lossOf(g, goal, output, wanted, g.input("weights", "float32", shapes.weights), views);
  const real = g.input(REAL, "float32", [rows]);
  const examples = g.input(EXAMPLES, "float32", [1]);
  return prune(g.toGraph(outputs(g, loss, { sequences, real, examples, adapted })));
}

/**
 * Outputs `states` [n·d, batch·tokens], one state below the other, and `cotangents` of the targets, [targets, batch·tokens, d];
 * with adapters in place also `plain`, the states of the first run.
 */
function statesAndCotangents(
  g: Builder,
  loss: Value,
  backbone: Backbone,
  targets: readonly number[],
  adapted: BatchValues["adapted"],
): string[] {
  const plain = backbone.states.map((name) => g.value(name));
  const { states, sums } = adapted ?? { states: plain, sums: plain };
  const flat = [-1, backbone.hiddenSize];
  const cotangents = differentiate(
    g,
    loss,
    targets.map((to) => sums[to]!),
  ).map((value) => g.unsqueeze(g.reshape(value, flat), [0]));
  // Transposed once, not in the product of each target.
  const columns = (values: readonly Value[]) =>
    g.concat(
      values.map((state) => g.transpose(g.reshape(state, flat), [1, 0])),
      0,
    );
  g.rename(columns(states), "states");
  g.rename(g.concat(cotangents, 0), "cotangents");
  if (adapted) g.rename(columns(plain), "plain");
  return ["states", "cotangents", ...(adapted ? ["plain"] : [])];
}

/** Of the states of a whole model those that a backbone knows: with a stride, some. */
function onlyOf({ states: names }: Backbone, { backbone: whole }: TunedModel, adapted: AdaptedStates): AdaptedStates {
  const picked = (values: readonly Value[]) => names.map((name) => values[whole.states.indexOf(name)]!);
  return { ...adapted, states: picked(adapted.states), sums: picked(adapted.sums) };
}
