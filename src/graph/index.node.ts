export { readModel, type WriteModelOptions, writeModel } from "./onnx/model-files.node.ts";
