// What an app's page or worker does: it knows graft and ONNX Runtime by their packages' names alone.
import * as graft from "onnx-graft";
import * as ort from "onnxruntime-web/wasm";
import * as scenarios from "../scenarios.ts";

/** @param search  the page's query, which says how ONNX Runtime works */
export function openPage(search) {
  const settings = new URLSearchParams(search);
  const number = (name) => settings.has(name) && { [name]: Number(settings.get(name)) };
  if (settings.has("proxy")) ort.env.wasm.proxy = true;
  if (settings.has("wasm")) ort.env.wasm.wasmPaths = settings.get("wasm");
  const options = { ort, ...number("threads"), ...number("keptBytes") };

  let backbone;
  const openBackbone = () => (backbone ??= graft.openBackbone("builtin:vit", options));
  const library = { ...graft, openBackbone };
  return {
    ...Object.fromEntries(Object.entries(scenarios).map(([name, run]) => [name, (...args) => run(library, ...args)])),
    openBackbone: (source, more) => graft.openBackbone(source, { ...options, ...more }),
    threads: () => ort.env.wasm.numThreads,
  };
}
