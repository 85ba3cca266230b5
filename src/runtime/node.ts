import type { Ort } from "./ort-session.ts";
import { openSession } from "./ort-session.ts";
import type { Runtime } from "./session.ts";

/** ONNX Runtime's native CPU build for Node. The package is loaded when the first session opens. */
export const nodeRuntime: Runtime = {
  name: "node",
  async open(graph, options) {
    const loaded = await import("onnxruntime-node");
    // A CommonJS package: some loaders show its members as named exports, others only under `default`.
    const ort = "InferenceSession" in loaded ? loaded : (loaded as { default: Ort }).default;
    // Idle threads that spin slow down every other session in the process (docs/architecture.md).
    const extra = { session: { intra_op: { allow_spinning: "0" } } };
    return openSession(
      ort as unknown as Ort,
      graph,
      { executionProviders: ["cpu"], extra, logSeverityLevel: 3 },
      options,
    );
  },
};
