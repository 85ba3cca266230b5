import type { InferenceSession, Tensor } from "onnxruntime-common";
import { GraftError } from "../base/index.ts";
import { type DataType, encodeModel, type Graph, type ValueType } from "../graph/index.ts";
import type { HostArray, HostTensor, Session, SessionOptions } from "./session.ts";
import { canEndRuns, ownOutputs, runInto, withEndOutput } from "./written-outputs.ts";

/** What graft uses of an `onnxruntime-*` package. */
export interface Ort {
  /** Settings of the whole page; only `onnxruntime-web` has those of `wasm`. */
  readonly env?: { readonly wasm?: { numThreads?: number; proxy?: boolean } };
  readonly InferenceSession: {
    create(model: Uint8Array, options?: InferenceSession.SessionOptions): Promise<InferenceSession>;
  };
  readonly Tensor: new (type: Tensor.Type, data: Tensor.DataType, dims: readonly number[]) => Tensor;
  /** Execution providers of this build; only `onnxruntime-node` tells. */
  readonly listSupportedBackends?: () => readonly { readonly name: string }[];
}

/** Tensors of at least this many bytes travel beside the protobuf message, so that they are not copied into it. */
const EXTERNAL_THRESHOLD = 1 << 16;

/** What differs between the `onnxruntime-*` packages. */
export interface Platform {
  readonly options: InferenceSession.SessionOptions;
  /** Whether `run` writes into the output tensors it is given. */
  readonly writesOutputs: boolean;
  /** Whether it then copies them, too, unless it is kept from that (`runInto`). */
  readonly copiesOutputs?: boolean;
}

/**
 * Fusions that reach over a hidden state, as the runtime lists them: the sum that makes a state joined with the norm
 * that reads it (which then adds the sub-layer's bias last instead of first), or attention joined with both. An adapter
 * on that state breaks them up, and the last bits of the whole result with them. Without them an untrained adapter
 * changes no bit, and nothing is slower (measured: 1.02 to 1.1 times as fast). The last one joins an operator with the
 * QuantizeLinear and DequantizeLinear around it, and rounds otherwise than the file says: an adapter or a gradient in between
 * would change the rounding (measured on a small ViT with every operator quantised: logits off by a tenth).
 */
const FUSIONS_OVER_STATES = "SkipLayerNormFusion;EmbedLayerNormFusion;AttentionFusion;QDQSelectorActionTransformer";

/** Open a graph with any ONNX Runtime package. */
export async function openSession(
  ort: Ort,
  graph: Graph,
  platform: Platform,
  { threads, optimize = true, asDeployed = false }: SessionOptions = {},
): Promise<OpenSession> {
  const endsRuns = platform.copiesOutputs && !asDeployed && (await canEndRuns(ort));
  const opened = endsRuns ? withEndOutput(graph) : graph;
  const { bytes, external } = encodeModel(opened, { external: "per-tensor", threshold: EXTERNAL_THRESHOLD });
  const session = await create(ort, graph, bytes, {
    ...platform.options,
    ...(external.length > 0 && { externalData: external }),
    ...(threads !== undefined && { intraOpNumThreads: threads }),
    graphOptimizationLevel: optimize ? "all" : "disabled",
    extra: {
      ...platform.options.extra,
      ...(!asDeployed && { optimization: { disable_specified_optimizers: FUSIONS_OVER_STATES } }),
    },
  });
  const names = ownOutputs(session);
  const told = async <T>(running: Promise<T>): Promise<T> => {
    try {
      return await running;
    } catch (cause) {
      throw new GraftError("RUNTIME_RUN", {
        thing: `graph "${graph.name}"`,
        place: `ONNX Runtime could not run it: ${messageOf(cause)}`,
        remedy: "Check the inputs' shapes; if they are right, report the model",
        cause,
      });
    }
  };
  return {
    outputTypes: new Map(
      session.outputMetadata.flatMap((meta) => (names.includes(meta.name) ? [[meta.name, valueType(meta)]] : [])),
    ),
    async run(feeds, fetches) {
      // A proxy worker takes the memory of what it is fed; the feeds stay the caller's.
      const proxied = ort.env?.wasm?.proxy === true;
      const inputs = mapValues(feeds, (value, name) =>
        toTensor(ort, name, proxied ? { ...value, data: value.data.slice() } : value),
      );
      if (fetches === undefined || isNames(fetches))
        return mapValues(await told(session.run(inputs, fetches ?? names)), fromTensor);
      checkNames(Object.keys(fetches), names, graph.name);
      if (platform.writesOutputs) {
        const outputs = mapValues(fetches, (value, name) => toTensor(ort, name, value));
        await told(runInto(session, inputs, outputs));
        return fetches;
      }
      const results = await told(session.run(inputs, Object.keys(fetches)));
      return mapValues(fetches, (buffer, name) => copyInto(buffer, fromTensor(results[name]!), name));
    },
    release: () => session.release(),
    endProfiling: () => session.endProfiling(),
  };
}

/** A session that may have been opened with profiling. */
interface OpenSession extends Session {
  /** Write the profile. */
  endProfiling(): void;
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

const isNames = (fetches: readonly string[] | Readonly<Record<string, HostTensor>>): fetches is readonly string[] =>
  Array.isArray(fetches);

const mapValues = <A, B>(record: Readonly<Record<string, A>>, change: (value: A, name: string) => B) =>
  Object.fromEntries(Object.entries(record).map(([name, value]) => [name, change(value, name)]));

function toTensor(ort: Ort, name: string, { dtype, shape, data }: HostTensor): Tensor {
  try {
    return new ort.Tensor(dtype as Tensor.Type, data as Tensor.DataType, shape);
  } catch (cause) {
    throw new GraftError("RUNTIME_FEED", {
      thing: `tensor "${name}"`,
      place: `${dtype}[${shape}] with ${data.length} elements: ${messageOf(cause)}`,
      remedy: "Feed as many elements as the shape holds",
      cause,
    });
  }
}

/** Where the engine has float16 arrays the runtime hands those out; a HostTensor holds raw bits. */
function fromTensor({ type, dims, data }: Tensor): HostTensor {
  const array = data as HostArray;
  const bits =
    type === "float16" && !(array instanceof Uint16Array)
      ? new Uint16Array((data as HostArray).buffer, (data as HostArray).byteOffset, (data as HostArray).length)
      : array;
  return { dtype: type as DataType, shape: dims, data: bits };
}

/** The runtime passes over names it does not know, and their buffers would stay as they were; without any it takes all outputs. */
function checkNames(wanted: readonly string[], known: readonly string[], graph: string): void {
  const unknown = wanted.find((name) => !known.includes(name));
  if (wanted.length > 0 && unknown === undefined) return;
  throw new GraftError("RUNTIME_FETCH", {
    thing: unknown === undefined ? "buffers for no output" : `buffer for output "${unknown}"`,
    place: `graph "${graph}" has the outputs ${known.join(", ")}`,
    remedy: "Give a buffer for each output that is wanted, under its name",
  });
}

/** The buffer, filled with a result of the same type and shape. */
function copyInto(buffer: HostTensor, result: HostTensor, name: string): HostTensor {
  if (buffer.dtype !== result.dtype || `${buffer.shape}` !== `${result.shape}`)
    throw new GraftError("RUNTIME_FETCH", {
      thing: `buffer for output "${name}"`,
      place: `it is ${buffer.dtype}[${buffer.shape}], the output ${result.dtype}[${result.shape}]`,
      remedy: "Give a buffer of the output's type and shape",
    });
  (buffer.data as Float32Array).set(result.data as Float32Array);
  return buffer;
}

function valueType(meta: InferenceSession.ValueMetadata): ValueType {
  if (!meta.isTensor) return { dtype: "string" };
  return { dtype: meta.type as DataType, shape: meta.shape.map((dim) => (dim === "" ? null : dim)) };
}

/** The runtime's messages run over several lines and start with its own source positions; keep the telling part. */
export function messageOf(cause: unknown): string {
  const text = cause instanceof Error ? cause.message : String(cause);
  return text.replace(/\s+/g, " ").slice(0, 400);
}
