import { GraftError, memoryRecordStore } from "../base/index.ts";
import { messageOf, type Ort, openSession, type Platform } from "./ort-session.ts";
import type { Runtime } from "./session.ts";

/** It returns the output tensors it is given as they were, without a word. */
const platform: Platform = {
  options: { executionProviders: ["wasm"], logSeverityLevel: 3 },
  writesOutputs: false,
};

/** What a page may keep: tabs are killed for much more. */
const SCRATCH_BYTES = 512 * 2 ** 20;

export interface WebRuntimeOptions {
  /** Threads of the page's WebAssembly; default ONNX Runtime's choice, or what `ort.env.wasm.numThreads` says. */
  readonly threads?: number;
}

/**
 * ONNX Runtime in the browser, on WebAssembly. Where its `.wasm` file lies, and whether it works in a proxy worker, is
 * the app's choice: `ort.env.wasm` before the first session. A page has one number of threads for all its sessions,
 * settled when the first one opens, so a session's own `threads` are not used.
 * @param ort  the app's own `onnxruntime-web`; default: its plain build (half the download), loaded when the first
 *             session opens
 * @throws GraftError RUNTIME_MISSING, RUNTIME_WASM, RUNTIME_THREADS, when a session opens
 */
export function createWebRuntime(ort?: Ort, { threads }: WebRuntimeOptions = {}): Runtime {
  return {
    name: "web",
    device: "wasm",
    // What is fed is copied into WebAssembly's memory at each run.
    sharedWeights: () => new Set(),
    scratch: (bytes) => (bytes <= SCRATCH_BYTES ? memoryRecordStore() : undefined),
    async open(graph, options = {}) {
      const loaded = ort ?? (await load());
      if (threads !== undefined) settleThreads(loaded, threads);
      const { threads: _, ...rest } = options;
      return openSession(loaded, graph, platform, rest).catch((error) => {
        throw error instanceof GraftError && error.message.includes("no available backend found")
          ? noWasm(error)
          : error;
      });
    },
  };
}

/** Set the page's thread count while that is still possible. A count that would not hold is refused, not ignored. */
function settleThreads({ env }: Ort, threads: number): void {
  const isolated = (globalThis as { crossOriginIsolated?: boolean }).crossOriginIsolated === true;
  const refuse = (place: string, remedy: string) =>
    new GraftError("RUNTIME_THREADS", { thing: `threads ${threads}`, place, remedy });
  if (threads !== 1 && !isolated)
    throw refuse(
      "this page is not cross-origin isolated, so its WebAssembly has one thread",
      "Serve it with Cross-Origin-Opener-Policy: same-origin and Cross-Origin-Embedder-Policy: require-corp",
    );
  // ONNX Runtime writes its own choice here when it starts.
  const settled = env?.wasm?.numThreads ?? threads;
  if (settled !== threads)
    throw refuse(
      `this page's onnxruntime-web has ${settled}, set in ort.env.wasm.numThreads or settled by its first session`,
      "Open the first backbone of the page with it, or leave it out",
    );
  if (env?.wasm) env.wasm.numThreads = threads;
}

async function load(): Promise<Ort> {
  return import("onnxruntime-web/wasm").catch((cause) => {
    throw new GraftError("RUNTIME_MISSING", {
      thing: "onnxruntime-web",
      place: `it could not be loaded: ${messageOf(cause)}`,
      remedy: "Install it: npm install onnxruntime-web",
      cause,
    });
  });
}

const noWasm = (cause: GraftError) =>
  new GraftError("RUNTIME_WASM", {
    thing: "onnxruntime-web's WebAssembly",
    place: `it did not start: ${cause.cause === undefined ? cause.place : messageOf(cause.cause)}`,
    remedy: "Serve its .wasm file, and point ort.env.wasm.wasmPaths at it where the bundler does not",
    cause: cause.cause,
  });
