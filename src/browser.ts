/** The package's entry in a browser. */
import type { Backbone } from "./backbone/index.ts";
import { GraftError } from "./base/index.ts";
import { builtinName, embeddedUrl, type OpenBytesOptions, openBytes } from "./open-source.ts";
import { createWebRuntime, type Ort } from "./runtime/index.ts";
import { type GeneratedTaskOptions, type ImageSize, openGeneratedTask, resizeTask, type Task } from "./tasks/index.ts";

export * from "./library.ts";

export interface OpenOptions extends OpenBytesOptions {
  /** The app's own `onnxruntime-web`; default: the installed one. */
  readonly ort?: Ort;
  /**
   * Threads of the page's WebAssembly, for all its sessions; the first backbone of the page settles it. Default: ONNX
   * Runtime's choice, 1 in a page that is not cross-origin isolated.
   */
  readonly threads?: number;
}

/**
 * Open a backbone: find its hidden states.
 * @param source  `builtin:vit` (default), the URL of an ONNX file, or a model's bytes
 * @throws GraftError UNKNOWN_MODEL, FETCH_FAILED, STATES_… (the model is no encoder graft knows), INPUT_UNSUPPORTED,
 *         BATCH_FIXED; RUNTIME_MISSING, RUNTIME_WASM, RUNTIME_THREADS if onnxruntime-web is not installed, does not start, or cannot have that many threads
 */
export async function openBackbone(
  source: string | URL | Uint8Array = "builtin:vit",
  options: OpenOptions = {},
): Promise<Backbone> {
  const { ort, threads, ...rest } = options;
  const runtime = createWebRuntime(ort, threads === undefined ? {} : { threads });
  if (source instanceof Uint8Array) return openBytes(source, runtime, rest);
  const builtin = typeof source === "string" ? builtinName(source) : undefined;
  const bytes = await fetchBytes(builtin === undefined ? source : embeddedUrl(builtin), options.signal);
  return openBytes(bytes, runtime, { name: builtin ?? String(source), source: String(source), ...rest });
}

/** Open a generated task by name; pictures of an app's own make a `Task` object of their own. */
export async function openTask(
  source: string,
  { image = { height: 32, width: 32 }, ...options }: GeneratedTaskOptions & { readonly image?: ImageSize } = {},
): Promise<Task> {
  return resizeTask(openGeneratedTask(source, options), image);
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
