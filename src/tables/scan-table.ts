import { GraftError } from "../base/index.ts";
import type { Columns, Example } from "./columns.ts";
import { cellOf, counted, type Row, type Table } from "./table.ts";
import { contentHash } from "./text-hash.ts";

/** What one pass over a table tells; a few dozen bytes a row. */
export interface Scan {
  readonly table: Table;
  /** Rows that could be understood. */
  readonly count: number;
  /** Rows that could not. */
  readonly skipped: number;
  readonly hashes: readonly number[];
  /** Names of classes in the order they were met, with the place of the first. */
  readonly classes: ReadonlyMap<string, { readonly index: number; readonly place: string }>;
  /** Distinct classes of each row, as indices into `classes`; row k's end at `classEnds[k]`. */
  readonly classIndices: readonly number[];
  readonly classEnds: readonly number[];
  /** Range of the numbers, for regression. */
  readonly low: number;
  readonly high: number;
  /** Labels with blanks around them. */
  readonly trimmed: number;
  readonly firstExamples: readonly { readonly place: string; readonly example: Example }[];
}

/** Examples kept for a preview. */
const EXAMPLES = 3;

/**
 * Understand every row once.
 * @throws GraftError of the first row that cannot be understood, with their number, unless `skipUnreadable`; then they are
 *         counted. UNLABELLED_SPLIT where the labels of all rows are withheld.
 */
export async function scanTable(
  table: Table,
  columns: Columns,
  { skipUnreadable = false, signal }: { skipUnreadable?: boolean; signal?: AbortSignal },
): Promise<Scan> {
  const hashes: number[] = [];
  const classes = new Map<string, { index: number; place: string }>();
  const classIndices: number[] = [];
  const classEnds: number[] = [];
  const firstExamples: { place: string; example: Example }[] = [];
  let [low, high, trimmed, skipped, unlabelled] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0, 0, 0];
  let firstFault: GraftError | undefined;

  const indexOf = (name: string, place: string) => {
    const found = classes.get(name);
    if (found) return found.index;
    // A copy: the name may be a piece of a large stretch of the file, which it would keep in memory.
    classes.set(JSON.parse(JSON.stringify(name)) as string, { index: classes.size, place });
    return classes.size - 1;
  };
  for await (const row of table.rows(signal)) {
    let example: Example;
    try {
      example = columns.readExample(row);
    } catch (error) {
      if (!(error instanceof GraftError)) throw error;
      firstFault ??= error;
      skipped++;
      if (error.code === "UNLABELLED") unlabelled++;
      continue;
    }
    const { target } = example;
    hashes.push(contentHash(example));
    if (typeof target === "number") {
      low = Math.min(low, target);
      high = Math.max(high, target);
    } else if (typeof target === "string") classIndices.push(indexOf(target, row.place));
    else if (target !== null) classIndices.push(...new Set(target.map((name) => indexOf(name, row.place))));
    classEnds.push(classIndices.length);
    if (hasBlanks(row, columns)) trimmed++;
    if (firstExamples.length < EXAMPLES) firstExamples.push({ place: row.place, example });
  }
  const count = hashes.length;
  if (unlabelled > 0 && unlabelled === skipped && count === 0) {
    throw new GraftError("UNLABELLED_SPLIT", {
      thing: table.name,
      place: `the labels of all its ${unlabelled} rows are −1: they are withheld`,
      remedy: "Give rows with labels",
    });
  }
  if (firstFault !== undefined && !skipUnreadable) throw withCount(firstFault, skipped, count + skipped);
  return { table, count, skipped, hashes, classes, classIndices, classEnds, low, high, trimmed, firstExamples };
}

function hasBlanks(row: Row, { target, kind }: Columns): boolean {
  if (target === undefined || (kind !== "classify" && kind !== "pair")) return false;
  const label = cellOf(row, target);
  return typeof label === "string" && label !== label.trim();
}

function withCount(fault: GraftError, faults: number, rows: number): GraftError {
  if (faults === 1) return fault;
  const { code, thing, place, remedy } = fault;
  const more = `${place} (the first of ${faults} unreadable rows of ${counted(rows, "row")})`;
  return new GraftError(code, {
    thing,
    place: more,
    remedy: `${remedy}, or skip such rows (skipUnreadable)`,
    cause: fault,
  });
}
