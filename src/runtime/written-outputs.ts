import type { InferenceSession, Tensor } from "onnxruntime-common";
import { createBuilder, encodeModel, type Graph } from "../graph/index.ts";
import type { Ort } from "./ort-session.ts";

/** The output that ends a run. No model's file names a value so. */
const END = "graft/end";

/** In what onnxruntime-node says of an output that is no tensor, once the graph has run. */
const REFUSAL = "Non tensor type";

/** Outputs of fewer bytes are copied sooner than an error is made. */
const LARGE = 1 << 20;

/** The operator set that SequenceEmpty came with. */
const LEAST_OPSET = 11;

/** The graph with an empty sequence as its first output, where its operator set has one. */
export function withEndOutput(graph: Graph): Graph {
  if ((graph.opsets.get("") ?? 0) < LEAST_OPSET) return graph;
  const node = { op: "SequenceEmpty", domain: "", name: "", inputs: [], outputs: [END], attributes: {} };
  return { ...graph, nodes: [node, ...graph.nodes], outputs: [END, ...graph.outputs] };
}

/** A session's outputs but for that one. */
export const ownOutputs = ({ outputNames }: InferenceSession): string[] => outputNames.filter((name) => name !== END);

/**
 * Run a session into arrays, and leave it at that. onnxruntime-node (1.24 to 1.30) writes outputs where they are wanted, then makes a copy
 * of each for its result: a twentieth of a step of full fine-tuning, a quarter of large products, and memory for all outputs once
 * more. It copies in the order of the outputs and refuses one that is no tensor, so that a run whose first output is an empty
 * sequence ends there, with the others written. Whether a runtime does so is tried beforehand (`canEndRuns`).
 */
export async function runInto(
  session: InferenceSession,
  feeds: Readonly<Record<string, Tensor>>,
  outputs: Readonly<Record<string, Tensor>>,
): Promise<void> {
  const bytes = Object.values(outputs).reduce((sum, { data }) => sum + (data as Float32Array).byteLength, 0);
  if (session.outputNames[0] === END && bytes >= LARGE) await runToEnd(session, feeds, outputs);
  else await session.run(feeds, outputs);
}

async function runToEnd(
  session: InferenceSession,
  feeds: Readonly<Record<string, Tensor>>,
  outputs: Readonly<Record<string, Tensor>>,
): Promise<void> {
  try {
    await session.run(feeds, { [END]: null, ...outputs });
  } catch (cause) {
    if (!String(cause).includes(REFUSAL)) throw cause;
  }
}

const tried = new WeakMap<object, Promise<boolean>>();

/** Whether a runtime's runs may end at that output: tried once, on a graph of one node. */
export function canEndRuns(ort: Ort): Promise<boolean> {
  const known = tried.get(ort.InferenceSession);
  if (known !== undefined) return known;
  const trial = tryToEnd(ort).catch(() => false);
  tried.set(ort.InferenceSession, trial);
  return trial;
}

async function tryToEnd(ort: Ort): Promise<boolean> {
  const g = createBuilder();
  const x = g.input("x", "float32", [2]);
  g.rename(g.add(x, x), "y");
  const { bytes } = encodeModel(withEndOutput(g.toGraph(["y"])));
  const session = await ort.InferenceSession.create(bytes, { executionProviders: ["cpu"], logSeverityLevel: 3 });
  const y = new Float32Array(2);
  try {
    const feeds = { x: new ort.Tensor("float32", Float32Array.of(1, 2), [2]) };
    await runToEnd(session, feeds, { y: new ort.Tensor("float32", y, [2]) });
  } finally {
    await session.release();
  }
  return y[0] === 2 && y[1] === 4;
}
