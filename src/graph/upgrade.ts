import { GraftError } from "../base/index.ts";
import { describeNode } from "./attributes.ts";
import { constantTensor } from "./constants.ts";
import { subgraphNodes } from "./onnx/subgraph-nodes.ts";
import { asNumbers, tensorOf } from "./tensors.ts";
import type { Graph, Node, Tensor, ValueType } from "./types.ts";
import { stepsOf, type UpgradeContext } from "./upgrade-steps.ts";

/** The oldest operator set that can be raised: since 7, broadcasting is NumPy's. */
export const OLDEST_OPSET = 7;
/** The operator sets whose definitions the steps lead to. */
const KNOWN_OPSETS = { lowest: 18, highest: 20 } as const;

/**
 * Raise a graph to a newer version of ONNX's own operator set, so that later stages meet one form of each operator.
 * What it computes stays the same, dynamic axes stay dynamic; other operator sets are left alone.
 * @param to  18 to 20; default 20
 * @returns   the argument if it is as new already
 * @throws    GraftError UPGRADE naming operator, node and versions, when the graph is older than opset 7 or a form has
 *            no successor
 */
export function upgrade(graph: Graph, to: number = KNOWN_OPSETS.highest): Graph {
  const from = graph.opsets.get("") ?? (graph.nodes.some((node) => node.domain === "") ? 0 : to);
  if (from >= to) return graph.opsets.has("") ? graph : { ...graph, opsets: new Map(graph.opsets).set("", to) };
  if (from < OLDEST_OPSET || to < KNOWN_OPSETS.lowest || to > KNOWN_OPSETS.highest)
    throw new GraftError("UPGRADE", {
      thing: `graph "${graph.name}"`,
      place: `it is written in opset ${from || "?"}; from ${OLDEST_OPSET} on it could be raised to ${KNOWN_OPSETS.lowest} to ${KNOWN_OPSETS.highest}, ${to} was asked for`,
      remedy: `Export the model again with opset ${KNOWN_OPSETS.highest}`,
    });

  const initializers = new Map(graph.initializers);
  const types = new Map(graph.types);
  const context = contextOf(graph, initializers, types);
  const nodes = graph.nodes.flatMap((node) => {
    checkSubgraphs(node, from, to);
    return raise(node, from, to, context);
  });
  return { ...graph, opsets: new Map(graph.opsets).set("", to), nodes, initializers, types };
}

/** Take a node, and whatever it becomes on the way, through every change of definition after version `from`. */
function raise(node: Node, from: number, to: number, context: UpgradeContext): readonly Node[] {
  const step = node.domain === "" ? stepsOf(node.op).find(({ at }) => at > from && at <= to) : undefined;
  if (!step) return [node];
  return step.rewrite(node, context).flatMap((next) => raise(next, step.at, to, context));
}

/** Nodes inside If, Loop and Scan are carried through untouched, which is right only if their definitions never changed. */
function checkSubgraphs(node: Node, from: number, to: number): void {
  for (const inner of subgraphNodes(node)) {
    const step = inner.domain === "" ? stepsOf(inner.opType).find(({ at }) => at > from && at <= to) : undefined;
    if (!step) continue;
    throw new GraftError("UPGRADE", {
      thing: describeNode(node),
      place: `its subgraph holds ${inner.opType}, whose definition changed in opset ${step.at} (the graph has ${from})`,
      remedy: `Export the model with opset ${to}, or without control flow`,
    });
  }
}

function contextOf(graph: Graph, initializers: Map<string, Tensor>, types: Map<string, ValueType>): UpgradeContext {
  const taken = new Set([...graph.inputs, ...initializers.keys(), ...graph.nodes.flatMap((node) => node.outputs)]);
  const fresh = (wish: string): string => {
    let name = wish;
    for (let k = 1; taken.has(name); k++) name = `${wish}_${k}`;
    taken.add(name);
    return name;
  };
  const typeOf = (name: string): ValueType | undefined => constantTensor(graph, name) ?? types.get(name);
  return {
    dtype: (name) => typeOf(name)?.dtype,
    shape: (name) => typeOf(name)?.shape,
    numbers(name) {
      const tensor = initializers.get(name) ?? constantTensor(graph, name);
      return tensor && tensor.dtype !== "string" ? asNumbers(tensor) : undefined;
    },
    constant(wish, { dtype, shape, values }) {
      const name = fresh(wish);
      initializers.set(name, tensorOf(dtype, shape, values));
      return name;
    },
    fresh,
  };
}
