import * as z from "zod";
import { GraftError } from "../../base/index.ts";

const count = z.int().positive();
const pair = z.union([count.transform((side) => [side, side] as const), z.tuple([count, count]).readonly()]);

/** What is read of the `config.json` of a BERT-like model; defaults are those of `transformers`. */
const TextConfig = z.object({
  hidden_size: count.default(768),
  num_hidden_layers: count.default(12),
  num_attention_heads: count.default(12),
  hidden_act: z.string().default("gelu"),
  layer_norm_eps: z.number().positive().default(1e-12),
  pad_token_id: z.int().nullish(),
  position_embedding_type: z.string().default("absolute"),
  is_decoder: z.boolean().default(false),
});

/** DistilBERT has its own names for the same. */
const DistilConfig = z
  .object({
    dim: count.default(768),
    n_layers: count.default(6),
    n_heads: count.default(12),
    activation: z.string().default("gelu"),
  })
  .transform(({ dim, n_layers, n_heads, activation }) =>
    TextConfig.parse({
      hidden_size: dim,
      num_hidden_layers: n_layers,
      num_attention_heads: n_heads,
      hidden_act: activation,
    }),
  );

/** What is read of the `config.json` of a ViT-like model. Sizes are [height, width] in pixels. */
const ImageConfig = z.object({
  hidden_size: count.default(768),
  num_hidden_layers: count.default(12),
  num_attention_heads: count.default(12),
  hidden_act: z.string().default("gelu"),
  layer_norm_eps: z.number().positive().optional(),
  image_size: pair.default([224, 224]),
  patch_size: pair.optional(),
  num_channels: count.default(3),
});

export type TextConfig = z.output<typeof TextConfig>;
export type ImageConfig = z.output<typeof ImageConfig>;

export const readTextConfig = (config: unknown): TextConfig => read(TextConfig, config);
export const readDistilConfig = (config: unknown): TextConfig => read(DistilConfig, config);
export const readImageConfig = (config: unknown): ImageConfig => read(ImageConfig, config);

function read<Schema extends z.ZodType>(schema: Schema, config: unknown): z.output<Schema> {
  const result = schema.safeParse(config);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  throw configError(`${issue?.path.join(".") || "it"}: ${issue?.message}`, "Fix the file, or fetch it again");
}

export const configError = (place: string, remedy: string): GraftError =>
  new GraftError("CONFIG", { thing: "config.json", place, remedy });
