import { GraftError } from "../base/index.ts";
import type { Graph } from "../graph/index.ts";
import { type WebDevice, webDeviceError } from "./devices.ts";
import { narrowSplits } from "./narrow-splits.ts";
import { messageOf, type Ort, openSession, type Platform } from "./ort-session.ts";
import { openWebScratch } from "./scratch.web.ts";
import { selfTest } from "./self-test.ts";
import type { Runtime, Session, SessionOptions } from "./session.ts";
import { startWebWorker } from "./worker.web.ts";

/** It returns the output tensors it is given as they were, without a word. */
const platform = (...executionProviders: WebDevice[]): Platform => ({
  options: { executionProviders, logSeverityLevel: 3 },
  writesOutputs: false,
});

export interface WebRuntimeOptions {
  /** Threads of the page's WebAssembly; default ONNX Runtime's choice, or what `ort.env.wasm.numThreads` says. */
  readonly threads?: number;
  /** Where sessions run; default `wasm`. `webgpu` needs an `ort` that has it, `onnxruntime-web/webgpu`. */
  readonly device?: WebDevice;
  /**
   * Bytes that kept values (frozen ones, and what a coarse pass scores from) may take of the page's memory, in all; default 512 MiB, for
   * tabs are killed for much more. Beyond, a dedicated worker keeps them in files of the browser's own (OPFS); elsewhere there is no room.
   */
  readonly keptBytes?: number;
  /** Told how the self-test of `webgpu` went, and which graphs WebAssembly does a part of all the same. */
  readonly onNote?: (text: string) => void;
}

/**
 * ONNX Runtime in the browser, on WebAssembly or WebGPU. Where its `.wasm` file lies, and whether it works in a proxy worker, is
 * the app's choice: `ort.env.wasm` before the first session. A page has one number of threads for all its sessions,
 * settled when the first one opens, so a session's own `threads` are not used. Nothing falls back to WebAssembly
 * unsaid: WebGPU is tested against it when the first session opens. Sessions that are not optimized, which only tell shapes and
 * types, are WebAssembly's.
 * @param ort  the app's own `onnxruntime-web`; default: its plain build (half the download), loaded when the first
 *             session opens
 * @throws GraftError RUNTIME_MISSING, RUNTIME_WASM, RUNTIME_THREADS, DEVICE_MISSING, DEVICE_FAILED, DEVICE_DIFFERS, when a
 *         session opens
 */
export function createWebRuntime(
  ort?: Ort,
  { threads, device = "wasm", keptBytes, onNote = () => {} }: WebRuntimeOptions = {},
): Runtime {
  let tested: Promise<void> | undefined;
  const loaded = async () => ort ?? (await load());
  const settle = async () => {
    if (device === "webgpu") tested ??= loaded().then((ort) => testWebGpu(ort, onNote));
    await tested;
    return device;
  };
  return {
    name: "web",
    settleDevice: settle,
    // What is fed is copied into WebAssembly's memory at each run.
    sharedWeights: () => new Set(),
    cores: threads ?? globalThis.navigator?.hardwareConcurrency ?? 1,
    startWorker: startWebWorker,
    scratch: openWebScratch(keptBytes),
    async open(graph, options = {}) {
      const ort = await loaded();
      if (threads !== undefined) settleThreads(ort, threads);
      const { threads: _, ...rest } = options;
      const on = rest.optimize === false ? "wasm" : await settle();
      return on === "wasm" ? openWasm(ort, graph, rest) : openWebGpu(ort, graph, rest, onNote);
    },
  };
}

const openWasm = (ort: Ort, graph: Graph, options?: SessionOptions): Promise<Session> =>
  openSession(ort, graph, platform("wasm"), options).catch((error) => {
    throw error instanceof GraftError && error.message.includes("no available backend found") ? noWasm(error) : error;
  });

/** @throws GraftError DEVICE_MISSING, DEVICE_FAILED, DEVICE_DIFFERS */
async function testWebGpu(ort: Ort, onNote: (text: string) => void): Promise<void> {
  if (!("gpu" in (globalThis.navigator ?? {})))
    throw webDeviceError("DEVICE_MISSING", "webgpu", "this page has no navigator.gpu");
  const { difference } = await selfTest(
    "webgpu",
    (graph, on) => (on === "cpu" ? openWasm(ort, graph) : openSession(ort, graph, platform("webgpu"))),
    webDeviceError,
  );
  onNote(`device webgpu: its self-test agrees with WebAssembly to ${difference.toExponential(1)}`);
}

/** The runtime gives nodes that WebGPU cannot do to WebAssembly without a word, unless that is forbidden: here it is told. */
async function openWebGpu(ort: Ort, graph: Graph, options: SessionOptions, onNote: (text: string) => void) {
  const narrow = narrowSplits(graph);
  const { options: plain, ...rest } = platform("webgpu");
  const alone = { ...plain, extra: { session: { disable_cpu_ep_fallback: "1" } } };
  return openSession(ort, narrow, { ...rest, options: alone }, options).catch((error: Error) => {
    if (!error.message.includes("fallback to CPU EP has been explicitly disabled")) throw error;
    onNote(`device webgpu: WebAssembly does the nodes of graph "${graph.name}" that WebGPU cannot`);
    return openSession(ort, narrow, { ...rest, options: plain }, options);
  });
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
