export { attribute, describeNode, float, int, ints, string, tensor } from "./attributes.ts";
export type { Attribute, Attributes, DataType, Dim, Graph, Node, Origin, Shape, Tensor, ValueType } from "./types.ts";
