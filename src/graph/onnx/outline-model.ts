/** Bytes of a message's field that is not worth leaving out. */
const LEAST_LEFT_OUT = 1 << 14;

/** Bytes read at a time in search of fields. */
const WINDOW = 1 << 16;

/** Fields of ONNX's messages, and the wire types of protobuf, as far as they matter here. */
const MODEL_GRAPH = 7;
const GRAPH_INITIALIZER = 5;
const TENSOR = { rawData: 9, externalData: 13, dataLocation: 14 };
const WIRE = { varint: 0, fixed64: 1, bytes: 2, fixed32: 5 };

/** A file that is read range by range. */
export interface RangeSource {
  readonly size: number;
  read(offset: number, length: number): Uint8Array;
}

/**
 * An ONNX model's message whose big weights are named as external data at the places of the file where they lie, so that they can be
 * read one by one.
 * @param location  what the file is called as external data
 * @returns         undefined for what is not plainly such a message: read it whole, to see what is wrong
 */
export function outlineModel(source: RangeSource, location: string): Uint8Array | undefined {
  try {
    return joined(outline(source, location));
  } catch (error) {
    if (error instanceof Odd) return undefined;
    throw error;
  }
}

class Odd extends Error {}

interface Field {
  readonly number: number;
  readonly wire: number;
  /** Where its tag begins, its content begins, and both end. */
  readonly at: number;
  readonly content: number;
  readonly end: number;
}

function outline(source: RangeSource, location: string): Uint8Array[] {
  const byteAt = windowed(source);
  const name = new TextEncoder().encode(location);
  const whole = { content: 0, end: source.size };
  const copy = ({ at, end }: Field) => [source.read(at, end - at)];

  return rewritten(fieldsOf(whole), MODEL_GRAPH, (graph) =>
    rewritten(fieldsOf(graph), GRAPH_INITIALIZER, (initializer) => tensorOutline(fieldsOf(initializer))),
  );

  /** Fields as they are, but for those of one number, whose message is another. */
  function rewritten(fields: readonly Field[], number: number, change: (field: Field) => Uint8Array[]): Uint8Array[] {
    return fields.flatMap((field) =>
      field.number === number && field.wire === WIRE.bytes ? bytesField(number, change(field)) : copy(field),
    );
  }

  function tensorOutline(fields: readonly Field[]): Uint8Array[] {
    const data = fields.filter((field) => field.number === TENSOR.rawData);
    const [raw] = data;
    const isElsewhere = fields.some((field) => [TENSOR.externalData, TENSOR.dataLocation].includes(field.number));
    if (data.length > 1) throw new Odd();
    if (raw === undefined || isElsewhere || raw.end - raw.content < LEAST_LEFT_OUT) return fields.flatMap(copy);
    const entry = (key: string, value: Uint8Array) =>
      bytesField(TENSOR.externalData, [...bytesField(1, [text(key)]), ...bytesField(2, [value])]);
    return [
      ...fields.filter((field) => field !== raw).flatMap(copy),
      ...entry("location", name),
      ...entry("offset", text(String(raw.content))),
      ...entry("length", text(String(raw.end - raw.content))),
      Uint8Array.of(tagOf(TENSOR.dataLocation, WIRE.varint), 1),
    ];
  }

  function fieldsOf({ content, end }: Pick<Field, "content" | "end">): Field[] {
    const fields: Field[] = [];
    for (let at = content; at < end; at = fields.at(-1)!.end) fields.push(fieldAt(at, end));
    return fields;
  }

  function fieldAt(at: number, limit: number): Field {
    const tag = varintAt(at);
    const [number, wire] = [Math.floor(tag.value / 8), tag.value % 8];
    const sized = wire === WIRE.bytes ? varintAt(tag.end) : undefined;
    const content = sized?.end ?? tag.end;
    const end = sized ? content + sized.value : wire === WIRE.varint ? varintAt(content).end : content + fixed(wire);
    if (number === 0 || end > limit) throw new Odd();
    return { number, wire, at, content, end };
  }

  function varintAt(at: number): { readonly value: number; readonly end: number } {
    let value = 0;
    for (let k = 0; k < 10; k++) {
      const byte = byteAt(at + k);
      value += (byte & 127) * 2 ** (7 * k);
      if (byte < 128) return { value, end: at + k + 1 };
    }
    throw new Odd();
  }
}

function fixed(wire: number): number {
  if (wire === WIRE.fixed64) return 8;
  if (wire === WIRE.fixed32) return 4;
  throw new Odd();
}

/** Single bytes of a file, read a window at a time. */
function windowed({ size, read }: RangeSource): (at: number) => number {
  let [start, bytes] = [0, new Uint8Array(0)];
  return (at) => {
    if (at >= size) throw new Odd();
    if (at < start || at >= start + bytes.length) [start, bytes] = [at, read(at, Math.min(WINDOW, size - at)).slice()];
    return bytes[at - start]!;
  };
}

const tagOf = (number: number, wire: number): number => number * 8 + wire;

/** A field that holds a message or bytes. */
function bytesField(number: number, content: readonly Uint8Array[]): Uint8Array[] {
  const head = [tagOf(number, WIRE.bytes)];
  let rest = content.reduce((sum, { length }) => sum + length, 0);
  for (; rest >= 128; rest = Math.floor(rest / 128)) head.push((rest % 128) + 128);
  return [Uint8Array.of(...head, rest), ...content];
}

const text = (value: string): Uint8Array => new TextEncoder().encode(value);

function joined(pieces: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(pieces.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}
