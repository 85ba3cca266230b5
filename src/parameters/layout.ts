import { GraftError } from "../base/index.ts";
import { type Builder, copyBytes, elementCount, type Tensor, tensorOf, type Value } from "../graph/index.ts";

/** A trainable tensor. */
export interface Parameter {
  readonly name: string;
  readonly shape: readonly number[];
  /** Factor on the learning rate; default 1. */
  readonly learningRateScale?: number;
  /** Whether weight decay applies; default true. */
  readonly decay?: boolean;
}

/** A parameter's place: `size` numbers from `offset` of a vector. */
export interface Entry extends Parameter {
  readonly offset: number;
  readonly size: number;
}

/** One flat float32 vector of parameters. */
export interface ParameterVector {
  readonly name: string;
  readonly size: number;
  readonly entries: readonly Entry[];
}

/** Which parameter lies where. A checkpoint is the vectors and this table. */
export type ParameterLayout = readonly ParameterVector[];

/**
 * Tensors of this many numbers or more get a vector of their own: cutting them out of a flat one, and joining their
 * gradients again, would cost more than an input each (measured on a ViT-B-size net).
 */
const OWN_VECTOR_SIZE = 1 << 18;

/** Lay parameters out: small ones in one vector `theta`, big ones in `theta.<name>`. */
export function layoutOf(parameters: readonly Parameter[]): ParameterLayout {
  const small: Entry[] = [];
  const own: ParameterVector[] = [];
  let offset = 0;
  for (const parameter of parameters) {
    const size = elementCount(parameter.shape);
    if (size >= OWN_VECTOR_SIZE) {
      own.push({ name: `theta.${parameter.name}`, size, entries: [{ ...parameter, offset: 0, size }] });
    } else {
      small.push({ ...parameter, offset, size });
      offset += size;
    }
  }
  return small.length ? [{ name: "theta", size: offset, entries: small }, ...own] : own;
}

/** Number of trainable parameters. */
export const parameterCount = (layout: ParameterLayout): number => layout.reduce((sum, vector) => sum + vector.size, 0);

/** Values of a parameter vector set: one array per vector, in layout order. */
export type Vectors = readonly Float32Array[];

export const zeroVectors = (layout: ParameterLayout): Vectors => layout.map(({ size }) => new Float32Array(size));

export interface DeclaredParameters {
  /** The flat inputs, in layout order. */
  readonly vectors: readonly Value[];
  /** Every parameter as a tensor of its shape. */
  readonly tensors: ReadonlyMap<string, Value>;
}

/** Declare a layout's vectors as graph inputs and cut every parameter out of them. */
export function declareParameters(g: Builder, layout: ParameterLayout): DeclaredParameters {
  const tensors = new Map<string, Value>();
  const vectors = layout.map(({ name, size, entries }) => {
    const flat = g.input(name, "float32", [size]);
    const parts = g.split(
      flat,
      0,
      entries.map((entry) => entry.size),
    );
    for (const [k, entry] of entries.entries()) tensors.set(entry.name, g.reshape(parts[k]!, entry.shape));
    return flat;
  });
  return { vectors, tensors };
}

/** Fill vectors from tensors by name. Throws PARAMETER_MISSING, PARAMETER_SHAPE. */
export function packVectors(layout: ParameterLayout, tensors: ReadonlyMap<string, Tensor>): Vectors {
  return layout.map(({ size, entries }) => {
    const flat = new Float32Array(size);
    for (const entry of entries) {
      const tensor = tensors.get(entry.name);
      if (!tensor)
        throw new GraftError("PARAMETER_MISSING", {
          thing: `parameter "${entry.name}"`,
          place: "the saved tensors have none of that name",
          remedy: "Use a file written for this placement and head",
        });
      if (tensor.dtype !== "float32" || `${tensor.shape}` !== `${entry.shape}`)
        throw new GraftError("PARAMETER_SHAPE", {
          thing: `parameter "${entry.name}"`,
          place: `it is ${tensor.dtype}[${tensor.shape}] where float32[${entry.shape}] is needed`,
          remedy: "Use a file written for this backbone, placement and head",
        });
      copyBytes(tensor, new Uint8Array(flat.buffer, 4 * entry.offset, 4 * entry.size));
    }
    return flat;
  });
}

/** Every parameter as a tensor of its own (copies). */
export const unpackVectors = (layout: ParameterLayout, vectors: Vectors): Map<string, Tensor> =>
  cutVectors(layout, vectors, (vector, start, end) => vector.slice(start, end));

/** The same as views: for who has read them before the vectors change. */
export const viewVectors = (layout: ParameterLayout, vectors: Vectors): Map<string, Tensor> =>
  cutVectors(layout, vectors, (vector, start, end) => vector.subarray(start, end));

function cutVectors(
  layout: ParameterLayout,
  vectors: Vectors,
  cut: (vector: Float32Array, start: number, end: number) => Float32Array,
): Map<string, Tensor> {
  const tensors = new Map<string, Tensor>();
  layout.forEach(({ entries }, k) => {
    for (const { name, shape, offset, size } of entries)
      tensors.set(name, tensorOf("float32", shape, cut(vectors[k]!, offset, offset + size)));
  });
  return tensors;
}
