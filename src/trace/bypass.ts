import { GraftError } from "../base/index.ts";
import { asNumbers, capturedValues, constantTensor, describeNode, type Graph, type Node } from "../graph/index.ts";

/**
 * Take out `Identity` and inference `Dropout`: whoever read the copy reads the original. A copy that is an output of
 * the graph, or that a subgraph reads, stays.
 * @throws GraftError TRACE_TRAINING_MODE for a Dropout that is switched on
 */
export function bypassCopies(graph: Graph): Graph {
  return bypass(graph, (node) => isCopy(node, graph));
}

/** Take out casts to the type a value has already. `graph` knows the type of every value. */
export function bypassIdleCasts(graph: Graph): Graph {
  const dtype = (name: string) => graph.types.get(name)?.dtype;
  return bypass(
    graph,
    ({ op, domain, inputs, outputs }) =>
      domain === "" && op === "Cast" && dtype(inputs[0]!) !== undefined && dtype(inputs[0]!) === dtype(outputs[0]!),
  );
}

function bypass(graph: Graph, isIdle: (node: Node) => boolean): Graph {
  const pinned = new Set(graph.outputs);
  for (const node of graph.nodes) for (const name of capturedValues(node)) pinned.add(name);
  const read = new Set(graph.nodes.flatMap((node) => node.inputs));
  const alias = new Map<string, string>();
  const nodes: Node[] = [];
  for (const node of graph.nodes) {
    const inputs = node.inputs.map((name) => alias.get(name) ?? name);
    const [copy, ...rest] = node.outputs;
    if (isIdle(node) && !pinned.has(copy!) && !rest.some((name) => read.has(name) || pinned.has(name)))
      alias.set(copy!, inputs[0]!);
    else nodes.push(inputs.some((name, k) => name !== node.inputs[k]) ? { ...node, inputs } : node);
  }
  return alias.size === 0 ? graph : { ...graph, nodes };
}

function isCopy(node: Node, graph: Graph): boolean {
  if (node.domain !== "") return false;
  if (node.op === "Identity") return true;
  if (node.op !== "Dropout") return false;
  const switchName = node.inputs[2];
  if (!switchName) return true;
  const tensor = constantTensor(graph, switchName);
  if (tensor === undefined) return false;
  if (asNumbers(tensor)[0] === 0) return true;
  throw new GraftError("TRACE_TRAINING_MODE", {
    thing: describeNode(node),
    place: "it drops values at random: the model was exported in training mode",
    remedy: "Export it again in evaluation mode (`model.eval()`)",
  });
}
