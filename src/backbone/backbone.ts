import type { Graph } from "../graph/index.ts";
import type { Pooling } from "../objective/index.ts";
import type { Runtime } from "../runtime/index.ts";
import type { ImageTarget } from "../tasks/index.ts";
import type { Tokenizer } from "../text/index.ts";
import type { FrozenProduct } from "./find-products.ts";

/**
 * How a picture becomes the backbone's input: brought to its size as `resize` says, then bytes / 255, minus `mean`, over
 * `std`, per channel.
 */
export interface ImageInput extends ImageTarget {
  readonly kind: "image";
  /** Name of the graph input, float32 [batch, 3, height, width]. */
  readonly name: string;
  readonly mean: readonly [number, number, number];
  readonly std: readonly [number, number, number];
}

/** The graph inputs, whole numbers [batch, tokens], that an encoded text is fed to. */
export interface TextInput {
  readonly kind: "text";
  readonly ids: string;
  /** 1 for a token, 0 for padding; absent in models that take none. */
  readonly mask?: string;
  /** Which text of a pair a token belongs to. */
  readonly types?: string;
  /** 0, 1, 2 … */
  readonly positions?: string;
  readonly dtype: "int64" | "int32";
  /** Tokens of every text, where the file fixes it. */
  readonly fixedLength?: number;
}

export type ModelInput = ImageInput | TextInput;

/** A frozen model whose hidden states are known. */
export interface Backbone {
  readonly name: string;
  /** Where it came from, to open it again: an absolute path, a URL, or `builtin:vit`. */
  readonly source: string;
  /** Which of the source's ONNX files, as it was asked for; undefined for the best. */
  readonly dtype?: string;
  /** SHA-256 of the graph as read (structure and weights), hex. */
  readonly hash: string;
  /** The graph as it was read, raised to opset 20 or newer: dynamic axes kept. */
  readonly graph: Graph;
  /** Value names of the 2L + 1 hidden states. */
  readonly states: readonly string[];
  /** For each state the residual sum before its norm; in a pre-norm model the state itself. */
  readonly sums: readonly string[];
  /** For each sub-layer k, which leads from state k to k + 1, the value that it adds to the stream. */
  readonly branches: readonly string[];
  /** Products with frozen matrices in the sub-layers, in order. */
  readonly products: readonly FrozenProduct[];
  /** Value names of the gains and biases of norms. */
  readonly norms: readonly string[];
  readonly blocks: number;
  readonly hiddenSize: number;
  readonly normPosition: "pre" | "post";
  /** Value name of the features a head reads, [batch, tokens, d]: what follows the last norm. */
  readonly features: string;
  readonly pooling: Pooling;
  readonly input: ModelInput;
  /** The model's own, of a text model that came with one. */
  readonly tokenizer?: Tokenizer;
  /** The folder with its settings (tokenizer, config), where it came with one. */
  readonly folder?: string;
  /** Lines for the user: which of several files was taken. */
  readonly notes: readonly string[];
  readonly runtime: Runtime;
}
