import { availableParallelism } from "node:os";
import { GraftError } from "../base/index.ts";
import { type BaseOptions, describePlacement, openOn, runSelfTest, settleDevice } from "./device-session.node.ts";
import type { Device, DeviceChoice } from "./devices.ts";
import type { Ort } from "./ort-session.ts";
import { scratch } from "./scratch.node.ts";
import type { SelfTest } from "./self-test.ts";
import type { Runtime } from "./session.ts";
import { openSharing, sharedWeights } from "./shared-weights.ts";
import { threadsFor } from "./threads.ts";
import { startNodeWorker } from "./worker.node.ts";

export interface NodeRuntimeOptions {
  /**
   * The app's own `onnxruntime-node`, so that one native copy serves all; default: ours, loaded when the first session
   * opens.
   */
  readonly ort?: Ort;
  /** Where sessions run; default `cpu`. Another device is tested against the CPU when the first session opens. */
  readonly device?: DeviceChoice;
  /** Told how the self-test went, which device `auto` took, and which nodes of each graph run on the CPU all the same. */
  readonly onNote?: (text: string) => void;
}

const BASE: BaseOptions = {
  extra: {
    session: {
      // Idle threads that spin take cores from the process's other sessions, and training has two open.
      intra_op: { allow_spinning: "0" },
      // Else weights that were packed for products leave holes in the arena (measured: 85 MB of 812 at ViT-B size).
      use_device_allocator_for_initializers: "1",
    },
  },
  // From the second run on it would take all values' memory twice (measured at ViT-B size, batch 4: 490 MB), and save no time.
  enableMemPattern: false,
  logSeverityLevel: 3,
};

/**
 * ONNX Runtime's native build for Node. Nothing falls back to the CPU without a word: a device that is missing, or fails
 * or differs in its self-test, is an error when the first session opens, and nodes it leaves to the CPU are told.
 * Sessions that are not optimized, which only tell shapes and types, are the CPU's.
 * @throws GraftError RUNTIME_MISSING, DEVICE_MISSING, DEVICE_FAILED, DEVICE_DIFFERS, when a session opens
 */
export function createNodeRuntime({ ort, device = "cpu", onNote = () => {} }: NodeRuntimeOptions = {}): Runtime {
  // What `auto` stands for is known once it was tested.
  let known = device === "auto" ? undefined : device;
  let settled: Promise<Device> | undefined;
  const told = new Set<string>();
  const noteOnce = (text: string) => {
    if (!told.has(text)) onNote(text);
    told.add(text);
  };
  const loaded = async () => ort ?? (await load());
  const settle = async () => {
    if (known === "cpu") return known;
    settled ??= loaded().then((ort) => settleDevice(ort, device, BASE, onNote));
    known = await settled;
    return known;
  };
  return {
    name: "node",
    settleDevice: settle,
    scratch,
    cores: availableParallelism(),
    startWorker: startNodeWorker,
    // Other devices keep weights in memory of their own.
    sharedWeights: (graph) => (known === "cpu" ? sharedWeights(graph) : new Set()),
    async open(graph, asked) {
      const ort = await loaded();
      const options = { ...asked, threads: asked?.threads ?? threadsFor(graph) };
      const on = options.optimize === false ? "cpu" : await settle();
      if (on === "cpu")
        return openSharing(graph, sharedWeights(graph), (rest) => openOn("cpu", ort, rest, BASE, options));
      return openOn(on, ort, graph, BASE, options, (placement) => noteOnce(describePlacement(on, graph, placement)));
    },
  };
}

/** The runtime that Node code uses unless the app brings its own. */
export const nodeRuntime: Runtime = createNodeRuntime();

async function load(): Promise<Ort> {
  const loaded: object = await import("onnxruntime-node").catch((cause) => {
    throw new GraftError("RUNTIME_MISSING", {
      thing: "onnxruntime-node",
      place: `it could not be loaded: ${cause instanceof Error ? cause.message.split("\n")[0] : cause}`,
      remedy: "Install it: npm install onnxruntime-node",
      cause,
    });
  });
  // A CommonJS package: some loaders show its members as named exports, others only under `default`.
  return ("InferenceSession" in loaded ? loaded : (loaded as { default: object }).default) as Ort;
}

/** Version of the native runtime, and the execution providers its build offers. Throws RUNTIME_MISSING. */
export async function nodeRuntimeFacts(): Promise<{ readonly version: string; readonly providers: readonly string[] }> {
  const ort = (await load()) as typeof import("onnxruntime-node");
  return {
    version: ort.env.versions.node ?? "unknown",
    providers: ort.listSupportedBackends().map(({ name }) => name),
  };
}

/**
 * Run a device's self-test.
 * @throws GraftError RUNTIME_MISSING, DEVICE_MISSING, DEVICE_FAILED, DEVICE_DIFFERS
 */
export const testDevice = async (device: Device): Promise<SelfTest> =>
  // What the runtime says of a failure is in the error.
  runSelfTest(await load(), device, { ...BASE, logSeverityLevel: 4 });
