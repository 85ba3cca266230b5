import type { Comparison } from "../comparison/index.ts";
import { methodColumns } from "./methods-table.ts";

/** A comparison as CSV (RFC 4180): a row a method, numbers as they are, shares in 0..1, nothing where there is none. */
export function methodsCsv(comparison: Comparison, metric: string): string {
  const columns = methodColumns(comparison, metric);
  const lines = comparison.rows.map((row) => [
    row.method,
    row.runs[0]?.description ?? "",
    String(comparison.seeds.length),
    ...columns.map(({ number }) => numberText(number(row))),
    row.failure ?? "",
  ]);
  const head = ["method", "description", "seeds", ...columns.map(({ key }) => key), "failure"];
  return [head, ...lines].map((cells) => `${cells.map(quoted).join(",")}\r\n`).join("");
}

const numberText = (value: number | undefined) => (value === undefined || Number.isNaN(value) ? "" : String(value));

const quoted = (cell: string) => (/[",\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell);
