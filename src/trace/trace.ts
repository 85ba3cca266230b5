import { breathe, GraftError } from "../base/index.ts";
import {
  asNumbers,
  attribute,
  byteLength,
  constantsToInitializers,
  type DataType,
  elementCount,
  type Graph,
  type Node,
  prune,
  type Tensor,
  tensorOf,
  type ValueType,
} from "../graph/index.ts";
import type { HostTensor, Runtime } from "../runtime/index.ts";
import { bypassCopies, bypassIdleCasts } from "./bypass.ts";
import { refuseDataDependentShapes } from "./data-dependent.ts";
import { type Dependence, dependences, isShapeQuery } from "./dependence.ts";
import { dummyFeeds } from "./dummy-feeds.ts";
import { inlineBranches } from "./inline-branches.ts";

/** A folded value above this many bytes stays a node (its inputs are folded): an initializer would only copy it. */
const FOLD_BYTES = 1 << 20;

/** Values whose types are known for sure. */
type Static = { readonly dtype: DataType; readonly shape: readonly number[] };

/**
 * Make a graph static: bind the inputs' shapes, run it once, record the type and shape of every value, and fold what
 * follows from shapes alone (shape arithmetic, masks and ranges made from sizes, scalars such as √d). Values keep their
 * names; weights are not folded, so that every product with a weight can still be differentiated. `Constant` nodes
 * become initializers, branches on shapes are decided, and `Identity`, inference `Dropout`, idle casts and whatever no
 * output needs go.
 *
 * Costs one forward pass with zeros at the bound batch size; only shapes are fetched.
 * @param inputShapes  a shape for every input of the graph; `bindShapes` makes them
 * @returns            a graph in which `types` holds a dtype and a shape of numbers for every value
 * @throws             GraftError TRACE_INPUT (no or wrong shape for an input), TRACE_DATA_DEPENDENT (a shape depends on the data
 *                     fed), TRACE_CONTROL_FLOW (a loop, or a branch on the data), TRACE_TRAINING_MODE, or the runtime's own error
 * @see                docs/architecture.md, decision 3
 */
export async function trace(
  graph: Graph,
  inputShapes: Readonly<Record<string, readonly number[]>>,
  runtime: Runtime,
  { signal }: { readonly signal?: AbortSignal } = {},
): Promise<Graph> {
  const read = prune(constantsToInitializers(graph));
  const straight = await inlineBranches(read, dummyFeeds(bindInputs(read, inputShapes)), runtime);
  const bound = bindInputs(prune(bypassCopies(constantsToInitializers(straight))), inputShapes);
  const dependence = dependences(bound);
  refuseDataDependentShapes(bound, dependence);
  const types = await observe(bound, dependence, runtime, signal);
  const folded = await foldShapes(bound, dependence, types, runtime, signal);
  return prune(bypassIdleCasts(folded));
}

/** Give every input its concrete shape and drop the types that held for open dimensions. */
function bindInputs(graph: Graph, inputShapes: Readonly<Record<string, readonly number[]>>): Graph {
  const types = new Map<string, ValueType>();
  for (const name of graph.inputs) {
    const declared = graph.types.get(name);
    const shape = inputShapes[name];
    const fits =
      shape !== undefined &&
      !Number.isNaN(elementCount(shape)) &&
      (!declared?.shape ||
        (declared.shape.length === shape.length &&
          declared.shape.every((dim, k) => typeof dim !== "number" || dim === shape[k])));
    if (!fits || declared === undefined)
      throw new GraftError("TRACE_INPUT", {
        thing: `input "${name}"`,
        place: `declared as ${declared?.dtype ?? "?"}[${declared?.shape?.map((dim) => dim ?? "?").join(", ") ?? "?"}], ${
          shape ? `bound to [${shape.join(", ")}]` : "bound to nothing"
        }`,
        remedy: "Bind every input to a shape the model allows",
      });
    types.set(name, { dtype: declared.dtype, shape });
  }
  return { ...graph, types };
}

/** Run once and record the type of every value that follows from data or weights. */
async function observe(
  graph: Graph,
  dependence: ReadonlyMap<string, Dependence>,
  runtime: Runtime,
  signal: AbortSignal | undefined,
): Promise<Map<string, Static>> {
  const types = new Map<string, Static>();
  for (const name of graph.inputs) types.set(name, graph.types.get(name) as Static);
  for (const [name, { dtype, shape }] of graph.initializers) types.set(name, { dtype, shape });
  const isWanted = (name: string) => name !== "" && dependence.get(name) !== "shapes";
  const wanted = graph.nodes.flatMap((node) => node.outputs.filter(isWanted));
  if (wanted.length === 0) return types;
  await breathe(signal);

  // Element types: what the runtime says of a graph whose outputs are all values. It is never run.
  const declared = await runtime.open({ ...graph, outputs: wanted }, { optimize: false, threads: 1 });
  const dtypes = declared.outputTypes;
  await declared.release();
  await breathe(signal);

  // Shapes: fetched instead of the values, so that memory stays that of one forward pass.
  const probes = new Map(wanted.map((name, k) => [name, `graft/trace/shape_${k}`]));
  const nodes = graph.nodes.flatMap((node) => [
    node,
    ...node.outputs.filter(isWanted).map((name) => shapeNode(name, probes.get(name)!)),
  ]);
  const session = await runtime.open({ ...graph, nodes, outputs: [...probes.values()] }, { optimize: false });
  try {
    await breathe(signal);
    const shapes = await session.run(dummyFeeds(graph));
    for (const [name, probe] of probes)
      types.set(name, { dtype: dtypes.get(name)!.dtype, shape: numbersOf(shapes[probe]!) });
  } finally {
    await session.release();
  }
  await breathe(signal);
  return types;
}

/** Replace values that follow from shapes alone by initializers. */
async function foldShapes(
  graph: Graph,
  dependence: ReadonlyMap<string, Dependence>,
  types: Map<string, Static>,
  runtime: Runtime,
  signal: AbortSignal | undefined,
): Promise<Graph> {
  const isShapes = (node: Node) => dependence.get(node.outputs.find((name) => name !== "") ?? "") === "shapes";
  const initializers = new Map([...graph.initializers].filter(([name]) => dependence.get(name) === "shapes"));
  const nodes: Node[] = [];
  for (const node of graph.nodes) {
    if (!isShapes(node)) continue;
    const known = isShapeQuery(node) ? types.get(node.inputs[0]!) : undefined;
    if (known) initializers.set(node.outputs[0]!, shapeTensor(node, known.shape));
    else nodes.push(node);
  }
  const computed = await evaluate({ ...graph, inputs: [], nodes, initializers }, runtime, signal);
  for (const [name, value] of [...initializers, ...computed.types])
    types.set(name, { dtype: value.dtype, shape: value.shape });

  const producers = new Map(nodes.flatMap((node) => node.outputs.map((name) => [name, node] as const)));
  const kept = new Set<Node>(graph.nodes.filter((node) => !isShapes(node)));
  const folded = new Map<string, Tensor>();
  const pending = [...graph.outputs, ...[...kept].flatMap((node) => node.inputs)];
  const toFetch = new Set<string>();
  for (let name = pending.pop(); name !== undefined; name = pending.pop()) {
    const producer = producers.get(name);
    if (initializers.has(name)) folded.set(name, initializers.get(name)!);
    if (producer === undefined || kept.has(producer) || toFetch.has(name)) continue;
    const { dtype, shape } = types.get(name)!;
    if (byteLength(dtype, elementCount(shape)) <= FOLD_BYTES && dtype !== "string") toFetch.add(name);
    else {
      kept.add(producer);
      for (const output of producer.outputs) toFetch.delete(output);
      pending.push(...producer.inputs);
    }
  }
  for (const [name, value] of Object.entries(await computed.fetch([...toFetch]))) folded.set(name, value);
  await computed.release();
  return {
    ...graph,
    nodes: graph.nodes.filter((node) => kept.has(node)),
    initializers: new Map([...graph.initializers, ...folded]),
    types,
  };
}

interface Evaluated {
  readonly types: ReadonlyMap<string, Static>;
  fetch(names: readonly string[]): Promise<Record<string, Tensor>>;
  release(): Promise<void>;
}

/** Run a graph without inputs: types of all its values, and values on demand. */
async function evaluate(graph: Graph, runtime: Runtime, signal: AbortSignal | undefined): Promise<Evaluated> {
  const names = graph.nodes.flatMap((node) => node.outputs.filter((name) => name !== ""));
  const types = new Map<string, Static>();
  if (names.length === 0) return { types, fetch: async () => ({}), release: async () => {} };
  const probes = new Map(names.map((name, k) => [name, `graft/trace/shape_${k}`]));
  const session = await runtime.open(
    {
      ...graph,
      nodes: [...graph.nodes, ...[...probes].map(([name, probe]) => shapeNode(name, probe))],
      outputs: [...names, ...probes.values()],
    },
    { optimize: false, threads: 1 },
  );
  await breathe(signal);
  const shapes = await session.run({}, [...probes.values()]);
  for (const [name, probe] of probes)
    types.set(name, { dtype: session.outputTypes.get(name)!.dtype, shape: numbersOf(shapes[probe]!) });
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

const shapeNode = (value: string, output: string): Node => ({
  op: "Shape",
  domain: "",
  name: output,
  inputs: [value],
  outputs: [output],
  attributes: {},
});

const toTensor = ({ dtype, shape, data }: HostTensor): Tensor => tensorOf(dtype as "float32", shape, data);

const numbersOf = (value: HostTensor): readonly number[] => asNumbers(toTensor(value));
