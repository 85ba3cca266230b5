import { type DifferentiateOptions, differentiate } from "../autodiff/index.ts";
import type { Backbone } from "../backbone/index.ts";
import { createBuilder, type Graph, prune } from "../graph/index.ts";
import { type TunedSpec, tunedOutput, upToFeatures } from "../methods/index.ts";
import { lossOf, targetShapes } from "../objective/index.ts";
import { declareParameters, type ParameterLayout, zeroVectors } from "../parameters/index.ts";
import type { HostTensor, Session, SessionOptions } from "../runtime/index.ts";
import { type AdamWOptions, type OptimizerState, openUpdate, type Update } from "./adamw.ts";
import { addUp, appendGradients, gradientOf } from "./append-gradients.ts";
import type { TrainOptions } from "./options.ts";
import { numberIn, type Stepper, vectorTensors } from "./stepper.ts";
import { OUTPUT } from "./tuned-step.ts";

/** Sizes of a step whose examples do not fit one pass. */
export interface CachedSizes {
  /** Examples whose embeddings are compared at once: `chunks` passes of `batchSize`. */
  readonly chunks: number;
  readonly batchSize: number;
  readonly views: number;
}

/** The two graphs a chunk goes through, at one length of texts. */
export interface ChunkGraphs {
  /** Its embeddings. */
  readonly forward: Graph;
  /** The gradient of Σ embeddings · cotangent. */
  readonly backward: Graph;
}

/** A step over several chunks; feeds of the inputs for each (those a graph does not take are left out), and of the loss for all. */
export interface CachedFeeds {
  readonly chunks: readonly Record<string, HostTensor>[];
  readonly targets: Record<string, HostTensor>;
}

export interface CachedStepper extends Pick<Stepper, "state" | "release"> {
  step(feeds: CachedFeeds, learningRate: number, which: number): Promise<{ readonly loss: number }>;
}

/**
 * Contrastive steps over more examples than one pass holds, by cached gradients (GradCache, Gao et al. 2021): embed all
 * chunks, differentiate the loss with respect to the embeddings alone, then send each chunk's part of that gradient back
 * through the model and add up. The update is that of one large batch; memory is that of one chunk, time a forward pass more.
 * @param graphs  of a chunk, for each length of texts
 */
export async function openCachedStepper(
  { runtime }: Backbone,
  graphs: readonly ChunkGraphs[],
  spec: TunedSpec,
  options: TrainOptions,
  layout: ParameterLayout,
  sizes: CachedSizes,
  start: OptimizerState,
  session: SessionOptions,
): Promise<CachedStepper> {
  const { weightDecay, clipNorm } = options;
  const optimizer: AdamWOptions = { weightDecay, clipNorm };
  const opened: Session[] = [];
  let update: Update | undefined;
  const open = async (graph: Graph) => {
    const session_ = await runtime.open(graph, session);
    opened.push(session_);
    return session_;
  };
  const release = async () => {
    await update?.close();
    for (const each of opened) await each.release();
  };
  try {
    const passes: { forward: Session; backward: Session }[] = [];
    for (const { forward, backward } of graphs)
      passes.push({ forward: await open(forward), backward: await open(backward) });
    const width = embeddingWidth(graphs[0]!);
    const compare = await open(lossGraph(spec, options, sizes, width));
    update = await openUpdate(runtime, layout, optimizer, start, session);
    const { state, apply } = update;
    const step: CachedStepper["step"] = async ({ chunks, targets }, learningRate, which) => {
      const { forward, backward } = passes[which]!;
      const takes = graphs[which]!;
      const theta = vectorTensors(layout, state().theta);
      const outputs: Float32Array[] = [];
      for (const feeds of chunks)
        outputs.push((await forward.run({ ...taken(takes.forward, feeds), ...theta }))[OUTPUT]!.data as Float32Array);
      const rows = sizes.views * sizes.chunks * sizes.batchSize;
      const { loss, cotangents } = await compare.run({
        ...targets,
        embeddings: { dtype: "float32", shape: [rows, width], data: byView(outputs, sizes.views) },
      });
      const parts = byChunk(cotangents!.data as Float32Array, sizes);
      const sums = [...zeroVectors(layout)];
      for (const [k, feeds] of chunks.entries()) {
        const cotangent = { dtype: "float32", shape: [rows / sizes.chunks, width], data: parts[k]! } as const;
        const result = await backward.run({ ...taken(takes.backward, feeds), ...theta, cotangent });
        const gradients = layout.map(({ name }) => result[gradientOf(name)]!.data as Float32Array);
        addUp(sums, gradients, 1);
      }
      await apply(sums, numberIn(loss), learningRate);
      return { loss: numberIn(loss) };
    };
    return { state, release, step };
  } catch (error) {
    await release();
    throw error;
  }
}

/** Numbers of an embedding, which is a row of a chunk's. */
export const embeddingWidth = ({ forward }: ChunkGraphs): number => Number(forward.types.get(OUTPUT)?.shape?.[1]);

const taken = ({ inputs }: Graph, feeds: Record<string, HostTensor>) =>
  Object.fromEntries(Object.entries(feeds).filter(([name]) => inputs.includes(name)));

/**
 * The graphs of a chunk.
 * @param traced  the backbone's graph at a chunk's size
 */
export const chunkGraphs = (
  backbone: Backbone,
  traced: Graph,
  spec: TunedSpec,
  layout: ParameterLayout,
  { recompute }: Pick<TrainOptions, "recompute">,
): ChunkGraphs => ({
  forward: chunkGraph(backbone, traced, spec, layout),
  backward: chunkGraph(backbone, traced, spec, layout, { recompute: recompute === "on" }),
});

function chunkGraph(
  backbone: Backbone,
  traced: Graph,
  spec: TunedSpec,
  layout: ParameterLayout,
  how?: DifferentiateOptions,
): Graph {
  const graph = upToFeatures(backbone, traced);
  const g = createBuilder(graph);
  const declared = declareParameters(g, layout);
  const output = tunedOutput(g, backbone, graph, spec, declared.tensors);
  if (how === undefined) return prune(g.toGraph([g.rename(output, OUTPUT).name]));
  const cotangent = g.input("cotangent", "float32", output.shape!);
  const surrogate = g.reduceSum(g.mul(output, cotangent), [0, 1], false);
  return prune(g.toGraph(appendGradients(g, layout, declared, surrogate, how)));
}

/**
 * Loss over all embeddings, and its gradient with respect to them.
 * @param width  numbers of an embedding
 */
export function lossGraph(
  { goal }: TunedSpec,
  options: TrainOptions,
  { chunks, batchSize, views }: CachedSizes,
  width: number,
): Graph {
  const g = createBuilder();
  const all = chunks * batchSize;
  const embeddings = g.input("embeddings", "float32", [views * all, width]);
  const shapes = targetShapes(goal, { batchSize: all });
  const targets = shapes.targets && g.input("targets", "float32", shapes.targets);
  const loss = lossOf(g, goal, embeddings, targets, g.input("weights", "float32", shapes.weights), views, options);
  const [cotangents] = differentiate(g, loss, [embeddings]);
  return prune(g.toGraph([g.rename(loss, "loss").name, g.rename(cotangents!, "cotangents").name]));
}

/** Chunks of [views · batch, d], each view by view, as one list of views of all chunks. */
function byView(chunks: readonly Float32Array[], views: number): Float32Array {
  const part = chunks[0]!.length / views;
  const all = new Float32Array(part * views * chunks.length);
  for (let view = 0; view < views; view++)
    chunks.forEach((chunk, k) => {
      all.set(chunk.subarray(view * part, (view + 1) * part), (view * chunks.length + k) * part);
    });
  return all;
}

/** The inverse of `byView`. */
function byChunk(all: Float32Array, { views, chunks }: CachedSizes): Float32Array[] {
  const part = all.length / (views * chunks);
  return Array.from({ length: chunks }, (_, k) => {
    const chunk = new Float32Array(part * views);
    for (let view = 0; view < views; view++) {
      const from = (view * chunks + k) * part;
      chunk.set(all.subarray(from, from + part), view * part);
    }
    return chunk;
  });
}
