import type { Columns } from "./columns.ts";
import { type ContentIndex, indexContents } from "./content-index.ts";
import type { Scan } from "./scan-table.ts";
import { counted } from "./table.ts";

/** Rows that show the model the same content, but for case and white space (of triplets: the same anchor). */
export interface Duplicates {
  /** Training rows that repeat an earlier one. */
  readonly withinTrain: number;
  /** Contents that training rows label differently; 0 where targets are no single class. */
  readonly contradictory: number;
  /** Rows that are in training too. */
  readonly validationInTrain: number;
  readonly testInTrain: number;
  readonly testInValidation: number;
}

/** Count them, and note those that make results look better than they are. Splits taken from training share none. */
export function countDuplicates(
  train: Scan,
  index: ContentIndex,
  others: { readonly validation: Scan | undefined; readonly test: Scan | undefined },
  columns: Columns,
  notes: string[],
): Duplicates {
  const isSingle = columns.kind === "classify" || columns.kind === "pair";
  const contradicted = new Set<number>();
  let withinTrain = 0;
  for (const [row, first] of index.firstRow.entries()) {
    if (row === first) continue;
    withinTrain++;
    if (isSingle && train.classIndices[row] !== train.classIndices[first]) contradicted.add(first);
  }
  const shared = (scan: Scan | undefined, where: ContentIndex) =>
    scan?.hashes.filter((hash) => where.find(hash) !== undefined).length ?? 0;
  const duplicates = {
    withinTrain,
    contradictory: contradicted.size,
    validationInTrain: shared(others.validation, index),
    testInTrain: shared(others.test, index),
    testInValidation: others.validation ? shared(others.test, indexContents(others.validation.hashes)) : 0,
  };
  const { contradictory, validationInTrain, testInTrain, testInValidation } = duplicates;
  const note = (count: number, scan: Scan | undefined, name: string, where: string) => {
    if (count > 0 && scan)
      notes.push(
        `${count} of ${counted(scan.count, `${name} row`)} are in ${where} too (but for case and blanks): results on them flatter`,
      );
  };
  note(validationInTrain, others.validation, "validation", "training");
  note(testInTrain, others.test, "test", "training");
  note(testInValidation, others.test, "test", "validation");
  if (withinTrain > 0 && columns.kind !== "triplet")
    notes.push(
      `${counted(withinTrain, "row")} of ${train.table.name} repeat${withinTrain === 1 ? "s" : ""} an earlier one`,
    );
  if (contradictory > 0)
    notes.push(
      `${counted(contradictory, "content")} of ${train.table.name} ${contradictory === 1 ? "has" : "have"} different labels in different rows`,
    );
  return duplicates;
}
