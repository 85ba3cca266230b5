import { GraftError } from "../../base/index.ts";
import type { Tensor } from "../types.ts";
import type { TensorProto } from "./gen/onnx_pb.js";

/** A file with tensors' bytes beside the model, read range by range. */
export interface ExternalSource {
  /** Bytes in the file. */
  readonly size: number;
  read(offset: number, length: number): Uint8Array;
  /** The tensor whose bytes lie there, where they are not to be read before they are needed. */
  tensor?(type: Omit<Tensor, "bytes">, offset: number, length: number): Tensor;
}

/** Finds the file an external tensor names; undefined when there is none. */
export type FindExternal = (location: string) => Uint8Array | ExternalSource | undefined;

/** Where a tensor's bytes lie outside the model. */
interface ExternalRange {
  readonly location: string;
  readonly offset: number;
  readonly length: number;
}

/**
 * Find the bytes of an external tensor. Everything is checked before anything is read or allocated: the location is
 * relative and stays in the model's folder, offset and length are whole, not negative, and as long as the shape says.
 * @param length  bytes that type and shape ask for
 * @throws GraftError EXTERNAL_DATA
 */
export function findExternal(
  proto: TensorProto,
  length: number,
  find: FindExternal | undefined,
  where: string,
): { readonly source: ExternalSource; readonly offset: number } {
  const range = externalRange(proto, length, where);
  const thing = `tensor "${proto.name}"`;
  const found = find?.(range.location);
  if (found === undefined) {
    throw new GraftError("EXTERNAL_DATA", {
      thing,
      place: `${where} keeps its data in "${range.location}", which is ${find ? "missing" : "not given"}`,
      remedy: find
        ? `Put "${range.location}" beside the model, under this name`
        : "Open the model from its path, or pass `externalData`",
    });
  }
  const source = found instanceof Uint8Array ? sourceOf(found) : found;
  if (range.offset + range.length > source.size) {
    throw new GraftError("EXTERNAL_DATA", {
      thing,
      place: `${where} wants bytes ${range.offset} to ${range.offset + range.length} of "${range.location}", which has ${source.size}`,
      remedy: "The data file is cut off or belongs to another model: copy or export both again",
    });
  }
  return { source, offset: range.offset };
}

function externalRange(proto: TensorProto, expected: number, where: string): ExternalRange {
  const entries = new Map(proto.externalData.map(({ key, value }) => [key, value]));
  const refuse = (place: string, remedy: string) =>
    new GraftError("EXTERNAL_DATA", { thing: `tensor "${proto.name}"`, place: `${where} ${place}`, remedy });
  const location = entries.get("location") ?? "";
  const reason = unsafeLocation(location);
  if (reason !== undefined) {
    throw refuse(
      `keeps its data in "${location.slice(0, 200)}", ${reason}`,
      "Only files in the model's own folder are read: move the data there and export again",
    );
  }
  const offset = wholeNumber(entries.get("offset") ?? "0");
  const length = wholeNumber(entries.get("length") ?? String(expected));
  if (offset === undefined || length === undefined) {
    throw refuse(
      `has external offset "${entries.get("offset")}" and length "${entries.get("length")}"`,
      "Both must be whole numbers, not negative: export the model again",
    );
  }
  if (length !== expected) {
    throw refuse(
      `has ${length} external bytes, its type and shape ask for ${expected}`,
      "Type, shape and data disagree: export the model again",
    );
  }
  return { location, offset, length };
}

/** Why a location may not be read, or undefined when it is a plain relative path below the model's folder. */
function unsafeLocation(location: string): string | undefined {
  if (location === "") return "which names no file";
  if (location.includes("\0")) return "which holds a zero byte";
  if (/^[/\\]/.test(location) || /^[a-z]:/i.test(location)) return "which is an absolute path";
  if (location.split(/[/\\]/).includes("..")) return "which leads out of the model's folder";
  return undefined;
}

function wholeNumber(text: string): number | undefined {
  const value = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
  return Number.isSafeInteger(value) ? value : undefined;
}

function sourceOf(data: Uint8Array): ExternalSource {
  return { size: data.byteLength, read: (offset, length) => data.subarray(offset, offset + length) };
}
