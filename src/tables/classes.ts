import { GraftError } from "../base/index.ts";
import { shortened } from "./cells.ts";
import type { Columns } from "./columns.ts";
import type { Scan } from "./scan-table.ts";
import { counted, listed } from "./table.ts";

/** A class this many times as frequent as another is worth a note. */
const UNBALANCED = 10;

/** Where there are at least this many rows, most of them should not have a class of their own. */
const ROWS_TO_JUDGE = 20;

/** Classes in the data set's order where it has one, else by number if all are whole numbers, else by code unit. */
export function orderClasses(found: readonly string[], classNames?: readonly string[]): readonly string[] {
  if (classNames !== undefined) return classNames;
  const sorted = [...found].sort();
  return found.every((name) => /^[+-]?\d+$/.test(name)) ? sorted.sort((a, b) => Number(a) - Number(b)) : sorted;
}

/**
 * Refuse targets that cannot be learned, and note what looks wrong about the class names.
 * @throws GraftError ONE_CLASS, MANY_CLASSES, LABEL_NOT_IN_TRAIN
 */
export function checkClasses(
  train: Scan,
  others: Readonly<Record<string, Scan | undefined>>,
  columns: Columns,
  classes: readonly string[],
  notes: string[],
): void {
  const { kind, target } = columns;
  if (kind === "regress" || kind === "pair_score" || kind === "triplet") return;
  const found = [...train.classes.keys()];
  const column = `column "${target}" of ${train.table.name}`;
  if (found.length < (kind === "multi_label" ? 1 : 2)) {
    throw new GraftError("ONE_CLASS", {
      thing: column,
      place:
        found.length === 0 ? "no row has a label" : `all ${counted(train.count, "row")} are "${shortened(found[0]!)}"`,
      remedy: "Give rows of at least two classes",
    });
  }
  if (kind !== "tokens") checkNumberOfClasses(train, found, column, kind);
  for (const [name, scan] of Object.entries(others)) {
    const unknown = [...(scan?.classes ?? [])].filter(([label]) => !train.classes.has(label));
    const [first] = unknown;
    if (first === undefined) continue;
    throw new GraftError("LABEL_NOT_IN_TRAIN", {
      thing: `label "${shortened(first[0])}"`,
      place: `${first[1].place} (${name}) has it, no training row does${unknown.length > 1 ? `; so with ${unknown.length - 1} more` : ""}`,
      remedy: `Add training rows or correct it; ${train.table.name} has ${listed(found.map((each) => shortened(each, 30)))}`,
    });
  }
  const absent = classes.filter((name) => !train.classes.has(name));
  if (absent.length > 0) notes.push(`no training row has ${listed(absent.map((name) => `"${name}"`))}`);
  noteCase(found, notes);
}

function checkNumberOfClasses(train: Scan, found: readonly string[], column: string, kind: string): void {
  const areNumbers = found.every((name) => name.trim() !== "" && Number.isFinite(Number(name)));
  const decimals = areNumbers && found.some((name) => !Number.isInteger(Number(name)));
  const tooMany = train.count >= ROWS_TO_JUDGE && found.length > train.count / 2;
  if (!tooMany && !(decimals && found.length > ROWS_TO_JUDGE)) return;
  const score = kind === "pair" ? "pair_score" : "regress";
  throw new GraftError("MANY_CLASSES", {
    thing: column,
    place: `${counted(train.count, "row")} have ${found.length} different labels, e.g. ${listed(
      found.map((name) => shortened(name, 20)),
      3,
    )}`,
    remedy: areNumbers
      ? `If they are quantities, choose the kind ${score}`
      : "Choose the column that holds the classes",
  });
}

function noteCase(found: readonly string[], notes: string[]): void {
  const byCase = new Map<string, string[]>();
  for (const name of found) {
    const key = name.toLowerCase();
    byCase.set(key, [...(byCase.get(key) ?? []), name]);
  }
  for (const names of byCase.values())
    if (names.length > 1)
      notes.push(
        `labels ${names.map((name) => `"${name}"`).join(" and ")} differ in case only; they are different classes here`,
      );
}

/** Note classes of very different size. */
export function checkBalance(
  balance: Uint32Array,
  classes: readonly string[],
  columns: Columns,
  notes: string[],
): void {
  if (columns.kind !== "classify" && columns.kind !== "pair") return;
  const present = classes.map((name, k) => ({ name, count: balance[k]! })).filter(({ count }) => count > 0);
  const largest = present.reduce((a, b) => (b.count > a.count ? b : a));
  const smallest = present.reduce((a, b) => (b.count < a.count ? b : a));
  if (largest.count < UNBALANCED * smallest.count) return;
  notes.push(
    `classes are unbalanced: "${largest.name}" has ${counted(largest.count, "training row")}, "${smallest.name}" has ${smallest.count}`,
  );
}
