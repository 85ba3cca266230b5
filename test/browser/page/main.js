// An app's own entry: it knows graft and ONNX Runtime by their packages' names alone.
import * as graft from "onnx-graft";
import * as ort from "onnxruntime-web/wasm";
import * as scenarios from "../scenarios.ts";

const settings = new URLSearchParams(location.search);
if (settings.has("proxy")) ort.env.wasm.proxy = true;
if (settings.has("wasm")) ort.env.wasm.wasmPaths = settings.get("wasm");
const options = { ort, ...(settings.has("threads") && { threads: Number(settings.get("threads")) }) };

let backbone;
const openBackbone = () => (backbone ??= graft.openBackbone("builtin:vit", options));
const library = { ...graft, openBackbone };
globalThis.page = {
  ...Object.fromEntries(Object.entries(scenarios).map(([name, run]) => [name, (...args) => run(library, ...args)])),
  openBackbone: (source, more) => graft.openBackbone(source, { ...options, ...more }),
  threads: () => ort.env.wasm.numThreads,
};
