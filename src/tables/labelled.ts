import { GraftError } from "../base/index.ts";
import { checkBalance, checkClasses, orderClasses } from "./classes.ts";
import type { Columns, Example } from "./columns.ts";
import { indexContents } from "./content-index.ts";
import { countDuplicates, type Duplicates } from "./duplicates.ts";
import { type Scan, scanTable } from "./scan-table.ts";
import { splitOff } from "./split-off.ts";
import { counted, type Dataset, noRows, type SplitName, splitNames, type Table, unknownColumn } from "./table.ts";

export interface LabelledOptions {
  /** Which rows a missing split takes from the training rows, default 0. */
  readonly seed?: number;
  /** Share of the training rows that a missing validation split takes, default 0.1. */
  readonly validationShare?: number;
  /** Share of the training rows that a missing test split takes, default 0.2. */
  readonly testShare?: number;
  /** Leave out rows that cannot be understood, and count them; default: the first is an error. */
  readonly skipUnreadable?: boolean;
  readonly signal?: AbortSignal;
}

export interface LabelledSplit {
  readonly name: SplitName;
  /** The table its rows come from. */
  readonly table: Table;
  readonly count: number;
  /** Unreadable rows of its table, left out. */
  readonly skipped: number;
  /** Examples that have each class, in the order of `classes`; empty where there are none. */
  readonly balance: Uint32Array;
  /** Whether it was split off the training rows. */
  readonly isSplitOff: boolean;
}

/** Labelled rows that were all looked at once: splits, classes, and what is odd about them. */
export interface Labelled {
  readonly columns: Columns;
  /** Class names, or tags; empty for numbers and triplets. */
  readonly classes: readonly string[];
  readonly splits: Readonly<Record<SplitName, LabelledSplit>>;
  /** Range of the training targets, for regression. */
  readonly range: { readonly low: number; readonly high: number } | undefined;
  readonly duplicates: Duplicates;
  readonly notes: readonly string[];
  /** The first rows of each table, for a preview. */
  readonly firstExamples: Scan["firstExamples"];
  /** All examples, table after table; of one split alone where `only` names it. Each call reads the files anew. */
  read(signal?: AbortSignal, only?: SplitName): AsyncIterable<LabelledExample>;
}

export interface LabelledExample {
  readonly split: SplitName;
  readonly place: string;
  readonly example: Example;
}

/**
 * Read all rows once before anything is trained: classes and their balance, unreadable rows, duplicates. A missing
 * validation or test split is taken from the training rows: seeded, by class, and so that equal texts stay together.
 * @throws GraftError EMPTY_SPLIT, ONE_CLASS, MANY_CLASSES, LABEL_NOT_IN_TRAIN, UNKNOWN_COLUMN, TOO_FEW_ROWS, what a row's
 *         reading throws (with the number of such rows), and what an aborted `signal` gives as its reason
 */
export async function openLabelled(
  dataset: Dataset,
  columns: Columns,
  options: LabelledOptions = {},
): Promise<Labelled> {
  const { seed = 0, validationShare = 0.1, testShare = 0.2, signal } = options;
  const notes = [...dataset.notes];
  for (const name of splitNames) checkRoles(dataset.splits[name], columns, dataset.splits.train);
  const train = await scanSplit(dataset.splits.train, columns, options);
  const others = {
    validation: await scanOther(dataset.splits.validation, "validation", columns, options, notes),
    test: await scanOther(dataset.splits.test, "test", columns, options, notes),
  };
  const classes = orderClasses([...train.classes.keys()], columns.classNames);
  checkClasses(train, others, columns, classes, notes);
  checkNumbers(train, columns, notes);

  const shares = { validation: others.validation ? 0 : validationShare, test: others.test ? 0 : testShare };
  const contents = indexContents(train.hashes);
  const parts = splitOff({ ...strataOf(train), firstRow: contents.firstRow }, shares, seed);
  const splitIndex = (name: SplitName) => splitNames.indexOf(name);
  const split = (name: SplitName): LabelledSplit => {
    const other = name === "train" ? undefined : others[name];
    const scan = other ?? train;
    const balance = new Uint32Array(classes.length);
    const own = [...scan.classes.keys()].map((each) => classes.indexOf(each));
    let count = 0;
    let at = 0;
    for (const [row, end] of scan.classEnds.entries()) {
      const isIn = other !== undefined || parts[row] === splitIndex(name);
      if (isIn) count++;
      for (; at < end; at++) if (isIn) balance[own[scan.classIndices[at]!]!]!++;
    }
    const isSplitOff = other === undefined && name !== "train";
    return { name, table: scan.table, count, skipped: isSplitOff ? 0 : scan.skipped, balance, isSplitOff };
  };
  const splits = { train: split("train"), validation: split("validation"), test: split("test") };
  for (const name of ["validation", "test"] as const) {
    if (!splits[name].isSplitOff || shares[name] === 0) continue;
    if (splits[name].count === 0) throw tooFew(train, name);
    notes.push(`no ${name} split: ${counted(splits[name].count, "training row")} serve as ${name} (seed ${seed})`);
  }
  checkBalance(splits.train.balance, classes, columns, notes);
  for (const { name, skipped, table } of Object.values(splits))
    if (skipped > 0) notes.push(`${counted(skipped, "unreadable row")} of ${table.name} left out (${name})`);
  const trimmed = train.trimmed + (others.validation?.trimmed ?? 0) + (others.test?.trimmed ?? 0);
  if (trimmed > 0) notes.push(`blanks around ${counted(trimmed, "label")} were taken off`);
  const duplicates = countDuplicates(train, contents, others, columns, notes);
  return {
    columns,
    classes,
    splits,
    range: train.low <= train.high ? { low: train.low, high: train.high } : undefined,
    duplicates,
    notes,
    firstExamples: [train, others.validation, others.test].flatMap((scan) => scan?.firstExamples ?? []),
    async *read(signalNow, only) {
      const tables: [Table, SplitName | undefined][] = [[train.table, undefined]];
      for (const name of ["validation", "test"] as const) if (others[name]) tables.push([others[name].table, name]);
      for (const [table, own] of tables) {
        const isWanted =
          only === undefined || own === only || (own === undefined && (only === "train" || !others[only]));
        if (!isWanted) continue;
        let row = 0;
        for await (const { place, example } of readAgain(
          table,
          columns,
          options.skipUnreadable ?? false,
          signalNow ?? signal,
        )) {
          const name = own ?? splitNames[parts[row] ?? 0]!;
          if (own === undefined && row++ >= parts.length) throw changed(table);
          if (only === undefined || only === name) yield { split: name, place, example };
        }
        if (own === undefined && row < parts.length) throw changed(table);
      }
    },
  };
}

async function* readAgain(table: Table, columns: Columns, skipUnreadable: boolean, signal: AbortSignal | undefined) {
  for await (const row of table.rows(signal)) {
    let example: Example;
    try {
      example = columns.readExample(row);
    } catch (error) {
      if (skipUnreadable && error instanceof GraftError) continue;
      throw error;
    }
    yield { place: row.place, example };
  }
}

function changed(table: Table): GraftError {
  return new GraftError("DATA_CHANGED", {
    thing: table.name,
    place: "it has not the rows any more that it had when it was first read",
    remedy: "Leave the file alone while it is used, and start again",
  });
}

/** Columns must be in every split; keys of JSON objects show only in the rows. */
function checkRoles(table: Table | undefined, columns: Columns, train: Table): void {
  if (table === undefined || table.format.startsWith("json")) return;
  const missing = columns.roles.find(({ column }) => !table.columns.includes(column));
  if (missing === undefined) return;
  const where =
    table === train ? `${table.name} has no such column` : `${table.name} has no such column, ${train.name} has`;
  throw unknownColumn(missing.column, table, where);
}

async function scanSplit(table: Table, columns: Columns, options: LabelledOptions): Promise<Scan> {
  const scan = await scanTable(table, columns, options);
  if (scan.count > 0) return scan;
  if (scan.skipped === 0) throw noRows(table);
  throw new GraftError("EMPTY_SPLIT", {
    thing: table.name,
    place: `none of its ${counted(scan.skipped, "row")} can be understood`,
    remedy: "Do not skip unreadable rows, to see why",
  });
}

/** A split whose labels are withheld, as in published tests, counts as missing. */
async function scanOther(
  table: Table | undefined,
  name: SplitName,
  columns: Columns,
  options: LabelledOptions,
  notes: string[],
): Promise<Scan | undefined> {
  if (table === undefined) return undefined;
  try {
    return await scanSplit(table, columns, options);
  } catch (error) {
    if (!(error instanceof GraftError) || error.code !== "UNLABELLED_SPLIT") throw error;
    notes.push(`${table.name} is not used as ${name}: ${error.place}`);
    return undefined;
  }
}

/** Stratum of a row: its rarest class, so that every class has rows in training. */
function strataOf(scan: Scan): { stratumOf: Uint32Array; strata: string[] } {
  const totals = new Uint32Array(scan.classes.size);
  for (const index of scan.classIndices) totals[index]!++;
  let at = 0;
  const none = scan.classes.size; // rows without a class
  const stratumOf = Uint32Array.from(scan.classEnds, (end) => {
    let rarest = none;
    for (; at < end; at++) {
      const index = scan.classIndices[at]!;
      if (rarest === none || totals[index]! < totals[rarest]!) rarest = index;
    }
    return rarest;
  });
  return { stratumOf, strata: [...scan.classes.keys(), ""] };
}

function tooFew(train: Scan, name: SplitName): GraftError {
  return new GraftError("TOO_FEW_ROWS", {
    thing: `${train.table.name} with ${counted(train.count, "row")}`,
    place: `none is left to serve as ${name}: each class keeps one for training, and equal texts stay together`,
    remedy: `Add rows, or give a ${name} split`,
  });
}

function checkNumbers({ low, high, count, table }: Scan, { kind, target }: Columns, notes: string[]): void {
  if (kind !== "regress" && kind !== "pair_score") return;
  if (low === high) {
    throw new GraftError("ONE_CLASS", {
      thing: `column "${target}" of ${table.name}`,
      place: `all ${counted(count, "row")} have the same number, ${low}`,
      remedy: "Choose another column; there is nothing to learn",
    });
  }
  if (low < 0 && kind === "pair_score")
    notes.push(`scores go from ${shortNumber(low)} to ${shortNumber(high)}: below 0 means unlike, as a cosine does`);
  else if (low < 0) notes.push(`numbers go from ${shortNumber(low)} to ${shortNumber(high)}`);
}

function shortNumber(value: number): string {
  return String(Number(value.toPrecision(6)));
}
