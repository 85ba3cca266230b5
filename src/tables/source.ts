import { GraftError } from "../base/index.ts";

/** A file's bytes, wherever it lies. */
export interface ByteSource {
  /** The file's name, which says its format. */
  readonly name: string;
  /** Where relative picture paths in it start from. */
  readonly folder?: string;
  /** Bytes in all. */
  readonly size: number;
  /** All bytes in order, in pieces, from the start at every call. */
  chunks(signal?: AbortSignal): AsyncIterable<Uint8Array>;
  /** Bytes `start` to `end`, exclusive. */
  slice(start: number, end: number): Promise<ArrayBuffer>;
}

/** A file the user chose in a page. */
export function blobSource(blob: Blob, name: string): ByteSource {
  return {
    name,
    size: blob.size,
    chunks: (signal) => streamChunks(blob.stream(), signal),
    slice: (start, end) => blob.slice(start, end).arrayBuffer(),
  };
}

const compressed: Readonly<Record<string, string>> = { zip: "unzip", bz2: "bunzip2", xz: "unxz", zst: "unzstd" };

/** Refuse packed files that cannot be unpacked while reading; what is left for the format is the name without `.gz`. */
export function plainName(name: string): string {
  const ending = name.slice(name.lastIndexOf(".") + 1).toLowerCase();
  if (Object.hasOwn(compressed, ending)) {
    throw new GraftError("DATA_COMPRESSED", {
      thing: `"${name}"`,
      place: `it is packed as .${ending}, which graft does not unpack`,
      remedy: `Unpack it first (\`${compressed[ending]} ${name}\`), or pack it as .gz`,
    });
  }
  return ending === "gz" ? name.slice(0, -3) : name;
}

/** A file's bytes, unpacked where it starts with gzip's mark. */
export async function* unpacked(source: ByteSource, signal?: AbortSignal): AsyncGenerator<Uint8Array> {
  const mark = new Uint8Array(await source.slice(0, Math.min(2, source.size)));
  if (mark[0] !== 0x1f || mark[1] !== 0x8b) {
    yield* source.chunks(signal);
    return;
  }
  const chunks = source.chunks(signal)[Symbol.asyncIterator]();
  const packed = new ReadableStream<Uint8Array<ArrayBuffer>>({
    async pull(controller) {
      const next = await chunks.next();
      if (next.done) controller.close();
      else controller.enqueue(next.value as Uint8Array<ArrayBuffer>);
    },
    async cancel() {
      await chunks.return?.();
    },
  });
  try {
    yield* streamChunks(packed.pipeThrough(new DecompressionStream("gzip")), signal);
  } catch (cause) {
    signal?.throwIfAborted();
    if (cause instanceof GraftError) throw cause;
    throw new GraftError("DATA_COMPRESSED", {
      thing: `"${source.name}"`,
      place: "it starts as gzip does but cannot be unpacked; it is cut off or damaged",
      remedy: "Check it with `gzip -t`, or fetch it again",
      cause,
    });
  }
}

async function* streamChunks(stream: ReadableStream<Uint8Array>, signal?: AbortSignal): AsyncGenerator<Uint8Array> {
  const reader = stream.getReader();
  try {
    for (;;) {
      signal?.throwIfAborted();
      const { done, value } = await reader.read();
      if (done) return;
      yield value;
    }
  } finally {
    // Also when the consumer stops early; a stream that failed has nothing left to cancel.
    await reader.cancel().catch(() => undefined);
  }
}
