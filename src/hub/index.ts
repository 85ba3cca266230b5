export { formatModelSpec, isHubSource, type ModelSpec, parseModelSpec } from "./model-spec.ts";
export { type PickedFiles, pickFiles } from "./pick-files.ts";
export { type OnnxDtype, type PickedOnnx, pickOnnx } from "./pick-onnx.ts";
