import { byteLength, elementCount, type Graph, type Node, tensorBytes } from "../graph/index.ts";

/** Bytes that a session takes, as the runtime lays them out. */
export interface SessionMemory {
  /** Initializers, and what follows from them alone: the runtime computes that once and keeps it. */
  readonly weights: number;
  /** The most that values take at one time while the graph runs, inputs and outputs included. */
  readonly values: number;
}

/** Operators that write into an input that nothing reads after them. */
const IN_PLACE = new Set(
  "Add Sub Mul Div Neg Exp Log Sqrt Reciprocal Tanh Erf Sigmoid Relu Abs Sign Softmax LogSoftmax Pow Where Max Min".split(
    " ",
  ),
);
/** Operators whose output is their first input, seen otherwise. */
const VIEWS = new Set("Reshape Flatten Squeeze Unsqueeze Identity Cast".split(" "));

/**
 * Find how much memory a graph's session takes, from its shapes alone: every value lives from the node that makes it to
 * the last one that reads it, in the graph's order; elementwise operators write in place where they may; a transpose
 * that only products read is part of them.
 * @param graph      every shape known (traced)
 * @param elsewhere  weights that lie elsewhere (`Runtime.sharedWeights`), and outputs that are written to the caller's arrays
 */
export function sessionMemory(graph: Graph, elsewhere: ReadonlySet<string> = new Set()): SessionMemory {
  const constant = new Set([...graph.initializers.keys()].filter((name) => !elsewhere.has(name)));
  const size = (name: string): number => {
    if (elsewhere.has(name)) return 0;
    const type = graph.types.get(name);
    if (!type?.shape?.every((dim): dim is number => typeof dim === "number")) return 0;
    return byteLength(type.dtype, elementCount(type.shape as readonly number[]));
  };
  const readers = new Map<string, Node[]>();
  for (const node of graph.nodes)
    for (const name of new Set(node.inputs)) readers.set(name, [...(readers.get(name) ?? []), node]);

  // What a value's bytes are those of: itself, or the value it is a view of.
  const homes = new Map<string, string>();
  const home = (name: string) => homes.get(name) ?? name;
  const running: Node[] = [];
  for (const node of graph.nodes) {
    if (node.inputs.every((name) => name === "" || constant.has(name))) {
      for (const name of node.outputs) constant.add(name);
      continue;
    }
    running.push(node);
    const isView = VIEWS.has(node.op) && !elsewhere.has(node.outputs[0]!);
    if (isView || isPartOfProducts(node, readers)) homes.set(node.outputs[0]!, home(node.inputs[0]!));
  }

  const lastUse = new Map<string, number>();
  running.forEach(({ inputs }, at) => {
    for (const name of inputs) if (!constant.has(name)) lastUse.set(home(name), at);
  });
  for (const name of graph.outputs) lastUse.set(home(name), running.length);

  let live = graph.inputs.reduce((sum, name) => sum + size(name), 0);
  let most = live;
  const held = new Map<string, number>();
  running.forEach(({ op, inputs, outputs }, at) => {
    const made = outputs.filter((name) => name !== "" && home(name) === name);
    const own = made.reduce((sum, name) => sum + size(name), 0);
    const dying = [...new Set(inputs.map(home))].filter((name) => held.has(name) && lastUse.get(name) === at);
    const reused = IN_PLACE.has(op) ? dying.find((name) => held.get(name) === own) : undefined;
    live += reused === undefined ? own : 0;
    most = Math.max(most, live);
    for (const name of made) held.set(name, size(name));
    for (const name of dying) {
      if (name !== reused) live -= held.get(name)!;
      held.delete(name);
    }
    for (const name of made) {
      if (lastUse.has(name)) continue;
      live -= size(name);
      held.delete(name);
    }
  });
  const weights = [...constant].reduce((sum, name) => {
    const tensor = graph.initializers.get(name);
    return sum + (tensor ? tensorBytes(tensor) : size(name));
  }, 0);
  return { weights, values: most };
}

/** A transpose of the last two axes that only products read. */
function isPartOfProducts({ op, attributes, outputs }: Node, readers: ReadonlyMap<string, readonly Node[]>): boolean {
  if (op !== "Transpose" || attributes.perm?.type !== "ints") return false;
  const perm = attributes.perm.value;
  const last = perm.length - 1;
  const swapsLast = perm.every((axis, k) => axis === (k === last ? last - 1 : k === last - 1 ? last : k));
  const uses = readers.get(outputs[0]!) ?? [];
  return swapsLast && uses.length > 0 && uses.every((node) => node.op === "MatMul");
}
