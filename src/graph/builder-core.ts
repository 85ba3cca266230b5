import type { Attributes, DataType, Graph, Node, Shape, Tensor, ValueType } from "./types.ts";

/** A value under construction: its name in the graph and what is known of its type. */
export interface Value {
  readonly name: string;
  readonly dtype: DataType;
  readonly shape: Shape | undefined;
}

/** Appends nodes to a graph. Values can be compared by `name`; the same call twice gives the same value. */
export interface BuilderCore {
  /** A value that exists already, by name. Throws VALUE_UNKNOWN. */
  value(name: string): Value;
  has(name: string): boolean;
  /** Declare a new graph input. Throws VALUE_TAKEN if the name exists. */
  input(name: string, dtype: DataType, shape: Shape): Value;
  /** A constant; equal small constants are one value. `name` is a wish, made unique if taken. */
  constant(tensor: Tensor, name?: string): Value;
  /** The tensor behind a value, if it is constant. */
  constantOf(value: Value): Tensor | undefined;
  /** Call an operator with one output. */
  op(op: string, inputs: readonly (Value | undefined)[], attributes?: Attributes, options?: OpOptions): Value;
  /** Call an operator with `count` outputs. */
  ops(
    op: string,
    inputs: readonly (Value | undefined)[],
    count: number,
    attributes?: Attributes,
    options?: OpOptions,
  ): readonly Value[];
  /** Give a value a second, public name (an Identity node). Throws VALUE_TAKEN. */
  rename(value: Value, name: string): Value;
  /** Record a type the builder could not infer. */
  refine(value: Value, type: ValueType): Value;
  /** Version of ONNX's own operator set that the graph is written in. */
  readonly opset: number;
  /**
   * The integers of a constant int32 or int64 value.
   * @throws GraftError NOT_CONSTANT if it is computed: trace the graph first
   */
  numbersOf(value: Value): readonly number[];
  /** All nodes so far, in topological order. */
  nodes(): readonly Node[];
  /** The graph built so far with the given outputs (nothing is pruned). */
  toGraph(outputs: readonly string[]): Graph;
}

export interface OpOptions {
  readonly domain?: string;
  /**
   * Names for the outputs, "" for one that is left out, anything that starts with "?" for a new name; a call that
   * already exists keeps the names it has.
   */
  readonly outputs?: readonly string[];
  /** The node's name. */
  readonly name?: string;
}
