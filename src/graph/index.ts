export { attribute, describeNode, float, int, ints, string, tensor } from "./attributes.ts";
export { BUILD_OPSET, type Builder, createBuilder, staticShape, type Value } from "./builder.ts";
export type { Attribute, Attributes, DataType, Dim, Graph, Node, Origin, Shape, Tensor, ValueType } from "./types.ts";
