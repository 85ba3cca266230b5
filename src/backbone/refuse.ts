import { GraftError } from "../base/index.ts";
import { describeNode } from "../graph/index.ts";
import type { GraphIndex } from "./graph-index.ts";
import type { ResidualStep } from "./residual-steps.ts";

const ENCODERS = "graft takes transformer encoders (BERT, RoBERTa, ModernBERT, ViT, DINOv2 … see docs/models.md)";

const error = (code: string, thing: string, place: string, remedy: string) =>
  new GraftError(code, { thing, place, remedy });

/** Why a model's hidden states could not be found, as errors: what was found, where it stopped, what to do. */
export const refuse = {
  none(index: GraphIndex, steps: readonly ResidualStep[]): GraftError {
    const { nodes } = index.graph;
    const count = (test: RegExp) => nodes.filter(({ op }) => test.test(op)).length;
    const fused = nodes.find(
      ({ op, domain }) =>
        /Attention|^SkipLayerNormalization|^SkipSimplified|^EmbedLayerNormalization/.test(op) ||
        (domain === "com.microsoft" && /LayerNorm|Gelu/.test(op)),
    );
    const [convolutions, softmaxes] = [count(/^Conv/), count(/^Softmax$/)];
    const seen = `${nodes.length} nodes, ${count(/^(MatMul|Gemm)$/)} matrix products, ${convolutions} convolutions, ${softmaxes} softmaxes, ${steps.length} residual sums`;
    if (fused)
      return error(
        "STATES_FUSED",
        describeNode(fused),
        `attention or norms are fused into operators that graft cannot take apart (${seen})`,
        "Give the plain export of the model, before ONNX Runtime's transformer optimiser",
      );
    if (convolutions > 1 && softmaxes < 2)
      return error(
        "STATES_CONVOLUTIONAL",
        "convolutional model",
        `no residual stream of tokens in it: ${seen}`,
        ENCODERS,
      );
    return error(
      "STATES_NONE",
      "no hidden states found",
      `no chain of sums x + F(x) over [batch, tokens, d] with attention in it: ${seen}`,
      ENCODERS,
    );
  },
  parallel: (node: string) =>
    error(
      "STATES_PARALLEL",
      "model with parallel blocks",
      `attention and feed-forward that meet in ${node} run side by side (as in GPT-J, GPT-NeoX), so there is no state between them`,
      ENCODERS,
    ),
  streams: (lengths: readonly number[], linked: boolean) =>
    error(
      "STATES_STREAMS",
      linked ? "encoder-decoder model" : "model with several towers",
      `${lengths.length} residual streams with attention (of ${lengths.join(", ")} sub-layers)${
        linked ? ", one reading another" : ""
      }`,
      "Export the encoder alone: graft works on one stack of blocks",
    ),
  windowed: (node: string, attended: number, tokens: number) =>
    error(
      "STATES_WINDOWED",
      "model with windowed or pooled attention",
      `the attention that ends in ${node} reaches ${attended} positions where the stream has ${tokens} tokens (as in Swin, PVT, SegFormer)`,
      ENCODERS,
    ),
  past: (node: string, attended: number, tokens: number, input: string) =>
    error(
      "STATES_CAUSAL",
      "decoder-only model",
      `the attention that ends in ${node} reaches ${attended} positions where the stream has ${tokens} tokens: keys and values of earlier tokens come in through the input "${input}" (as in GPT, Llama)`,
      ENCODERS,
    ),
  causal: (node: string) =>
    error(
      "STATES_CAUSAL",
      "decoder-only model",
      `the attention that ends in ${node} has a triangular mask, tokens see only those before them (as in GPT, Llama), and more than one token of each example is read in the end`,
      `${ENCODERS}; a causal text tower (CLIP) with its pooled embedding as output`,
    ),
  mixing: (node: string) =>
    error(
      "STATES_PATTERN",
      node,
      "it carries information between tokens outside attention (a convolution or token-mixing layer)",
      ENCODERS,
    ),
  foreign: (node: string, value: string) =>
    error(
      "STATES_STREAMS",
      node,
      `its sub-layer also reads "${value}", computed beside the residual stream: the decoder of an encoder-decoder model, or a skip between distant blocks`,
      "Export the encoder alone: graft works on one stack of blocks",
    ),
  mixedNorms: (node: string, at: number) =>
    error("STATES_PATTERN", node, `sub-layer ${at + 1} is normalised in another place than those before it`, ENCODERS),
  lastNorm: (node: string, blocks: number) =>
    error(
      "STATES_PATTERN",
      node,
      `${blocks} post-norm blocks found, but not the one layer norm that should follow the last sum`,
      "Export the model with its last hidden state as output",
    ),
  layout: (node: string, shape: readonly number[]) =>
    error(
      "STATES_LAYOUT",
      node,
      `the residual stream is kept as [${shape.join(", ")}] where graft expects [batch, tokens, d]`,
      "Export the model with batch first and tokens in a dimension of their own",
    ),
  pattern: (node: string, kinds: readonly string[], at: number) =>
    error(
      "STATES_PATTERN",
      node,
      `the residual stream has ${kinds.length} sub-layers (${abridged(kinds)}), which should alternate between attention and feed-forward; ${
        at < kinds.length ? `the order breaks at sub-layer ${at + 1}` : "the last feed-forward is missing"
      }`,
      ENCODERS,
    ),
};

const abridged = (kinds: readonly string[]) =>
  kinds.length <= 6 ? kinds.join(", ") : `${kinds.slice(0, 6).join(", ")}, …`;
