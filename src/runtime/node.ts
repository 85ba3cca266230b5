import { GraftError } from "../base/index.ts";
import { type Ort, openSession } from "./ort-session.ts";
import { scratch } from "./scratch.node.ts";
import type { Runtime } from "./session.ts";

/**
 * ONNX Runtime's native CPU build for Node.
 * @param ort  the app's own `onnxruntime-node`, so that one native copy serves all; default: ours, loaded when the
 *             first session opens
 */
export function createNodeRuntime(ort?: Ort): Runtime {
  return {
    name: "node",
    scratch,
    async open(graph, options) {
      // Idle threads that spin take cores from the process's other sessions, and training has two open.
      const extra = { session: { intra_op: { allow_spinning: "0" } } };
      const base = { executionProviders: ["cpu"], extra, logSeverityLevel: 3 } as const;
      return openSession(ort ?? (await load()), graph, { options: base, writesOutputs: true }, options);
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
