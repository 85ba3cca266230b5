import type { Column, Table } from "../table.ts";

/** The first columns are names, the rest numbers. */
export function table(titles: readonly string[], rows: Table["rows"], names = 1): Table {
  const columns = titles.map((title, k): Column => (k < names ? { title } : { title, align: "right" }));
  return { columns, rows };
}

export const arrow = (edge: { readonly from: number; readonly to: number } | undefined): string =>
  edge === undefined ? "" : `${edge.from}→${edge.to}`;

const minus = (text: string): string => text.replace("-", "−");
export const points = (value: number): string => minus((100 * value).toFixed(1));
export const two = (value: number): string => (Number.isNaN(value) ? "" : minus(value.toFixed(2)));
export const percent = (value: number | undefined): string =>
  value === undefined || Number.isNaN(value) ? "" : points(value);

export function interval(
  value: number,
  { low, high }: { readonly low?: number; readonly high?: number },
  show: (value: number) => string,
): string {
  return low === undefined || high === undefined ? show(value) : `${show(value)} [${show(low)}, ${show(high)}]`;
}
