import { type Graph, type Tensor, tensorBytes, tensorValues } from "../graph/index.ts";
import type { HostTensor, Session } from "./session.ts";

/** Less in all is not worth it: each session then copies its weights and packs them for its products. */
const SHARED_FROM = 64 * 2 ** 20;

/** Weights of fewer bytes stay in the graph: copying them is nothing, and the runtime folds and fuses by some of them. */
const SHARED_BYTES = 1 << 14;

/**
 * Names of a graph's float32 matrices that its sessions share, fed at each run from one place in memory instead of copied into
 * each: none where they are less than 64 MiB in all. A session then opens faster and takes half the memory or less,
 * and runs 4 to 6 % slower, for its products cannot be packed beforehand (docs/running.md, Memory).
 */
export function sharedWeights({ nodes, initializers }: Graph): ReadonlySet<string> {
  // Operators beyond ONNX's own, such as packed products, may want their tensors constant.
  const wanted = new Set(nodes.filter(({ domain }) => domain !== "").flatMap(({ inputs }) => inputs));
  const shared = [...initializers].filter(
    ([name, tensor]) =>
      tensor.dtype === "float32" && tensor.shape.length > 1 && tensorBytes(tensor) >= SHARED_BYTES && !wanted.has(name),
  );
  const total = shared.reduce((sum, [, tensor]) => sum + tensorBytes(tensor), 0);
  return new Set(total < SHARED_FROM ? [] : shared.map(([name]) => name));
}

/** Open a graph with some of its initializers as inputs, which the session feeds itself. */
export async function openSharing(
  graph: Graph,
  shared: ReadonlySet<string>,
  open: (graph: Graph) => Promise<Session>,
): Promise<Session> {
  const weights = new Map([...shared].map((name) => [name, graph.initializers.get(name)!]));
  const initializers = new Map([...graph.initializers].filter(([name]) => !shared.has(name)));
  const types = new Map([...graph.types, ...weights]);
  let feeds = Object.fromEntries([...weights].map(([name, tensor]) => [name, hostTensor(tensor)]));
  const session = await open({ ...graph, inputs: [...graph.inputs, ...shared], initializers, types });
  return {
    ...session,
    run: (own, fetches) => session.run({ ...feeds, ...own }, fetches),
    release() {
      // What no other session uses may be let go.
      feeds = {};
      return session.release();
    },
  };
}

/** Copies of those that their file happens not to align, one for each, however many sessions read it. */
const copies = new WeakMap<Tensor, HostTensor["data"]>();

function hostTensor(tensor: Tensor): HostTensor {
  const { dtype, shape, bytes } = tensor;
  if (bytes.byteOffset % 4 === 0)
    return { dtype, shape, data: new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4) };
  const data = copies.get(tensor) ?? tensorValues(tensor);
  copies.set(tensor, data);
  return { dtype, shape, data };
}
