import type { AsyncBuffer, Compressors, FileMetaData } from "hyparquet";
import { parquetMetadataAsync, parquetReadObjects, parquetSchema } from "hyparquet";
import { GraftError } from "../base/index.ts";
import { featuresOfInfo } from "./features.ts";
import type { ByteSource } from "./source.ts";
import { type Cell, checkColumns, type Feature, type Row, type Table } from "./table.ts";

/**
 * Open a Parquet file. Row groups are read one at a time: memory is that of the largest. Binary columns give bytes, dates
 * ISO text. What Hugging Face's `datasets` writes about the columns is in `features`.
 * @throws GraftError DATA_PARQUET for a damaged file or an unknown codec, naming the row group; DATA_COLUMNS
 */
export async function openParquet(source: ByteSource): Promise<Table> {
  const { name, folder } = source;
  const file: AsyncBuffer = {
    byteLength: source.size,
    slice: (start, end = source.size) => source.slice(start, end),
  };
  const metadata = await readMetadata(file, name);
  const columns = parquetSchema(metadata).children.map(({ element }) => element.name);
  checkColumns(columns, name);
  return {
    name,
    format: "parquet",
    folder,
    columns,
    features: featuresIn(metadata),
    async *rows(signal) {
      const { compressors } = await import("hyparquet-compressors");
      let start = 0;
      for (const [k, group] of metadata.row_groups.entries()) {
        signal?.throwIfAborted();
        const end = start + Number(group.num_rows);
        const range = { rowStart: start, rowEnd: end };
        const rows = await readGroup(file, metadata, range, compressors, `${name} row group ${k + 1}`);
        // A row is let go once it is handed on: pictures and texts of a group can be large.
        for (let index = 0; index < rows.length; index++) {
          const cells = toCell(rows[index]) as Row["cells"];
          rows[index] = {};
          yield { place: `${name} row ${start + index + 1}`, cells };
        }
        start = end;
      }
    },
  };
}

async function readMetadata(file: AsyncBuffer, name: string): Promise<FileMetaData> {
  try {
    return await parquetMetadataAsync(file);
  } catch (cause) {
    throw damaged(`"${name}"`, cause);
  }
}

async function readGroup(
  file: AsyncBuffer,
  metadata: FileMetaData,
  range: { rowStart: number; rowEnd: number },
  compressors: Compressors,
  place: string,
): Promise<Record<string, unknown>[]> {
  try {
    const rows = await parquetReadObjects({ file, metadata, ...range, compressors, utf8: false });
    if (rows.length !== range.rowEnd - range.rowStart) throw new Error(`${rows.length} rows came out`);
    return rows;
  } catch (cause) {
    throw damaged(place, cause);
  }
}

function damaged(thing: string, cause: unknown): GraftError {
  if (cause instanceof GraftError) return cause;
  const message = cause instanceof Error ? cause.message : String(cause);
  const codec = /unsupported compression codec: (\S+)/.exec(message)?.[1];
  if (codec !== undefined) {
    return new GraftError("DATA_PARQUET", {
      thing,
      place: `it is compressed with ${codec}, which cannot be read`,
      remedy: "Write it with snappy, gzip, zstd, brotli or lz4",
      cause,
    });
  }
  return new GraftError("DATA_PARQUET", {
    thing,
    place: `it is no Parquet, or damaged (${message})`,
    remedy: "Fetch or write it again",
    cause,
  });
}

/** What hyparquet gives, as cells: dates as text, typed arrays of numbers as lists, undefined as null. */
function toCell(value: unknown): Cell {
  if (value === null || value === undefined) return null;
  if (typeof value !== "object") return value as Cell;
  if (value instanceof Uint8Array) return value;
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? null : value.toISOString();
  if (Array.isArray(value)) return value.map(toCell);
  if (ArrayBuffer.isView(value)) return [...(value as Float64Array)];
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, toCell(inner)]));
}

/** `datasets` leaves its description of the columns in the file's metadata. */
function featuresIn(metadata: FileMetaData): Readonly<Record<string, Feature>> | undefined {
  const text = metadata.key_value_metadata?.find(({ key }) => key === "huggingface")?.value;
  if (text === undefined) return undefined;
  try {
    return featuresOfInfo((JSON.parse(text) as { info?: unknown }).info);
  } catch {
    return undefined; // not ours to judge: the columns can be read without it
  }
}
