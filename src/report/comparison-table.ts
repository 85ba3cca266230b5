import { type ComparisonRow, methodTitle } from "../comparison/index.ts";
import type { Table } from "./table.ts";

/** Accuracy with its cost beside it, a row a method. */
export function comparisonTable(rows: readonly ComparisonRow[]): Table {
  const right = (text: string) => ({ title: text, align: "right" }) as const;
  return {
    columns: [
      { title: "method" },
      right("validation"),
      right("test"),
      right("parameters"),
      right("seconds"),
      right("peak MB"),
    ],
    rows: rows.map((row) => [
      row.runs.length > 1 ? `${methodTitle(row.method)} (mean of ${row.runs.length})` : methodTitle(row.method),
      percent(row.validation),
      row.testStd === undefined ? percent(row.test) : `${percent(row.test)} ± ${percent(row.testStd)}`,
      row.trainableParameters.toLocaleString("en"),
      row.seconds.toFixed(1),
      row.peakMemoryBytes === undefined ? "" : (row.peakMemoryBytes / 1e6).toFixed(0),
    ]),
  };
}

const percent = (share: number) => (100 * share).toFixed(1);
