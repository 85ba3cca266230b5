import { type Graph, type Tensor, tensorValues } from "../graph/index.ts";
import type { HostTensor, Runtime, Session, SessionOptions } from "./session.ts";

/** Weights of fewer bytes stay in the graph: copying them is nothing, and shapes may be computed from them. */
const SHARED_BYTES = 1 << 14;

/**
 * Open a graph whose big float32 weights are fed at each run, from memory that all such sessions share: it opens without
 * copying, packing and folding them and takes no memory for them, and its products run a little slower.
 */
export async function openWithSharedWeights(
  runtime: Runtime,
  graph: Graph,
  options?: SessionOptions,
): Promise<Session> {
  const weights = bigWeights(graph);
  const initializers = new Map([...graph.initializers].filter(([name]) => !weights.has(name)));
  const types = new Map([...graph.types, ...weights]);
  const inputs = [...graph.inputs, ...weights.keys()];
  const session = await runtime.open({ ...graph, inputs, initializers, types }, options);
  const feeds = Object.fromEntries([...weights].map(([name, tensor]) => [name, hostTensor(tensor)]));
  return { ...session, run: (own, fetches) => session.run({ ...feeds, ...own }, fetches) };
}

/** Bytes that a graph's sessions would share. */
export const sharedBytes = (graph: Graph): number =>
  [...bigWeights(graph).values()].reduce((sum, { bytes }) => sum + bytes.length, 0);

function bigWeights({ nodes, initializers }: Graph): Map<string, Tensor> {
  // Operators beyond ONNX's own, such as packed products, may want their tensors constant.
  const wanted = new Set(nodes.filter(({ domain }) => domain !== "").flatMap(({ inputs }) => inputs));
  return new Map(
    [...initializers].filter(
      ([name, { dtype, bytes }]) => dtype === "float32" && bytes.length >= SHARED_BYTES && !wanted.has(name),
    ),
  );
}

/** One array for each tensor, however many sessions read it. */
const arrays = new WeakMap<Tensor, HostTensor>();

function hostTensor(tensor: Tensor): HostTensor {
  const { dtype, shape, bytes } = tensor;
  const known = arrays.get(tensor);
  if (known) return known;
  // A view where the file happens to align it.
  const data =
    bytes.byteOffset % 4 === 0
      ? new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4)
      : (tensorValues(tensor) as Float32Array);
  const made = { dtype, shape, data };
  arrays.set(tensor, made);
  return made;
}
