import type { InferenceSession, Tensor } from "onnxruntime-common";
import type { Graph } from "../graph/index.ts";

/** The output that ends a run. No model's file names a value so. */
const LAST = "graft/last";

/** In what onnxruntime-node says of an output that is no tensor, once the graph has run. */
const REFUSAL = "Non tensor type";

/** Outputs of fewer bytes are copied sooner than an error is made. */
const LARGE = 1 << 20;

/** The operator set that SequenceEmpty came with. */
const LEAST_OPSET = 11;

let isRefusedOtherwise = false;

/** The graph with an empty sequence as its first output, where its operator set has one. */
export function withLastOutput(graph: Graph): Graph {
  if ((graph.opsets.get("") ?? 0) < LEAST_OPSET) return graph;
  const node = { op: "SequenceEmpty", domain: "", name: "", inputs: [], outputs: [LAST], attributes: {} };
  return { ...graph, nodes: [node, ...graph.nodes], outputs: [LAST, ...graph.outputs] };
}

/** A session's outputs but for that one. */
export const ownOutputs = ({ outputNames }: InferenceSession): string[] => outputNames.filter((name) => name !== LAST);

/**
 * Run a session into arrays, and leave it at that. onnxruntime-node (1.24 to 1.30) writes outputs where they are wanted, then makes a copy
 * of each for its result: a twentieth of a step of full fine-tuning, a quarter of large products, and memory for all outputs once
 * more. It copies in the order of the outputs and refuses one that is no tensor, so that a run whose first output is an empty
 * sequence ends there, with the others written. A runtime that refuses it in other words runs as it would have, and is not asked again.
 */
export async function runInto(
  session: InferenceSession,
  feeds: Readonly<Record<string, Tensor>>,
  outputs: Readonly<Record<string, Tensor>>,
): Promise<void> {
  const bytes = Object.values(outputs).reduce((sum, { data }) => sum + (data as Float32Array).byteLength, 0);
  const isAsked = !isRefusedOtherwise && session.outputNames[0] === LAST && bytes >= LARGE;
  if (isAsked) {
    const refusal = await session.run(feeds, { [LAST]: null, ...outputs }).then(
      () => REFUSAL,
      (cause) => String(cause),
    );
    if (refusal.includes(REFUSAL)) return;
  }
  await session.run(feeds, outputs);
  isRefusedOtherwise ||= isAsked;
}
