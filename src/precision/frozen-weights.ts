import {
  asFloat32,
  asNumbers,
  attribute,
  constantTensor,
  elementCount,
  float32View,
  type Graph,
  type Node,
  passingBytes,
  type Tensor,
  tensorOf,
  tensorValues,
  transposed,
} from "../graph/index.ts";
import { type Int8Weights, quantizeColumns, type WeightLimit } from "./int8-weights.ts";

/** Int8 weights made so far, for graphs that share tensors. */
export interface WeightCache {
  readonly ids: Map<Tensor, number>;
  readonly weights: Map<string, Int8Weights | undefined>;
}

export const weightCache = (): WeightCache => ({ ids: new Map(), weights: new Map() });

interface Floats {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

/** What may stand between a frozen weight and the product that reads it, besides DequantizeLinear. */
const PASSED = ["Identity", "Cast", "Transpose", "Reshape"];

/**
 * Frozen matrices of a graph as int8: constants, and what is made of constants by casting, dequantising, reshaping and
 * turning alone.
 * @returns  of a value's name, [inner, columns] or (`flipped`) the transpose of the value; undefined for what is no frozen
 *           floating-point matrix. Bytes of a quantised file are taken as they are, where their scales allow it.
 */
export function frozenWeights(graph: Graph, limit: WeightLimit, { ids, weights }: WeightCache) {
  let turned = new Float32Array(0);
  const makers = new Map(graph.nodes.flatMap((node) => node.outputs.map((name) => [name, node] as const)));
  const constant = (name: string | undefined) => (name ? constantTensor(graph, name) : undefined);

  return (name: string, flipped: boolean): Int8Weights | undefined => {
    const made = recipe(name);
    if (made === undefined) return undefined;
    const key = `${limit} ${flipped} ${made}`;
    if (!weights.has(key)) weights.set(key, (limit === 127 && stored(name, flipped)) || quantised(name, flipped));
    return weights.get(key);
  };

  /** What a value is made of, as text: the same text, the same numbers. Undefined if it is not frozen, or not by means known here. */
  function recipe(name: string): string | undefined {
    const tensor = constant(name);
    if (tensor) {
      if (!ids.has(tensor)) ids.set(tensor, ids.size);
      return `#${ids.get(tensor)}`;
    }
    const node = makers.get(name);
    if (!node || ![...PASSED, "DequantizeLinear"].includes(node.op)) return undefined;
    if (attribute(node, "block_size", "int", 0) !== 0) return undefined;
    const parts = node.inputs.map((input) => (input === "" ? "" : recipe(input)));
    return parts.includes(undefined) ? undefined : `${node.op}(${parts};${JSON.stringify(node.attributes)})`;
  }

  function quantised(name: string, flipped: boolean): Int8Weights | undefined {
    const tensor = constant(name);
    if (tensor?.dtype !== "float32") return inInt8(floats(name), flipped);
    const { dtype, shape } = tensor;
    return passingBytes(tensor, (bytes) => inInt8({ shape, data: float32View({ dtype, shape, bytes }) }, flipped));
  }

  function inInt8({ shape, data }: Floats, flipped: boolean): Int8Weights | undefined {
    if (shape.length !== 2) return undefined;
    const [rows, columns] = shape as [number, number];
    if (!flipped) return quantizeColumns(data, rows, columns, limit);
    if (turned.length < data.length) turned = new Float32Array(data.length);
    const into = turned.subarray(0, data.length);
    return quantizeColumns(transposed(data, rows, columns, into), columns, rows, limit);
  }

  /** The numbers of a value that has a recipe; of whole numbers, as they are. */
  function floats(name: string): Floats {
    const tensor = constant(name);
    if (tensor) return { shape: tensor.shape, data: isFloat(tensor) ? float32View(tensor) : wholeNumbers(tensor) };
    const node = makers.get(name)!;
    const input = floats(node.inputs[0]!);
    const [rows = 1, columns = 1] = input.shape;
    switch (node.op) {
      case "Transpose":
        return input.shape.length === 2 && `${attribute(node, "perm", "ints", [1, 0])}` === "1,0"
          ? { shape: [columns, rows], data: transposed(input.data, rows, columns) }
          : { shape: [], data: input.data };
      case "Reshape":
        return { ...input, shape: reshaped(input.shape, asNumbers(constant(node.inputs[1])!)) };
      case "DequantizeLinear":
        return { ...input, data: dequantised(node, input) };
      default:
        return input;
    }
  }

  function dequantised(node: Node, { shape, data }: Floats): Float32Array {
    const [, scale, zero] = node.inputs.map((input) => (input === "" ? undefined : floats(input).data));
    const axis = axisOf(node, shape.length);
    const inner = elementCount(shape.slice(axis + 1));
    const at = (k: number, count: number) => (count === 1 ? 0 : Math.floor(k / inner) % shape[axis]!);
    return data.map((x, k) => (x - (zero?.[at(k, zero.length)] ?? 0)) * scale![at(k, scale!.length)]!);
  }

  /** The bytes of the file, if it has one scale in all or one for each column of what is asked for. */
  function stored(name: string, flipped: boolean): Int8Weights | undefined {
    const node = makers.get(name);
    if (node?.op === "Transpose") return stored(node.inputs[0]!, !flipped);
    if (node?.op !== "DequantizeLinear") return undefined;
    const [bytes, scale, zero] = node.inputs.map(constant) as [Tensor, Tensor, Tensor?];
    const count = elementCount(scale.shape);
    const isByColumn = axisOf(node, 2) === 1 && !flipped;
    if (!bytes || !/^u?int8$/.test(bytes.dtype) || bytes.shape.length !== 2 || (count > 1 && !isByColumn))
      return undefined;
    // uint8 and its zero point, both less 128, are the same numbers.
    const shift = bytes.dtype === "uint8" ? 128 : 0;
    const moved = (tensor: Tensor) => Int8Array.from(tensorValues(tensor) as Uint8Array, (x) => x - shift);
    const zeros = zero ? moved(zero) : new Int8Array(count).fill(-shift);
    const [rows, columns] = bytes.shape as [number, number];
    return {
      values: flipped
        ? tensorOf("int8", [columns, rows], transposed(moved(bytes), rows, columns))
        : tensorOf("int8", [rows, columns], moved(bytes)),
      scale: tensorOf("float32", [count], asFloat32(scale)),
      zero: zeros.some((x) => x !== 0) ? tensorOf("int8", [count], zeros) : undefined,
    };
  }
}

const isFloat = ({ dtype }: Tensor) => /float/.test(dtype);
const wholeNumbers = (tensor: Tensor) => Float32Array.from(tensorValues(tensor) as Uint8Array, Number);

function axisOf(node: Node, rank: number): number {
  const axis = attribute(node, "axis", "int", 1);
  return axis < 0 ? axis + rank : axis;
}

/** ONNX's rule: 0 keeps a size, -1 is what is left. */
function reshaped(from: readonly number[], to: readonly number[]): number[] {
  const sizes = to.map((size, k) => (size === 0 ? from[k]! : size));
  const known = elementCount(sizes.filter((size) => size !== -1));
  return sizes.map((size) => (size === -1 ? elementCount(from) / known : size));
}
