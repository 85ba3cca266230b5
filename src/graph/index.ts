export { attribute, describeNode, float, int, ints, string } from "./attributes.ts";
export { BUILD_OPSET, type Builder, createBuilder, staticShape } from "./builder.ts";
export type { Value } from "./builder-core.ts";
export { checkGraph } from "./check-graph.ts";
export { constantTensor } from "./constants.ts";
export { constantsToInitializers } from "./constants-to-initializers.ts";
export { cutAt } from "./cut.ts";
export { decompose } from "./decompose/index.ts";
export { hashGraph } from "./hash.ts";
export { type Branch, branchOf } from "./onnx/branch-of.ts";
export { type DecodeOptions, decodeModel } from "./onnx/decode-model.ts";
export { type EncodedModel, type EncodeOptions, type ExternalEntry, encodeModel } from "./onnx/encode-model.ts";
export type { ExternalSource, FindExternal } from "./onnx/external-data.ts";
export { capturedValues, usedValues } from "./onnx/used-values.ts";
export { productFlops } from "./product-flops.ts";
export { prune } from "./prune.ts";
export { RANDOM_OPERATORS } from "./random-operators.ts";
export { replay } from "./replay.ts";
export { copyBytes, heldBytes, isReread, passingBytes, tensorBytes, tensorMadeOf } from "./reread.ts";
export { sortNodes } from "./sort-nodes.ts";
export {
  asFloat32,
  asNumbers,
  byteLength,
  elementCount,
  float32View,
  scalarTensor,
  type TensorValues,
  tensorOf,
  tensorValues,
} from "./tensors.ts";
export { transposed } from "./transposed.ts";
export type { Attribute, Attributes, DataType, Dim, Graph, Node, Origin, Shape, Tensor, ValueType } from "./types.ts";
export { upgrade } from "./upgrade.ts";
