import { GraftError } from "../base/index.ts";
import {
  type Branch,
  branchOf,
  capturedValues,
  describeNode,
  type Graph,
  type Node,
  prune,
  type Tensor,
} from "../graph/index.ts";
import type { HostTensor, Runtime } from "../runtime/index.ts";
import { dependences } from "./dependence.ts";

/** Branches inside branches, before a file is taken to be malicious. */
const MAX_DEPTH = 20;

/**
 * Decide every `If` whose condition follows from the bound input shapes, and put the branch taken in its place. Costs a
 * run of the model if there is any.
 * @param graph  inputs as the file declares them: with fixed shapes the runtime refuses the branch not taken
 * @param feeds  anything of the bound shapes
 * @throws       GraftError TRACE_CONTROL_FLOW for loops and for conditions that depend on the data
 */
export async function inlineBranches(
  graph: Graph,
  feeds: Readonly<Record<string, HostTensor>>,
  runtime: Runtime,
): Promise<Graph> {
  for (let depth = 0; depth <= MAX_DEPTH; depth++) {
    const branching = graph.nodes.filter(({ op, domain }) => domain === "" && /^(If|Loop|Scan)$/.test(op));
    if (branching.length === 0) return graph;
    const dependence = dependences(graph);
    const undecided = branching.find(({ op, inputs }) => op !== "If" || dependence.get(inputs[0]!) === "data");
    if (undecided || depth === MAX_DEPTH) throw controlFlow(undecided ?? branching[0]!);
    const conditions = [...new Set(branching.map(({ inputs }) => inputs[0]!))];
    const session = await runtime.open(prune({ ...graph, outputs: conditions }), { optimize: false });
    const values = await session.run(feeds);
    await session.release();
    graph = inlineAll(graph, (node) => branchOf(node, Boolean(values[node.inputs[0]!]?.data[0])));
  }
  return graph;
}

function inlineAll(graph: Graph, choose: (node: Node) => Branch | undefined): Graph {
  const initializers = new Map<string, Tensor>(graph.initializers);
  const taken = new Set([...graph.inputs, ...initializers.keys(), ...graph.nodes.flatMap(({ outputs }) => outputs)]);
  const nodes = graph.nodes.flatMap((node) => {
    const branch = node.domain === "" ? choose(node) : undefined;
    return branch ? inlined(node, branch, taken, initializers) : [node];
  });
  return { ...graph, nodes, initializers };
}

/** A branch's nodes under names that are free; what it makes for the outside takes the outside's names. */
function inlined(node: Node, branch: Branch, taken: Set<string>, initializers: Map<string, Tensor>): Node[] {
  const names = new Map<string, string>();
  const own = new Set(branch.nodes.flatMap(({ outputs }) => outputs.filter((name) => name !== "")));
  branch.outputs.forEach((name, k) => {
    if (own.has(name) && !names.has(name)) names.set(name, node.outputs[k]!);
  });
  for (const name of [...own, ...branch.initializers.keys()]) {
    if (names.has(name)) continue;
    let free = name;
    for (let k = 1; taken.has(free); k++) free = `${name}/${k}`;
    taken.add(free);
    names.set(name, free);
  }
  for (const [name, tensor] of branch.initializers) initializers.set(names.get(name)!, tensor);
  const renamed = (name: string) => names.get(name) ?? name;
  const nodes = branch.nodes.map((inner) => {
    if (capturedValues(inner).some((name) => renamed(name) !== name)) throw controlFlow(inner);
    return { ...inner, inputs: inner.inputs.map(renamed), outputs: inner.outputs.map(renamed) };
  });
  // An output the branch does not make itself, or gives twice, is handed through.
  const copies = branch.outputs.flatMap((name, k) => {
    const output = node.outputs[k]!;
    if (output === "" || renamed(name) === output) return [];
    return [{ op: "Identity", domain: "", name: "", inputs: [renamed(name)], outputs: [output], attributes: {} }];
  });
  return [...nodes, ...copies];
}

function controlFlow(node: Node): GraftError {
  return new GraftError("TRACE_CONTROL_FLOW", {
    thing: describeNode(node),
    place: "the model loops, or branches on the data fed, which a static training graph cannot",
    remedy: "Export the model with fixed input shapes, so that the exporter decides the branch",
  });
}
