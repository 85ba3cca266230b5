import { GraftError } from "../base/index.ts";
import { type Ort, openSession } from "./ort-session.ts";
import type { Runtime } from "./session.ts";

/**
 * ONNX Runtime in the browser, on WebAssembly.
 * @param ort  the app's own `onnxruntime-web`; default: loaded when the first session opens
 */
export function createWebRuntime(ort?: Ort): Runtime {
  return {
    name: "web",
    async open(graph, options) {
      return openSession(ort ?? (await load()), graph, { executionProviders: ["wasm"], logSeverityLevel: 3 }, options);
    },
  };
}

async function load(): Promise<Ort> {
  const loaded: object = await import("onnxruntime-web").catch((cause) => {
    throw new GraftError("RUNTIME_MISSING", {
      thing: "onnxruntime-web",
      place: `it could not be loaded: ${cause instanceof Error ? cause.message.split("\n")[0] : cause}`,
      remedy: "Install it: npm install onnxruntime-web",
      cause,
    });
  });
  return loaded as Ort;
}
