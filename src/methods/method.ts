import * as z from "zod";
import { AdapterOptions, type Placement } from "../adapters/index.ts";

/** What of a backbone is trained besides the head, and how, as plain data: what a saved model and a checkpoint say of it. */
export type Method = AdaptersMethod;

/** Adapters on a placement; on an empty one the linear head alone is trained. */
export interface AdaptersMethod {
  readonly kind: "adapters";
  readonly placement: Placement;
  readonly adapter: AdapterOptions;
}

/** No adapter: the linear head on the frozen features. */
export const HEAD_ALONE: Method = { kind: "adapters", placement: [], adapter: {} };

/** The settings of each kind: its defaults, and what a file may say. */
export const methodSchemas = {
  adapters: z.strictObject({
    kind: z.literal("adapters"),
    placement: z.array(z.strictObject({ from: z.number(), to: z.number(), rank: z.number() })),
    adapter: AdapterOptions,
  }),
} satisfies { readonly [K in Method["kind"]]: z.ZodObject };

export const MethodSchema = z.discriminatedUnion("kind", [methodSchemas.adapters]);
