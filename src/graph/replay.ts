import type { Builder } from "./builder.ts";
import type { Value } from "./builder-core.ts";
import type { Graph, Node } from "./types.ts";

/**
 * Emit a graph's nodes again through a builder, with some values replaced.
 *
 * On a builder that holds the same graph already, a node none of whose inputs changed is found by hash-consing instead
 * of emitted: only what depends on a replaced value is new. That is how the two runs of a recurrent placement share
 * their common prefix.
 *
 * @param substitutes  values to use instead of those of the given names (inputs, initializers or node outputs)
 * @param onOutput     called for every node output in order; what it returns is used by all later nodes
 * @returns            for every name of `graph`, the value that now stands for it
 */
export function replay(
  g: Builder,
  graph: Graph,
  substitutes: ReadonlyMap<string, Value> = new Map(),
  onOutput: (name: string, value: Value) => Value = (_, value) => value,
): ReadonlyMap<string, Value> {
  const values = new Map(substitutes);
  const resolve = (name: string): Value | undefined => {
    if (name === "") return undefined;
    const known = values.get(name);
    if (known) return known;
    const value = declare(g, graph, name);
    values.set(name, value);
    return value;
  };
  for (const input of graph.inputs) resolve(input);
  for (const node of graph.nodes) {
    const outputs = g.ops(node.op, node.inputs.map(resolve), node.outputs.length, node.attributes, {
      domain: node.domain,
      ...outputNames(g, node),
    });
    node.outputs.forEach((name, k) => {
      if (name === "" || substitutes.has(name)) return;
      const type = outputs[k]!.shape ? undefined : graph.types.get(name);
      values.set(name, onOutput(name, type ? g.refine(outputs[k]!, type) : outputs[k]!));
    });
  }
  return values;
}

/** A leaf of the graph: what the builder holds under that name, or a copy of the input or initializer. */
function declare(g: Builder, graph: Graph, name: string): Value {
  const initializer = graph.initializers.get(name);
  // The builder may hold another graph, with a value of that name that has nothing to do with this one.
  if (initializer && (!g.has(name) || g.constantOf(g.value(name)) !== initializer))
    return g.constant(initializer, name);
  if (g.has(name)) return g.value(name);
  const type = graph.types.get(name);
  return g.input(name, type?.dtype ?? "float32", type?.shape ?? []);
}

/** Keep a node's names where they are still free, and outputs that are left out left out. */
function outputNames(g: Builder, node: Node): { outputs: readonly string[]; name?: string } {
  return node.outputs.some((name) => name !== "" && g.has(name))
    ? { outputs: node.outputs.map((name, k) => (name === "" ? "" : `?${k}`)) }
    : { outputs: node.outputs, name: node.name };
}
