import { GraftError } from "../base/index.ts";
import type { Graph } from "../graph/index.ts";
import type { ImageInput, ModelInput, TextInput } from "./backbone.ts";
import type { BackboneOptions } from "./open-backbone.ts";

const HALF = [0.5, 0.5, 0.5] as const;
const DEFAULT_IMAGE_SIZE = 224;

/** The names Hugging Face's exporters give the inputs of a text model, and Transformers.js feeds. */
const TEXT_INPUTS = {
  ids: "input_ids",
  mask: "attention_mask",
  types: "token_type_ids",
  positions: "position_ids",
} as const;

/**
 * What a model takes: pictures, or encoded texts.
 * @throws GraftError INPUT_UNSUPPORTED, BATCH_FIXED, IMAGE_SIZE
 */
export function modelInput(graph: Graph, name: string, options: BackboneOptions): ModelInput {
  const shapes = graph.inputs.map((input) => graph.types.get(input)?.shape);
  const batch = shapes[0]?.[0];
  const found =
    graph.inputs.length === 1 && shapes[0]?.length === 4
      ? imageInput(graph, name, options)
      : textInput(graph, graph.inputs);
  if (!found)
    throw new GraftError("INPUT_UNSUPPORTED", {
      thing: `model "${name}"`,
      place: `its inputs are ${graph.inputs.map((input) => showInput(graph, input)).join(", ") || "none"}`,
      remedy:
        "graft trains on models with one picture input [batch, 3, height, width], or with texts [batch, tokens] as " +
        `${Object.values(TEXT_INPUTS).join(", ")}; \`graft inspect\` shows any encoder`,
    });
  if (typeof batch === "number")
    throw new GraftError("BATCH_FIXED", {
      thing: `model "${name}"`,
      place: `its input takes batches of exactly ${batch}`,
      remedy: "Export it with a dynamic batch axis; `graft inspect` works as it is",
    });
  return found;
}

function imageInput(
  graph: Graph,
  name: string,
  { imageSize, resize, mean = HALF, std = HALF }: BackboneOptions,
): ImageInput | undefined {
  const input = graph.inputs[0]!;
  const [, channels, ...sides] = graph.types.get(input)!.shape!;
  if (channels !== 3 && typeof channels === "number") return undefined;
  const asked = typeof imageSize === "number" ? { height: imageSize, width: imageSize } : imageSize;
  const side = (dim: number | string | undefined | null, wanted = DEFAULT_IMAGE_SIZE) =>
    typeof dim === "number" ? dim : wanted;
  const [height, width] = [side(sides[0], asked?.height), side(sides[1], asked?.width)];
  if (asked && (height !== asked.height || width !== asked.width))
    throw new GraftError("IMAGE_SIZE", {
      thing: `image size ${asked.height === asked.width ? asked.height : `${asked.height} × ${asked.width}`}`,
      place: `model "${name}" takes pictures of ${height} × ${width}`,
      remedy: "Leave the image size out",
    });
  return { kind: "image", name: input, height, width, resize, mean, std };
}

/** Inputs by the usual names; a model with one input of whole numbers takes the ids there, whatever it is called. */
function textInput(graph: Graph, inputs: readonly string[]): TextInput | undefined {
  const types = inputs.map((input) => graph.types.get(input));
  const { dtype } = types[0] ?? {};
  if (dtype !== "int64" && dtype !== "int32") return undefined;
  if (types.some((type) => type?.dtype !== dtype || type.shape?.length !== 2)) return undefined;
  const tokens = types[0]!.shape![1];
  const fixedLength = typeof tokens === "number" ? tokens : undefined;
  if (inputs.length === 1) return { kind: "text", ids: inputs[0]!, dtype, fixedLength };
  const roles = Object.entries(TEXT_INPUTS).filter(([, input]) => inputs.includes(input));
  const named: Partial<Record<keyof typeof TEXT_INPUTS, string>> = Object.fromEntries(roles);
  if (named.ids === undefined || roles.length !== inputs.length) return undefined;
  return { kind: "text", ...named, ids: named.ids, dtype, fixedLength };
}

function showInput(graph: Graph, input: string): string {
  const type = graph.types.get(input);
  return `"${input}" ${type?.dtype ?? "?"}[${type?.shape?.map((dim) => dim ?? "?").join(", ") ?? "?"}]`;
}
