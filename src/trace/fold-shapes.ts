import {
  attribute,
  byteLength,
  elementCount,
  type Graph,
  type Node,
  type Tensor,
  tensorOf,
  usedValues,
} from "../graph/index.ts";
import type { Runtime } from "../runtime/index.ts";
import { type Dependence, isShapeQuery } from "./dependence.ts";
import { numbersOf, type StaticType, shapeProbe, toTensor } from "./static-type.ts";

/** A folded value above this many bytes stays a node (its inputs are folded): an initializer would only copy it. */
const FOLD_BYTES = 1 << 20;

/**
 * Replace values that follow from shapes alone by initializers, as far as the shapes are known.
 * @param types  known types of values; what is computed here is added
 */
export async function foldShapes(
  graph: Graph,
  dependence: ReadonlyMap<string, Dependence>,
  types: Map<string, StaticType>,
  runtime: Runtime,
): Promise<Graph> {
  const initializers = new Map([...graph.initializers].filter(([name]) => dependence.get(name) === "shapes"));
  const available = new Set(initializers.keys());
  const computable: Node[] = [];
  const kept = new Set<Node>();
  for (const node of graph.nodes) {
    const query = isShapeQuery(node) ? types.get(node.inputs[0]!) : undefined;
    if (query) initializers.set(node.outputs[0]!, shapeTensor(node, query.shape));
    else if (usedValues(node).every((name) => available.has(name))) computable.push(node);
    else kept.add(node);
    if (!kept.has(node)) for (const name of node.outputs) available.add(name);
  }
  for (const [name, { dtype, shape }] of initializers) types.set(name, { dtype, shape });
  const computed = await evaluate({ ...graph, inputs: [], nodes: computable, initializers }, runtime);
  for (const [name, type] of computed.types) types.set(name, type);

  const producers = new Map(computable.flatMap((node) => node.outputs.map((name) => [name, node] as const)));
  const folded = new Map<string, Tensor>();
  const wanted = new Set<string>();
  const pending = [...graph.outputs, ...[...kept].flatMap(usedValues)];
  for (let name = pending.pop(); name !== undefined; name = pending.pop()) {
    const producer = producers.get(name);
    if (initializers.has(name)) folded.set(name, initializers.get(name)!);
    if (producer === undefined || kept.has(producer) || wanted.has(name)) continue;
    const { dtype, shape } = types.get(name)!;
    if (byteLength(dtype, elementCount(shape)) <= FOLD_BYTES && dtype !== "string") wanted.add(name);
    else {
      kept.add(producer);
      for (const output of producer.outputs) wanted.delete(output);
      pending.push(...producer.inputs);
    }
  }
  for (const [name, value] of Object.entries(await computed.fetch([...wanted]))) folded.set(name, value);
  await computed.release();
  return {
    ...graph,
    nodes: graph.nodes.filter((node) => kept.has(node)),
    initializers: new Map([...graph.initializers, ...folded]),
  };
}

interface Evaluated {
  readonly types: ReadonlyMap<string, StaticType>;
  fetch(names: readonly string[]): Promise<Record<string, Tensor>>;
  release(): Promise<void>;
}

/** Run a graph without inputs: types of all its values, and values on demand. */
async function evaluate(graph: Graph, runtime: Runtime): Promise<Evaluated> {
  const names = graph.nodes.flatMap((node) => node.outputs.filter((name) => name !== ""));
  const types = new Map<string, StaticType>();
  if (names.length === 0) return { types, fetch: async () => ({}), release: async () => {} };
  const probes = names.map((name, k) => shapeProbe(name, k));
  const session = await runtime.open(
    {
      ...graph,
      nodes: [...graph.nodes, ...probes],
      outputs: [...names, ...probes.flatMap(({ outputs }) => outputs)],
    },
    { optimize: false, threads: 1 },
  );
  const shapes = await session.run(
    {},
    probes.flatMap(({ outputs }) => outputs),
  );
  for (const { inputs, outputs } of probes)
    types.set(inputs[0]!, {
      dtype: session.outputTypes.get(inputs[0]!)!.dtype,
      shape: numbersOf(shapes[outputs[0]!]!),
    });
  return {
    types,
    fetch: async (wanted) => {
      if (wanted.length === 0) return {};
      const values = await session.run({}, wanted);
      return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, toTensor(value)]));
    },
    release: () => session.release(),
  };
}

/** What a Shape or Size node gives for a known shape. */
function shapeTensor(node: Node, shape: readonly number[]): Tensor {
  if (node.op === "Size") return tensorOf("int64", [], [elementCount(shape)]);
  // `slice` counts negative and overlong bounds the way Shape's `start` and `end` do.
  const part = shape.slice(attribute(node, "start", "int", 0), attribute(node, "end", "int", shape.length));
  return tensorOf("int64", [part.length], part);
}
