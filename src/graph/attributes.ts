import { GraftError } from "../base/index.ts";
import type { Attribute, Node, Tensor } from "./types.ts";

export const int = (value: number): Attribute => ({ type: "int", value });
export const float = (value: number): Attribute => ({ type: "float", value });
export const string = (value: string): Attribute => ({ type: "string", value });
export const ints = (value: readonly number[]): Attribute => ({ type: "ints", value });
export const tensor = (value: Tensor): Attribute => ({ type: "tensor", value });

type ValueOf<T extends Attribute["type"]> = Extract<Attribute, { type: T }>["value"];

/**
 * Read an attribute of a known type.
 * @param fallback  the operator's default; without one the attribute is required
 * @throws GraftError ATTRIBUTE if it is missing and required, or has another type
 */
export function attribute<T extends Attribute["type"]>(node: Node, name: string, type: T, fallback?: ValueOf<T>) {
  const found = node.attributes[name];
  if (found === undefined && fallback !== undefined) return fallback;
  if (found?.type === type) return found.value as ValueOf<T>;
  throw new GraftError("ATTRIBUTE", {
    thing: `attribute "${name}"`,
    place: `${describeNode(node)} ${found ? `has it as ${found.type}, expected ${type}` : `lacks it (expected ${type})`}`,
    remedy: "Export the model again; this file breaks the operator's definition",
  });
}

/** How errors name a node: operator, then the node's name or its first output. */
export function describeNode(node: Node): string {
  const domain = node.domain === "" ? "" : `${node.domain}.`;
  return `${domain}${node.op} node "${node.name || node.outputs[0] || "?"}"`;
}
