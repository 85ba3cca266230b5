import type { LongCall } from "../base/index.ts";
import { decompose, type Graph, hashGraph, upgrade } from "../graph/index.ts";
import type { Pooling } from "../objective/index.ts";
import type { Runtime } from "../runtime/index.ts";
import type { ImageSize, Resize } from "../tasks/index.ts";
import type { Tokenizer } from "../text/index.ts";
import type { Backbone } from "./backbone.ts";
import { findStates } from "./find-states.ts";
import { modelInput } from "./model-input.ts";
import { traceBackbone } from "./trace-backbone.ts";

export interface BackboneOptions extends LongCall {
  /** What messages call the model; default the graph's own name. */
  readonly name?: string;
  /** Where it came from, to open it again; default its name. */
  readonly source?: string;
  /** Which of its ONNX files was asked for, likewise. */
  readonly dtype?: string;
  /** Size of the pictures, or their side, where the model leaves it open; default 224. */
  readonly imageSize?: number | ImageSize;
  /** How pictures are brought to that size; default `cover`. */
  readonly resize?: Resize;
  /** Per channel, in units where black is 0 and white 1; default 0.5. */
  readonly mean?: readonly [number, number, number];
  /** Default 0.5. */
  readonly std?: readonly [number, number, number];
  /**
   * How a head reads the features; default of pictures `cls+mean`, or `mean` where there is no class token; of texts
   * `mean`.
   */
  readonly pooling?: Pooling;
  readonly tokenizer?: Tokenizer;
  readonly folder?: string;
  /** Lines for the user about where the model was found. */
  readonly notes?: readonly string[];
}

/** Any sizes do for finding states; 2 tells the batch from dimensions of size 1. */
const PROBE = { batchSize: 2, tokens: 8 } as const;

/**
 * Know a graph's hidden states: trace it once and find the residual stream by structure.
 * @param graph  an encoder as read, any opset from 7 on
 * @throws GraftError STATES_… saying what was found and where it stopped; INPUT_UNSUPPORTED for a model that takes
 *         neither one batch of RGB pictures nor one of texts; BATCH_FIXED
 */
export async function openGraph(graph: Graph, runtime: Runtime, options: BackboneOptions = {}): Promise<Backbone> {
  const name = options.name ?? graph.name;
  const raised = decompose(upgrade(graph));
  const input = modelInput(raised, name, options);
  const progress = (done: number) => options.onProgress?.({ phase: "open model", done, total: 2, unit: "steps" });
  const traced = await traceBackbone({ graph: raised, input, runtime }, PROBE, options.signal);
  progress(1);
  const { states, sums, branches, products, norms, normPosition, hiddenSize, blocks, features, prefixTokens } =
    findStates(traced);
  const hash = await hashGraph(graph);
  progress(2);
  return {
    name,
    source: options.source ?? name,
    dtype: options.dtype,
    hash,
    graph: raised,
    states,
    sums,
    branches,
    products,
    norms,
    blocks,
    hiddenSize,
    normPosition,
    features,
    pooling: options.pooling ?? (input.kind === "image" && prefixTokens > 0 ? "cls+mean" : "mean"),
    input,
    tokenizer: options.tokenizer,
    folder: options.folder,
    notes: options.notes ?? [],
    runtime,
  };
}
