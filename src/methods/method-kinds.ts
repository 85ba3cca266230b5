import { AdapterOptions, type Placement } from "../adapters/index.ts";
import type { Backbone } from "../backbone/index.ts";
import { parseOptions } from "../base/index.ts";
import type { Tensor } from "../graph/index.ts";
import { adaptersMethod } from "./adapters-method.ts";
import { columnsMethod } from "./columns.ts";
import { loraMethod } from "./lora.ts";
import { type Method, methodSchemas } from "./method.ts";
import type { MethodKind } from "./method-kind.ts";
import { weightsMethod } from "./weights.ts";

const kinds: { readonly [K in Method["kind"]]: MethodKind<Extract<Method, { kind: K }>> } = {
  adapters: adaptersMethod,
  lora: loraMethod,
  columns: columnsMethod,
  weights: weightsMethod,
};

/** What a method's kind knows to do with it. */
export const kindOf = (method: Method) => kinds[method.kind] as MethodKind<Method>;

/**
 * A method from what a caller gave: a placement is adapters on it. Settings that were left out are filled in.
 * @throws GraftError OPTIONS, or what its kind refuses
 */
export function methodOf(backbone: Backbone, what: Placement | Method, adapter: AdapterOptions = {}): Method {
  const method: Method =
    "kind" in what
      ? parseOptions(methodSchemas[what.kind], what, `the method "${what.kind}"`)
      : { kind: "adapters", placement: what, adapter: parseOptions(AdapterOptions, adapter, "adapter options") };
  kindOf(method).check(backbone, method);
  return method;
}

/** The tensors that training a method starts from. */
export const startTensors = (backbone: Backbone, method: Method, seed: number): ReadonlyMap<string, Tensor> =>
  kindOf(method).start(backbone, method, seed);

/** A method in a few words for people. */
export const describeMethod = (method: Method): string => kindOf(method).describe(method);
