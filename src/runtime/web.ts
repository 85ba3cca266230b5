import { GraftError } from "../base/index.ts";
import type { Graph } from "../graph/index.ts";
import { messageOf, type Ort, openSession, type Platform } from "./ort-session.ts";
import type { Runtime, Session, SessionOptions } from "./session.ts";

/** It returns the output tensors it is given as they were, without a word. */
const platform: Platform = {
  options: { executionProviders: ["wasm"], logSeverityLevel: 3 },
  writesOutputs: false,
};

/**
 * ONNX Runtime in the browser, on WebAssembly. Where its `.wasm` file lies, and whether it works in a proxy worker, is
 * the app's choice: `ort.env.wasm` before the first session. So is the number of threads, unless `threads` is given:
 * a page has one number for all its sessions.
 * @param ort  the app's own `onnxruntime-web`; default: its plain build (half the download), loaded when the first
 *             session opens
 */
export function createWebRuntime(ort?: Ort): Runtime {
  return {
    name: "web",
    open: async (graph, options) => openWebSession(ort ?? (await load()), graph, options),
  };
}

async function openWebSession(ort: Ort, graph: Graph, options: SessionOptions = {}): Promise<Session> {
  const { threads, ...rest } = options;
  if (threads !== undefined) chooseThreads(ort, threads);
  try {
    return await openSession(ort, graph, platform, rest);
  } catch (error) {
    throw error instanceof GraftError && error.message.includes("no available backend found") ? noWasm(error) : error;
  }
}

/** The page's thread count is settled when its first session opens: from then on a different one is refused. */
function chooseThreads(ort: Ort, threads: number): void {
  const wasm = ort.env?.wasm;
  if (wasm === undefined) return;
  const isolated = (globalThis as { crossOriginIsolated?: boolean }).crossOriginIsolated === true;
  const possible = isolated ? (wasm.numThreads ?? threads) : 1;
  if (possible !== threads)
    throw new GraftError("RUNTIME_THREADS", {
      thing: `threads ${threads}`,
      place: isolated
        ? `this page's onnxruntime-web works with ${possible}, chosen by ort.env.wasm.numThreads or by its first session`
        : "this page is not cross-origin isolated, so WebAssembly has one thread",
      remedy: isolated
        ? "Set ort.env.wasm.numThreads before the first session opens, or leave `threads` out"
        : "Serve it with Cross-Origin-Opener-Policy: same-origin and Cross-Origin-Embedder-Policy: require-corp, or leave `threads` out",
    });
  wasm.numThreads = threads;
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
