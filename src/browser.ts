/** The package's entry in a browser. */
import { type Backbone, type Description, type InspectOptions, inspectGraph } from "./backbone/index.ts";
import { GraftError, type LongCall } from "./base/index.ts";
import { decodeModel } from "./graph/index.ts";
import { builtinName, embeddedUrl, type OpenBytesOptions, openBytes } from "./open-source.ts";
import { createWebRuntime, type Ort, type WebDevice } from "./runtime/index.ts";
import {
  type GeneratedTask,
  type GeneratedTaskOptions,
  type ImageSize,
  type ImageTask,
  openGeneratedTask,
  resizeTask,
} from "./tasks/index.ts";

export type { Description, InspectJson, InspectOptions } from "./backbone/index.ts";
export * from "./library.ts";

export interface OpenOptions extends OpenBytesOptions {
  /** The app's own `onnxruntime-web`; default: the installed one. */
  readonly ort?: Ort;
  /**
   * Threads of the page's WebAssembly, for all its sessions; the first backbone of the page settles it. Default: ONNX
   * Runtime's choice, 1 in a page that is not cross-origin isolated.
   */
  readonly threads?: number;
  /** Where the model runs; default `wasm`. `webgpu` needs `ort` to be `onnxruntime-web/webgpu`; it is tested against WebAssembly. */
  readonly device?: WebDevice;
  /** Bytes of the page's memory for kept values, in all; default 512 MiB. Beyond it, a dedicated worker keeps them on disk. */
  readonly keptBytes?: number;
  /** Told how the test of `webgpu` went, and which graphs it does not do alone. */
  readonly onNote?: (text: string) => void;
}

/**
 * Open a backbone: find its hidden states.
 * @param source  `builtin:vit` (default), the URL of an ONNX file, or a model's bytes
 * @throws GraftError UNKNOWN_MODEL, FETCH_FAILED, STATES_… (the model is no encoder graft knows), INPUT_UNSUPPORTED,
 *         BATCH_FIXED; RUNTIME_MISSING, RUNTIME_WASM, RUNTIME_THREADS if onnxruntime-web is not installed, does not start, or cannot have that many threads;
 *         DEVICE_MISSING, DEVICE_FAILED, DEVICE_DIFFERS if there is no WebGPU, or it does not do as WebAssembly does
 */
export async function openBackbone(
  source: string | URL | Uint8Array = "builtin:vit",
  options: OpenOptions = {},
): Promise<Backbone> {
  const { ort, threads, device, keptBytes, onNote, ...rest } = options;
  const runtime = createWebRuntime(ort, { threads, device, keptBytes, onNote });
  if (source instanceof Uint8Array) return openBytes(source, runtime, rest);
  const { bytes, name } = await bytesOf(source, options);
  return openBytes(bytes, runtime, { name, source: String(source), ...rest });
}

export interface OpenTaskOptions extends GeneratedTaskOptions, LongCall {
  /** Size of the pictures; default 32 × 32, what the embedded backbone takes. */
  readonly image?: ImageSize;
}

/**
 * Open a generated task by name; its pictures are drawn as they are asked for, so this takes no time. Pictures of an
 * app's own make a `Task` object of their own.
 */
export async function openTask(source: string, options: OpenTaskOptions = {}): Promise<GeneratedTask | ImageTask> {
  const { image = { height: 32, width: 32 }, signal, ...rest } = options;
  signal?.throwIfAborted();
  return resizeTask(openGeneratedTask(source, rest), image);
}

/**
 * Find and describe the hidden states of any encoder, pictures or text.
 * @param source  as for `openBackbone`
 */
export async function inspectModel(
  source: string | URL | Uint8Array = "builtin:vit",
  options: InspectOptions & Pick<OpenOptions, "ort" | "threads"> = {},
): Promise<Description> {
  const { ort, threads, ...rest } = options;
  const { bytes, name } = source instanceof Uint8Array ? { bytes: source, name: "model" } : await bytesOf(source, rest);
  return inspectGraph(decodeModel(bytes, { name }), createWebRuntime(ort, { threads }), { name, ...rest });
}

/** A model's bytes; progress has the phase `download`. */
async function bytesOf(source: string | URL, call: LongCall): Promise<{ bytes: Uint8Array; name: string }> {
  const builtin = typeof source === "string" ? builtinName(source) : undefined;
  const bytes = await fetchBytes(builtin === undefined ? source : embeddedUrl(builtin), call.signal);
  call.onProgress?.({ phase: "download", done: bytes.length, total: bytes.length, unit: "bytes" });
  return { bytes, name: builtin ?? String(source) };
}

async function fetchBytes(url: string | URL, signal: AbortSignal | undefined): Promise<Uint8Array> {
  const refuse = (problem: string, cause?: unknown) =>
    new GraftError("FETCH_FAILED", {
      thing: `model ${url}`,
      place: problem,
      remedy: "Check the address, and that the server allows this page to read it",
      cause,
    });
  const failed = (cause: unknown) => {
    signal?.throwIfAborted();
    throw refuse(`it could not be fetched: ${cause instanceof Error ? cause.message : cause}`, cause);
  };
  const response = await fetch(url, { signal: signal ?? null }).catch(failed);
  if (!response.ok) throw refuse(`the server answered ${response.status} ${response.statusText}`);
  return new Uint8Array(await response.arrayBuffer().catch(failed));
}
