import * as z from "zod";
import { AdapterOptions, DEFAULT_RANK, type Placement } from "../adapters/index.ts";

/** What of a backbone is trained besides the head, and how, as plain data: what a saved model and a checkpoint say of it. */
export type Method = AdaptersMethod | LoraMethod | ColumnsMethod | WeightsMethod;

/** Adapters on a placement; on an empty one the linear head alone is trained. */
export interface AdaptersMethod {
  readonly kind: "adapters";
  readonly placement: Placement;
  readonly adapter: AdapterOptions;
}

/** Low-rank products beside frozen ones: LoRA, or DoRA. */
export interface LoraMethod {
  readonly kind: "lora";
  /** Which products: a role (`q`, `k`, `v`, `qkv`, `o`, `fc1`, `gate`, `fc2`), perhaps of one block (`11.q`), a pattern of the file's names, or `all`. */
  readonly targets: readonly string[];
  /** Default 8. */
  readonly rank?: number;
  /** The product is scaled by alpha / rank; default 16. */
  readonly alpha?: number;
  /** Learn the length of every column apart from its direction; default false. */
  readonly dora?: boolean;
}

/** Some columns, drawn at random, of frozen matrices: APLA. */
export interface ColumnsMethod {
  readonly kind: "columns";
  /** As LoRA's; default the output projection of attention, `o`. */
  readonly targets?: readonly string[];
  /** How many of a matrix; default a quarter. */
  readonly columns?: number;
  /** Seed of the draw; default 0. */
  readonly draw?: number;
}

/** The model's own weights. */
export interface WeightsMethod {
  readonly kind: "weights";
  /** Every one in floating point, the biases (BitFit), or gains and biases of norms. */
  readonly which: "all" | "biases" | "norms";
}

/** No adapter: the linear head on the frozen features. */
export const HEAD_ALONE: Method = { kind: "adapters", placement: [], adapter: {} };

const targets = z.array(z.string().min(1)).min(1);

/** The settings of each kind: its defaults, and what a file may say. */
export const methodSchemas = {
  adapters: z.strictObject({
    kind: z.literal("adapters"),
    placement: z.array(z.strictObject({ from: z.number(), to: z.number(), rank: z.number() })),
    adapter: AdapterOptions,
  }),
  lora: z.strictObject({
    kind: z.literal("lora"),
    targets,
    rank: z.int().min(1).max(65_536).default(DEFAULT_RANK),
    alpha: z.number().positive().default(16),
    dora: z.boolean().default(false),
  }),
  columns: z.strictObject({
    kind: z.literal("columns"),
    targets: targets.default(["o"]),
    columns: z.int().min(1).optional(),
    draw: z.int().min(0).default(0),
  }),
  weights: z.strictObject({ kind: z.literal("weights"), which: z.enum(["all", "biases", "norms"]) }),
} satisfies { readonly [K in Method["kind"]]: z.ZodObject };

export const MethodSchema = z.discriminatedUnion("kind", [
  methodSchemas.adapters,
  methodSchemas.lora,
  methodSchemas.columns,
  methodSchemas.weights,
]);
