import type { Comparison, ComparisonRow } from "../comparison/index.ts";
import { isShare } from "../objective/index.ts";
import { countCurvesSvg } from "./count-curves.ts";
import { type MethodColumn, methodColumns, methodsLegend } from "./methods-table.ts";
import { DARK, FONT, LIGHT, type Theme, ticksOf, xmlText } from "./svg.ts";

/** Pixels of the picture. */
const LABELS = 170;
const PLOT = 560;
const LINE = 26;
const TOP = 34;

/**
 * A comparison as one page that needs nothing else: a dot with its interval for every method, curves where a selector has several
 * numbers of adapters, and the table, which sorts by a click on a column. It follows the reader's light or dark theme.
 * @param title  e.g. `vit on count`
 */
export function methodsHtml(comparison: Comparison, metric: string, title: string): string {
  const columns = methodColumns(comparison, metric).filter(({ text }) => text !== undefined);
  return [
    "<!doctype html>",
    '<html lang="en">',
    '<meta charset="utf-8">',
    '<meta name="viewport" content="width=device-width">',
    '<meta name="color-scheme" content="light dark">',
    `<title>${xmlText(title)}</title>`,
    `<style>${style()}</style>`,
    `<h1>${xmlText(title)}</h1>`,
    dots(comparison, metric),
    countCurvesSvg(comparison, metric, metric) ?? "",
    table(comparison, columns),
    ...methodsLegend(comparison).map((line) => `<p>${xmlText(line)}</p>`),
    `<script>${SORT}</script>`,
    "</html>\n",
  ].join("\n");
}

function style(): string {
  const theme = ({ paper, ink, soft, line, faint }: Theme) =>
    `:root{--paper:${paper};--ink:${ink};--soft:${soft};--line:${line};--faint:${faint}}`;
  return [
    theme(LIGHT),
    `@media (prefers-color-scheme:dark){${theme(DARK)}}`,
    `body{background:var(--paper);color:var(--ink);font:14px ${FONT};margin:2rem;font-variant-numeric:tabular-nums}`,
    "h1{font-size:1.2rem}p{color:var(--soft);max-width:60rem}",
    "svg{max-width:100%;height:auto}svg text{fill:var(--ink);font-size:12px}svg .soft{fill:var(--soft)}",
    "svg .grid{stroke:var(--faint)}svg .zero{stroke:var(--line);stroke-width:2}svg .range{stroke:var(--ink);stroke-width:2}svg circle{fill:var(--ink)}",
    "table{border-collapse:collapse;margin:1.5rem 0;display:block;overflow-x:auto}td,th{padding:.25rem .7rem;text-align:right;border-bottom:1px solid var(--faint);white-space:nowrap}",
    "td:first-child,th:first-child{text-align:left}th button{font:inherit;font-weight:600;color:inherit;background:none;border:0;padding:0;cursor:pointer}",
    'th[aria-sort=ascending] button::after{content:" ↑"}th[aria-sort=descending] button::after{content:" ↓"}',
  ].join("");
}

/** Differences to the reference, each with its interval; the reference is the line at 0. */
function dots(comparison: Comparison, metric: string): string {
  const { rows, reference } = comparison;
  const shown = rows.filter(({ difference }) => difference !== undefined && !Number.isNaN(difference.mean));
  if (shown.length === 0) return "";
  const column = methodColumns(comparison, metric).find(({ key }) => key === "difference")!;
  const bounds = shown.flatMap(({ difference }) => [difference!.mean, difference!.low ?? 0, difference!.high ?? 0]);
  const [low, high] = [Math.min(0, ...bounds), Math.max(0, ...bounds)];
  const width = high - low || 1;
  const x = (value: number) => (LABELS + ((value - low) / width) * PLOT).toFixed(1);
  const height = TOP + LINE * shown.length + 24;
  const end = height - 20;
  const scale = isShare(metric) ? 100 : 1;
  const ticks = ticksOf(low * scale, high * scale).map((tick) => {
    const at = x(tick / scale);
    return `<path class="${tick === 0 ? "zero" : "grid"}" d="M${at} ${TOP - 6}V${end}"/><text class="soft" x="${at}" y="${height - 4}" text-anchor="middle">${tick > 0 ? "+" : ""}${tick}</text>`;
  });
  const label = `${metric}${scale === 100 ? ", points of %" : ""}: difference to ${reference} on test`;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${LABELS + PLOT + 40} ${height}" width="${LABELS + PLOT + 40}" height="${height}" role="img" aria-label="${xmlText(label)}; the table below has the numbers">`,
    `<text x="${LABELS}" y="16">${xmlText(label)}</text>`,
    ...ticks,
    ...shown.map((row, k) => dot(row, TOP + LINE * (k + 0.5), x, column)),
    "</svg>",
  ].join("\n");
}

function dot(row: ComparisonRow, y: number, x: (value: number) => string, { text }: MethodColumn): string {
  const { mean, low, high } = row.difference!;
  const range = low === undefined || high === undefined ? "" : `<path class="range" d="M${x(low)} ${y}H${x(high)}"/>`;
  const name = `<text x="${LABELS - 12}" y="${y + 4}" text-anchor="end">${xmlText(row.method)}</text>`;
  return `<g><title>${xmlText(`${row.method}: ${text!(row)}`)}</title>${name}${range}<circle cx="${x(mean)}" cy="${y}" r="5"/></g>`;
}

function table({ rows }: Comparison, columns: readonly MethodColumn[]): string {
  const head = ["method", ...columns.map(({ title }) => title)];
  const cell = (text: string, value: number | undefined) =>
    `<td data-value="${value === undefined || Number.isNaN(value) ? "" : value}">${xmlText(text)}</td>`;
  return [
    "<table><thead><tr>",
    ...head.map((title) => `<th scope="col"><button type="button">${xmlText(title)}</button></th>`),
    "</tr></thead><tbody>",
    ...rows.map((row) => {
      const name = `<td title="${xmlText(row.runs[0]?.description ?? "")}">${xmlText(row.method)}</td>`;
      return `<tr>${name}${columns.map(({ text, number }) => cell(text!(row), number(row))).join("")}</tr>`;
    }),
    "</tbody></table>",
  ].join("\n");
}

/** Sort by a column, and the other way round by a second click; cells without a number stay last. */
const SORT = `for (const th of document.querySelectorAll("th")) th.firstChild.onclick = () => {
  const down = th.getAttribute("aria-sort") !== "descending";
  for (const other of th.parentNode.cells) other.removeAttribute("aria-sort");
  th.setAttribute("aria-sort", down ? "descending" : "ascending");
  const body = document.querySelector("tbody");
  const at = th.cellIndex;
  const key = (row) => row.cells[at].dataset.value ?? row.cells[at].textContent;
  const order = (a, b) => {
    if (at === 0) return key(a).localeCompare(key(b));
    if (key(a) === "" || key(b) === "") return (key(a) === "") - (key(b) === "");
    return down ? key(b) - key(a) : key(a) - key(b);
  };
  const rows = [...body.rows].sort(order);
  if (at === 0 && !down) rows.reverse();
  body.append(...rows);
};`;
