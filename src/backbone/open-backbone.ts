import { GraftError } from "../base/index.ts";
import { type Graph, hashGraph, upgrade } from "../graph/index.ts";
import type { Pooling } from "../objective/index.ts";
import type { Runtime } from "../runtime/index.ts";
import type { Backbone, ImageInput } from "./backbone.ts";
import { findStates } from "./find-states.ts";
import { traceBackbone } from "./trace-backbone.ts";

export interface BackboneOptions {
  /** What messages call the model; default the graph's own name. */
  readonly name?: string;
  /** Where it came from, to open it again; default its name. */
  readonly source?: string;
  /** Side of the pictures where the model leaves it open; default 224. */
  readonly imageSize?: number;
  /** Per channel, in units where black is 0 and white 1; default 0.5. */
  readonly mean?: readonly [number, number, number];
  /** Default 0.5. */
  readonly std?: readonly [number, number, number];
  /** How a head reads the features; default `cls+mean`, or `mean` where there is no class token. */
  readonly pooling?: Pooling;
  readonly signal?: AbortSignal;
}

const HALF = [0.5, 0.5, 0.5] as const;
const DEFAULT_IMAGE_SIZE = 224;
/** Any batch size does for finding states; 2 tells the batch from dimensions of size 1. */
const PROBE_BATCH = 2;

/**
 * Know a graph's hidden states: trace it once and find the residual stream by structure.
 * @param graph  an encoder as read, any opset from 7 on
 * @throws GraftError STATES_… saying what was found and where it stopped; INPUT_UNSUPPORTED for a model whose
 *         input is not one batch of RGB pictures; BATCH_FIXED
 */
export async function openGraph(graph: Graph, runtime: Runtime, options: BackboneOptions = {}): Promise<Backbone> {
  const name = options.name ?? graph.name;
  const raised = upgrade(graph);
  const input = imageInput(raised, name, options);
  const traced = await traceBackbone({ graph: raised, input, runtime }, PROBE_BATCH, options.signal);
  const { states, sums, normPosition, hiddenSize, blocks, features, prefixTokens } = findStates(traced);
  return {
    name,
    source: options.source ?? name,
    hash: await hashGraph(graph),
    graph: raised,
    states,
    sums,
    blocks,
    hiddenSize,
    normPosition,
    features,
    pooling: options.pooling ?? (prefixTokens > 0 ? "cls+mean" : "mean"),
    input,
    runtime,
  };
}

function imageInput(graph: Graph, name: string, { imageSize, mean = HALF, std = HALF }: BackboneOptions): ImageInput {
  const [first, ...others] = graph.inputs;
  const shape = first === undefined ? undefined : graph.types.get(first)?.shape;
  if (
    first === undefined ||
    others.length > 0 ||
    shape?.length !== 4 ||
    (shape[1] !== 3 && typeof shape[1] === "number")
  )
    throw new GraftError("INPUT_UNSUPPORTED", {
      thing: `model "${name}"`,
      place: `its inputs are ${graph.inputs.map((input) => showInput(graph, input)).join(", ") || "none"}`,
      remedy:
        "graft trains on models with one picture input [batch, 3, height, width]; `graft inspect` shows any encoder",
    });
  if (typeof shape[0] === "number")
    throw new GraftError("BATCH_FIXED", {
      thing: `model "${name}"`,
      place: `its input takes batches of exactly ${shape[0]}`,
      remedy: "Export it with a dynamic batch axis; `graft inspect` works as it is",
    });
  const side = (dim: unknown) => (typeof dim === "number" ? dim : (imageSize ?? DEFAULT_IMAGE_SIZE));
  const [height, width] = [side(shape[2]), side(shape[3])];
  if (imageSize !== undefined && (height !== imageSize || width !== imageSize))
    throw new GraftError("IMAGE_SIZE", {
      thing: `image size ${imageSize}`,
      place: `model "${name}" takes pictures of ${height} × ${width}`,
      remedy: "Leave the image size out",
    });
  return { name: first, height, width, mean, std };
}

function showInput(graph: Graph, input: string): string {
  const type = graph.types.get(input);
  return `"${input}" ${type?.dtype ?? "?"}[${type?.shape?.map((dim) => dim ?? "?").join(", ") ?? "?"}]`;
}
