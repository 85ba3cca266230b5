import { decodeSafetensors, encodeSafetensors } from "../formats/index.ts";
import type { Tensor } from "../graph/index.ts";
import { type ParameterLayout, packVectors, type Vectors, viewVectors } from "../parameters/index.ts";

/** One safetensors file of several sets of parameter vectors: set/parameter names each tensor; the rest is metadata. */
export function encodeVectors(
  layout: ParameterLayout,
  sets: Readonly<Record<string, Vectors>>,
  metadata: Readonly<Record<string, string>>,
): Uint8Array {
  const tensors = new Map<string, Tensor>();
  for (const [set, vectors] of Object.entries(sets))
    for (const [name, tensor] of viewVectors(layout, vectors)) tensors.set(`${set}/${name}`, tensor);
  return encodeSafetensors(tensors, new Map(Object.entries(metadata)));
}

/** What `encodeVectors` wrote: its metadata, and each set on demand. @param name what errors call the file */
export function decodeVectors(layout: ParameterLayout, bytes: Uint8Array, name: string) {
  const { tensors, metadata } = decodeSafetensors(bytes, name);
  const vectors = (set: string): Vectors => {
    const prefix = `${set}/`;
    const named = [...tensors].filter(([name]) => name.startsWith(prefix));
    return packVectors(layout, new Map(named.map(([name, tensor]) => [name.slice(prefix.length), tensor])));
  };
  return { vectors, metadata };
}
