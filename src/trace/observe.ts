import type { DataType, Graph } from "../graph/index.ts";
import type { Runtime } from "../runtime/index.ts";
import type { Dependence } from "./dependence.ts";
import { dummyFeeds } from "./dummy-feeds.ts";
import { numbersOf, type StaticType, shapeProbe } from "./static-type.ts";

/**
 * Ask the runtime for the types of values, without running anything and without handing it the weights.
 * @param types  fully known ones are added
 * @returns      element types of the values whose shape is still open
 */
export async function inferWithRuntime(
  graph: Graph,
  dependence: ReadonlyMap<string, Dependence>,
  types: Map<string, StaticType>,
  runtime: Runtime,
): Promise<ReadonlyMap<string, DataType>> {
  const open = new Map<string, DataType>();
  const wanted = graph.nodes
    .flatMap(({ outputs }) => outputs)
    .filter((name) => name !== "" && dependence.get(name) !== "shapes" && !types.has(name));
  if (wanted.length === 0) return open;
  const weights = [...graph.initializers.keys()].filter((name) => dependence.get(name) === "weights");
  const session = await runtime.open(
    {
      ...graph,
      inputs: [...graph.inputs, ...weights],
      outputs: wanted,
      initializers: new Map([...graph.initializers].filter(([name]) => dependence.get(name) !== "weights")),
      types: new Map([...graph.types, ...weights.map((name) => [name, types.get(name)!] as const)]),
    },
    { optimize: false, threads: 1 },
  );
  for (const name of wanted) {
    const { dtype, shape } = session.outputTypes.get(name)!;
    // The runtime gives [] for an unknown number of dimensions, too.
    if (shape && shape.length > 0 && shape.every((dim) => typeof dim === "number"))
      types.set(name, { dtype, shape: shape as readonly number[] });
    else open.set(name, dtype);
  }
  await session.release();
  return open;
}

/** Run the graph once to see the shapes of the given values; the shapes are fetched, not the values. */
export async function observeShapes(
  graph: Graph,
  open: ReadonlyMap<string, DataType>,
  types: Map<string, StaticType>,
  runtime: Runtime,
): Promise<void> {
  const probes = [...open.keys()].map((name, k) => shapeProbe(name, k));
  const outputs = probes.flatMap((probe) => probe.outputs);
  const session = await runtime.open({ ...graph, nodes: [...graph.nodes, ...probes], outputs }, { optimize: false });
  try {
    const shapes = await session.run(dummyFeeds(graph));
    for (const probe of probes) {
      const name = probe.inputs[0]!;
      types.set(name, { dtype: open.get(name)!, shape: numbersOf(shapes[probe.outputs[0]!]!) });
    }
  } finally {
    await session.release();
  }
}
