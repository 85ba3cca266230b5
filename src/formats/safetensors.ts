import { GraftError } from "../base/index.ts";
import { byteLength, type DataType, elementCount, type Tensor } from "../graph/index.ts";
import { duplicateKey } from "./json-keys.ts";

/** What a safetensors file holds. */
export interface Safetensors {
  readonly tensors: ReadonlyMap<string, Tensor>;
  readonly metadata: ReadonlyMap<string, string>;
}

const DTYPES = {
  F64: "float64",
  F32: "float32",
  F16: "float16",
  BF16: "bfloat16",
  I64: "int64",
  I32: "int32",
  I16: "int16",
  I8: "int8",
  U64: "uint64",
  U32: "uint32",
  U16: "uint16",
  U8: "uint8",
  BOOL: "bool",
} as const satisfies Record<string, DataType>;

const NAMES = new Map<DataType, string>(Object.entries(DTYPES).map(([name, dtype]) => [dtype, name]));
/** The format's own limit on its header, in bytes. */
const MAX_HEADER = 100_000_000;
const METADATA = "__metadata__";

/**
 * Read a safetensors file. Tensors are views into `bytes`, in the order of the header. The layout is checked as the
 * format asks: the data of all tensors lies end to end, without overlap or hole, and fills the file.
 * @param name  what errors call the file; default "the safetensors file"
 * @throws GraftError SAFETENSORS
 * @see https://github.com/huggingface/safetensors#format
 */
export function decodeSafetensors(bytes: Uint8Array, name = "the safetensors file"): Safetensors {
  return readSafetensors(
    {
      size: bytes.byteLength,
      read: (offset, length) => bytes.subarray(offset, offset + length),
      tensor: (type, offset, length) => ({ ...type, bytes: bytes.subarray(offset, offset + length) }),
    },
    name,
  );
}

/** Where a safetensors file's bytes are. */
export interface SafetensorsSource {
  readonly size: number;
  /** Fewer at the end. */
  read(offset: number, length: number): Uint8Array;
  /** A tensor whose bytes lie there. */
  tensor(type: Pick<Tensor, "dtype" | "shape">, offset: number, length: number): Tensor;
}

/**
 * The same of a file that need not be in memory: only its header is read.
 * @throws GraftError SAFETENSORS
 */
export function readSafetensors(source: SafetensorsSource, name: string): Safetensors {
  const refuse = (thing: string, place: string, cause?: unknown) =>
    new GraftError("SAFETENSORS", {
      thing,
      place: thing === name ? place : `${name}: ${place}`,
      remedy: "The file is damaged or no safetensors file: download or write it again",
      cause,
    });
  const { entries, start } = readHeader(source, name, refuse);
  const size = source.size - start;
  const metadata = new Map<string, string>();
  const tensors = new Map<string, Tensor>();
  const ranges: { key: string; begin: number; end: number }[] = [];
  for (const [key, value] of entries) {
    if (key === METADATA) {
      const record = asRecord(value);
      if (record === undefined) throw refuse("metadata", "it is no object");
      for (const [field, text] of Object.entries(record)) {
        if (typeof text !== "string") throw refuse(`metadata "${field}"`, "it is no string");
        metadata.set(field, text);
      }
      continue;
    }
    const { begin, end, ...type } = readEntry(key, value, size, refuse);
    tensors.set(key, source.tensor(type, start + begin, end - begin));
    ranges.push({ key, begin, end });
  }
  ranges.sort((a, b) => a.begin - b.begin || a.end - b.end);
  let reached = 0;
  for (const { key, begin, end } of ranges) {
    if (begin !== reached) {
      throw refuse(
        `tensor "${key}"`,
        begin < reached
          ? `its data begins at ${begin}, inside another tensor's, which ends at ${reached}`
          : `its data begins at ${begin}, leaving a hole after ${reached}`,
      );
    }
    reached = end;
  }
  if (reached !== size) throw refuse(name, `its tensors end at ${reached}, its data at ${size}`);
  return { tensors, metadata };
}

/**
 * Write tensors as a safetensors file. Bigger element types come first, so that all data is aligned; then names in
 * order. The same content gives the same bytes.
 * @throws GraftError SAFETENSORS if a type has no name in the format (string, int4, uint4)
 */
export function encodeSafetensors(
  tensors: ReadonlyMap<string, Tensor>,
  metadata: ReadonlyMap<string, string> = new Map(),
): Uint8Array {
  const sorted = [...tensors].sort(
    ([a, x], [b, y]) => byteLength(y.dtype, 1) - byteLength(x.dtype, 1) || (a < b ? -1 : a > b ? 1 : 0),
  );
  const header: [string, unknown][] = [];
  if (metadata.size > 0) header.push([METADATA, sortedRecord(metadata)]);
  let end = 0;
  for (const [key, tensor] of sorted) {
    const dtype = NAMES.get(tensor.dtype);
    const length = byteLength(tensor.dtype, elementCount(tensor.shape));
    if (dtype === undefined || key === METADATA || length !== tensor.bytes.byteLength) {
      throw new GraftError("SAFETENSORS", {
        thing: `tensor "${key}"`,
        place: `${tensor.dtype}[${tensor.shape.join(", ")}] with ${tensor.bytes.byteLength} bytes`,
        remedy:
          dtype === undefined
            ? `The format has ${[...NAMES.keys()].join(", ")}`
            : "Give it another name, or data that fits its shape",
      });
    }
    header.push([key, { dtype, shape: tensor.shape, data_offsets: [end, end + length] }]);
    end += length;
  }
  // Not Object.fromEntries: a record would put names that look like numbers first.
  const json = `{${header.map(([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value)}`).join(",")}}`;
  const text = new TextEncoder().encode(json);
  const headerLength = Math.ceil(text.byteLength / 8) * 8;
  const bytes = new Uint8Array(8 + headerLength + end);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(headerLength), true);
  bytes.set(text, 8);
  bytes.fill(0x20, 8 + text.byteLength, 8 + headerLength);
  let at = 8 + headerLength;
  for (const [, tensor] of sorted) {
    bytes.set(tensor.bytes, at);
    at += tensor.bytes.byteLength;
  }
  return bytes;
}

type Refuse = (thing: string, place: string, cause?: unknown) => GraftError;

function readHeader({ size, read }: SafetensorsSource, name: string, refuse: Refuse) {
  if (size < 8) throw refuse(name, `it has ${size} bytes, too few for a header`);
  const first = read(0, 8);
  const length = new DataView(first.buffer, first.byteOffset).getBigUint64(0, true);
  if (length > MAX_HEADER) throw refuse(name, `its header would take ${length} bytes, more than the format allows`);
  const start = 8 + Number(length);
  if (start > size) {
    throw refuse(name, `it has ${size} bytes, fewer than its header of ${length} and the 8 before it`);
  }
  const bytes = read(8, Number(length));
  if (bytes[0] !== 0x7b) throw refuse(name, "its header does not begin with {");
  let header: unknown;
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
    header = JSON.parse(text);
  } catch (cause) {
    throw refuse(name, "its header is no JSON", cause);
  }
  const twice = duplicateKey(text);
  if (twice !== undefined) throw refuse(`key "${twice}"`, "the header holds it twice");
  return { entries: Object.entries(header as Record<string, unknown>), start };
}

function readEntry(key: string, value: unknown, size: number, refuse: Refuse) {
  const thing = `tensor "${key}"`;
  const entry = asRecord(value);
  const extra = Object.keys(entry ?? {}).find((field) => !["dtype", "shape", "data_offsets"].includes(field));
  if (entry === undefined || extra !== undefined) {
    throw refuse(thing, extra === undefined ? "it is not described by an object" : `unknown field "${extra}"`);
  }
  const { dtype: code, shape, data_offsets: offsets } = entry;
  if (typeof code !== "string" || !Object.hasOwn(DTYPES, code)) {
    throw refuse(thing, `element type ${show(code)} is not one of ${Object.keys(DTYPES).join(", ")}`);
  }
  const dtype = DTYPES[code as keyof typeof DTYPES];
  const length = isNumbers(shape) ? byteLength(dtype, elementCount(shape)) : Number.NaN;
  if (!isNumbers(shape) || !Number.isSafeInteger(length)) {
    throw refuse(thing, `shape ${show(shape)} is no list of sizes that fit in memory`);
  }
  if (!isNumbers(offsets) || offsets.length !== 2 || !offsets.every((at) => Number.isSafeInteger(at) && at >= 0)) {
    throw refuse(thing, `data_offsets ${show(offsets)} are not two whole numbers`);
  }
  const [begin, end] = offsets as [number, number];
  if (end < begin || end > size) {
    throw refuse(thing, `data_offsets [${begin}, ${end}] lie outside the ${size} bytes of data`);
  }
  if (end - begin !== length) {
    throw refuse(thing, `it has ${end - begin} bytes, ${code}[${shape.join(", ")}] takes ${length}`);
  }
  return { dtype, shape, begin, end };
}

function asRecord(value: unknown): Record<string, unknown> | undefined {
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : undefined;
}

function isNumbers(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((item) => typeof item === "number");
}

/** A value from the header, for an error; it may be long, or nested too deep to print. */
function show(value: unknown): string {
  try {
    return JSON.stringify(value)?.slice(0, 80) ?? "nothing";
  } catch {
    return "nested too deep";
  }
}

function sortedRecord(map: ReadonlyMap<string, string>): Record<string, string> {
  return Object.fromEntries([...map].sort(([a], [b]) => (a < b ? -1 : 1)));
}
