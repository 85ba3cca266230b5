import type { ComparisonRow } from "../comparison/index.ts";
import type { Table } from "./table.ts";

/** What readers call the rows of the `--place` language. */
function title(row: string): string {
  const [, name = row, count, rank] = /^([a-z:]+?)(?::(\d+))?(?:@r(\d+))?$/.exec(row) ?? [];
  const width = rank === undefined ? "" : `, r ${rank}`;
  switch (name) {
    case "none":
      return "linear head";
    case "gga":
      return `${count} edges by GGA${width}`;
    case "random":
      return `${count} random${width}`;
    case "first":
      return `first ${count} parallel${width}`;
    case "last":
      return `last ${count} parallel${width}`;
    case "all:parallel":
      return `all parallel${width}`;
    case "all:sequential":
      return `all sequential${width}`;
    default:
      return row;
  }
}

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
      row.runs.length > 1 ? `${title(row.method)} (mean of ${row.runs.length})` : title(row.method),
      percent(row.validation),
      row.testStd === undefined ? percent(row.test) : `${percent(row.test)} ± ${percent(row.testStd)}`,
      row.trainableParameters.toLocaleString("en"),
      row.seconds.toFixed(1),
      row.peakMemoryBytes === undefined ? "" : (row.peakMemoryBytes / 1e6).toFixed(0),
    ]),
  };
}

const percent = (share: number) => (100 * share).toFixed(1);
