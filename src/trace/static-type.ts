import { asNumbers, type DataType, type Node, type Tensor, tensorOf } from "../graph/index.ts";
import type { HostTensor } from "../runtime/index.ts";

/** A type with every dimension known. */
export interface StaticType {
  readonly dtype: DataType;
  readonly shape: readonly number[];
}

/** A node that gives a value's shape, number `k` of its graph. */
export function shapeProbe(value: string, k: number): Node {
  const output = `graft/trace/shape_${k}`;
  return { op: "Shape", domain: "", name: output, inputs: [value], outputs: [output], attributes: {} };
}

export const toTensor = ({ dtype, shape, data }: HostTensor): Tensor => tensorOf(dtype as "float32", shape, data);

export const numbersOf = (value: HostTensor): readonly number[] => asNumbers(toTensor(value));
