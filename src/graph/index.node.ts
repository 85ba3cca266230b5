export { readModel, type WriteModelOptions, writeModel } from "./onnx/model-files.node.ts";
export { openWeightsFile } from "./weights-file.node.ts";
