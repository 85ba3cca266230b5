import * as z from "zod";
import { AdapterOptions, parsePlacement } from "../adapters/index.ts";
import type { Backbone } from "../backbone/index.ts";
import { GraftError } from "../base/index.ts";
import { decodeSafetensors, encodeSafetensors } from "../formats/index.ts";
import {
  describeMethod,
  type Method,
  MethodSchema,
  methodOf,
  type TunedSpec,
  tunedParameters,
} from "../methods/index.ts";
import { layoutOf, packVectors } from "../parameters/index.ts";
import type { TunedModel } from "../training/index.ts";

/** File names in the folder of a trained model. */
export const ADAPTERS_JSON = "adapters.json";
export const ADAPTERS_TENSORS = "adapters.safetensors";

const names = z.array(z.string()).min(1);
const GoalSchema = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.enum(["classify", "multi_label", "tokens"]), classes: names }),
  z.strictObject({
    kind: z.literal("regress"),
    names,
    center: z.array(z.number()).min(1),
    scale: z.array(z.number().positive()).min(1),
  }),
  z.strictObject({ kind: z.enum(["pair_score", "triplet"]) }),
]);

const common = {
  backbone: z.strictObject({
    name: z.string(),
    source: z.string(),
    dtype: z.string().optional(),
    hash: z.string(),
    states: z.int(),
    hiddenSize: z.int(),
    pooling: z.enum(["cls", "mean", "cls+mean", "last"]),
  }),
  goal: GoalSchema,
  /** It reads two texts at once. */
  pair: z.boolean().optional(),
};

/** Version 1 knew no method but adapters on a placement, as text. */
const Description = z.discriminatedUnion("schema", [
  z.strictObject({ schema: z.literal(2), ...common, method: MethodSchema }),
  z.strictObject({ schema: z.literal(1), ...common, placement: z.string(), adapter: AdapterOptions }),
]);

/** What `adapters.json` says beside the tensors. */
export type AdaptersDescription = z.output<typeof Description>;

/**
 * A trained model without its backbone: a JSON description and the tensors of adapters and head.
 * @param pair  it was trained on pairs of texts that it reads at once; default not said
 */
export function encodeAdapters(
  { backbone, spec, tensors }: TunedModel,
  { pair }: { readonly pair?: boolean } = {},
): { json: string; safetensors: Uint8Array } {
  const { name, source, dtype, hash, states, hiddenSize, pooling } = backbone;
  const description = {
    schema: 2,
    backbone: { name, source, dtype, hash, states: states.length, hiddenSize, pooling },
    method: MethodSchema.parse(spec.method),
    goal: spec.goal,
    pair,
  };
  const metadata = new Map([["graft", JSON.stringify({ backbone: hash, method: describeMethod(spec.method) })]]);
  return { json: `${JSON.stringify(description, undefined, 2)}\n`, safetensors: encodeSafetensors(tensors, metadata) };
}

/** Read `adapters.json`. Throws ADAPTERS_JSON saying what is wrong where. */
export function parseAdaptersDescription(json: string, place: string): AdaptersDescription {
  const refuse = (problem: string, cause?: unknown) =>
    new GraftError("ADAPTERS_JSON", {
      thing: ADAPTERS_JSON,
      place: `${place}: ${problem}`,
      remedy: "Use the folder that `graft train --out` wrote, unchanged",
      cause,
    });
  let parsed: unknown;
  try {
    parsed = JSON.parse(json);
  } catch (cause) {
    throw refuse("it is not JSON", cause);
  }
  const result = Description.safeParse(parsed);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  throw refuse(`${issue?.path.join(".") || "it"}: ${issue?.message}`, result.error);
}

/**
 * Put saved adapters back on their backbone.
 * @throws GraftError BACKBONE_MISMATCH if they were trained on another one; PARAMETER_MISSING,
 *         PARAMETER_SHAPE, PARAMETER_UNKNOWN
 */
export function decodeAdapters(
  backbone: Backbone,
  description: AdaptersDescription,
  safetensors: Uint8Array,
): TunedModel {
  const { backbone: trained } = description;
  if (trained.hash !== backbone.hash)
    throw new GraftError("BACKBONE_MISMATCH", {
      thing: `adapters for "${trained.name}"`,
      place: `they were trained on the backbone with hash ${trained.hash.slice(0, 12)}…, "${backbone.name}" has ${backbone.hash.slice(0, 12)}…`,
      remedy: `Load them onto ${trained.source}, or train anew on this backbone`,
    });
  const spec: TunedSpec = { method: methodIn(backbone, description), goal: description.goal };
  const { tensors } = decodeSafetensors(safetensors, ADAPTERS_TENSORS);
  const restored = { ...backbone, pooling: trained.pooling };
  const parameters = tunedParameters(restored, spec);
  packVectors(layoutOf(parameters), tensors); // checks that all are there, in the right shapes
  refuseOthers(tensors, new Set(parameters.map(({ name }) => name)), describeMethod(spec.method));
  return { backbone: restored, spec, tensors };
}

function methodIn(backbone: Backbone, description: AdaptersDescription): Method {
  if (description.schema === 2) return methodOf(backbone, description.method);
  const placement = parsePlacement(description.placement, { states: backbone.states.length });
  return { kind: "adapters", placement, adapter: description.adapter };
}

function refuseOthers(tensors: ReadonlyMap<string, unknown>, known: ReadonlySet<string>, method: string): void {
  const other = [...tensors.keys()].find((name) => !known.has(name));
  if (other === undefined) return;
  throw new GraftError("PARAMETER_UNKNOWN", {
    thing: `tensor "${other}" in ${ADAPTERS_TENSORS}`,
    place: `${ADAPTERS_JSON} describes ${method}, which has no such parameter`,
    remedy: "Use the two files that `graft train --out` wrote together, unchanged",
  });
}
