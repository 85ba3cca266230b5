import * as attention from "./attention.ts";
import * as embedding from "./embed-layer-normalization.ts";
import * as products from "./fused-products.ts";
import * as gelu from "./gelu.ts";
import { OnnxAttention } from "./onnx-attention.ts";
import type { Rewrite } from "./rewrite.ts";
import { RMSNormalization, SimplifiedLayerNormalization } from "./rms-normalization.ts";
import { OnnxRotaryEmbedding, RotaryEmbedding } from "./rotary-embedding.ts";
import * as skip from "./skip-layer-normalization.ts";

/** Every fused operator that is taken apart, by operator set ("" is ONNX's own) and name. */
export const rewrites = {
  "com.microsoft": { ...attention, ...embedding, ...gelu, ...products, ...skip, RotaryEmbedding },
  "": {
    Attention: OnnxAttention,
    RMSNormalization,
    RotaryEmbedding: OnnxRotaryEmbedding,
    SimplifiedLayerNormalization,
  },
} satisfies Record<string, Record<string, Rewrite>>;

/** How to take a node apart; undefined for operators that stay. */
export function rewriteOf({ domain, op }: { readonly domain: string; readonly op: string }): Rewrite | undefined {
  const table = (rewrites as Readonly<Record<string, Readonly<Record<string, Rewrite>>>>)[domain];
  return table && Object.hasOwn(table, op) ? table[op] : undefined;
}
