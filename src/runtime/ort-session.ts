import type { InferenceSession, Tensor } from "onnxruntime-common";
import { GraftError } from "../base/index.ts";
import { type DataType, encodeModel, type Graph, type ValueType } from "../graph/index.ts";
import type { HostArray, HostTensor, Session, SessionOptions } from "./session.ts";

/** What graft uses of an `onnxruntime-*` package. */
export interface Ort {
  readonly InferenceSession: {
    create(model: Uint8Array, options?: InferenceSession.SessionOptions): Promise<InferenceSession>;
  };
  readonly Tensor: new (type: Tensor.Type, data: Tensor.DataType, dims: readonly number[]) => Tensor;
}

/** Tensors of at least this many bytes travel beside the protobuf message, so that they are not copied into it. */
const EXTERNAL_THRESHOLD = 1 << 16;

/** Open a graph with any ONNX Runtime package; `base` holds the options that differ between Node and browser. */
export async function openSession(
  ort: Ort,
  graph: Graph,
  base: InferenceSession.SessionOptions,
  { threads, optimize = true }: SessionOptions = {},
): Promise<Session> {
  const { bytes, external } = encodeModel(graph, { external: "per-tensor", threshold: EXTERNAL_THRESHOLD });
  const session = await create(ort, graph, bytes, {
    ...base,
    ...(external.length > 0 && { externalData: external }),
    ...(threads !== undefined && { intraOpNumThreads: threads }),
    graphOptimizationLevel: optimize ? "all" : "disabled",
  });
  const toTensor = (name: string, value: HostTensor) => {
    try {
      return new ort.Tensor(value.dtype as Tensor.Type, value.data as Tensor.DataType, value.shape);
    } catch (cause) {
      throw new GraftError("RUNTIME_FEED", {
        thing: `input "${name}"`,
        place: `${value.dtype}[${value.shape}] with ${value.data.length} elements: ${messageOf(cause)}`,
        remedy: "Feed as many elements as the shape holds",
        cause,
      });
    }
  };
  return {
    outputTypes: new Map(session.outputMetadata.map((meta) => [meta.name, valueType(meta)])),
    async run(feeds, fetches) {
      const tensors = Object.fromEntries(Object.entries(feeds).map(([name, value]) => [name, toTensor(name, value)]));
      const wanted = Array.isArray(fetches)
        ? (fetches as readonly string[])
        : fetches &&
          Object.fromEntries(
            Object.entries(fetches as Readonly<Record<string, HostTensor>>).map(([n, v]) => [n, toTensor(n, v)]),
          );
      try {
        const results = wanted === undefined ? await session.run(tensors) : await session.run(tensors, wanted);
        return Object.fromEntries(Object.entries(results).map(([name, value]) => [name, fromTensor(value)]));
      } catch (cause) {
        throw new GraftError("RUNTIME_RUN", {
          thing: `graph "${graph.name}"`,
          place: `ONNX Runtime could not run it: ${messageOf(cause)}`,
          remedy: "Check the inputs' shapes; if they are right, report the model",
          cause,
        });
      }
    },
    release: () => session.release(),
  };
}

async function create(ort: Ort, graph: Graph, bytes: Uint8Array, options: InferenceSession.SessionOptions) {
  try {
    return await ort.InferenceSession.create(bytes, options);
  } catch (cause) {
    throw new GraftError("RUNTIME_OPEN", {
      thing: `graph "${graph.name}"`,
      place: `ONNX Runtime refused it: ${messageOf(cause)}`,
      remedy: "Check that the model loads in a plain ONNX Runtime session of this version",
      cause,
    });
  }
}

function valueType(meta: InferenceSession.ValueMetadata): ValueType {
  if (!meta.isTensor) return { dtype: "string" };
  return { dtype: meta.type as DataType, shape: meta.shape.map((dim) => (dim === "" ? null : dim)) };
}

function fromTensor(value: Tensor): HostTensor {
  return { dtype: value.type as DataType, shape: value.dims, data: value.data as HostArray };
}

/** The runtime's messages run over several lines and start with its own source positions; keep the telling part. */
function messageOf(cause: unknown): string {
  const text = cause instanceof Error ? cause.message : String(cause);
  return text.replace(/\s+/g, " ").slice(0, 400);
}
