import { shortened } from "./cells.ts";
import type { Columns, Example } from "./columns.ts";
import type { Duplicates } from "./duplicates.ts";
import type { ColumnRole } from "./guess-columns.ts";
import type { Labelled } from "./labelled.ts";
import { counted, type SplitName, splitNames } from "./table.ts";
import type { TaskKind } from "./task-kind.ts";

/** What was understood of a data set, as plain data to print or to write as JSON. */
export interface DatasetDescription {
  readonly kind: TaskKind;
  readonly kindWhy: string;
  readonly input: Columns["input"];
  readonly columns: readonly ColumnRole[];
  readonly unused: readonly string[];
  readonly splits: readonly {
    readonly name: SplitName;
    readonly file: string;
    readonly format: string;
    readonly rows: number;
    readonly skipped: number;
    readonly isSplitOff: boolean;
  }[];
  /** Examples that have each class; empty for numbers and triplets. */
  readonly classes: readonly {
    readonly name: string;
    readonly train: number;
    readonly validation: number;
    readonly test: number;
  }[];
  readonly range: { readonly low: number; readonly high: number } | undefined;
  readonly duplicates: Duplicates;
  /** The first rows of each file; texts of at most 60 characters. */
  readonly examples: readonly { readonly place: string; readonly inputs: readonly string[]; readonly target: string }[];
  readonly notes: readonly string[];
}

/** Describe labelled rows before anything is trained. */
export function describeDataset({
  columns,
  classes,
  splits,
  range,
  duplicates,
  firstExamples,
  notes,
}: Labelled): DatasetDescription {
  const { kind, kindWhy, input, roles, unused } = columns;
  return {
    kind,
    kindWhy,
    input,
    columns: roles,
    unused,
    splits: splitNames.map((name) => {
      const { table, count, skipped, isSplitOff } = splits[name];
      return { name, file: table.name, format: table.format, rows: count, skipped, isSplitOff };
    }),
    classes: classes.map((name, k) => ({
      name,
      train: splits.train.balance[k]!,
      validation: splits.validation.balance[k]!,
      test: splits.test.balance[k]!,
    })),
    range,
    duplicates,
    examples: firstExamples.map(({ place, example }) => ({
      place,
      inputs: inputsOf(example),
      target: targetText(example.target),
    })),
    notes,
  };
}

function inputsOf({ texts = [], words, image }: Example): string[] {
  const picture =
    image === undefined ? [] : [typeof image === "string" ? image : `picture of ${counted(image.length, "byte")}`];
  return [...texts, ...(words ? [words.join(" ")] : []), ...picture].map((text) => shortened(text));
}

function targetText(target: Example["target"]): string {
  if (target === null) return "";
  return shortened(typeof target === "object" ? target.join(" ") : String(target));
}
