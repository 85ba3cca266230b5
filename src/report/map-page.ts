import { edgeKind } from "../adapters/index.ts";
import { type ArcDiagram, arcDiagramSvg } from "./arc-diagram.ts";
import { cellText, extentOf, type SparseHeatMap, stateLabel, stateName } from "./heat-map.ts";
import { heatMapSvg } from "./heat-map-svg.ts";
import { FONT, PAGE, scriptJson, xmlText } from "./svg.ts";

/** What a page runs. */
export interface PageProgram {
  /** Its source. */
  readonly app: string;
  /** Base64 of its SHA-256: no other script runs in the page. */
  readonly appHash: string;
}

/** What is shown of scores. */
export interface MapPage {
  readonly map: SparseHeatMap;
  readonly arcs: ArcDiagram;
  /** Where the numbers come from, a line each. */
  readonly facts?: readonly string[] | undefined;
  /** How the scores stand to others: what the numbers say, and a map of differences. */
  readonly comparison?: { readonly lines: readonly string[]; readonly map: SparseHeatMap } | undefined;
}

/** What the page's program reads. */
export interface MapView {
  /** Null: not known. */
  readonly matrix: readonly (readonly (number | null)[])[];
  /** State index of each row and column. */
  readonly states: readonly number[];
  readonly scoreName: string;
  /** What each of these states is, e.g. `after block 3's attention`. */
  readonly names: readonly string[];
  /** Edges as `from-to`, in the order they were chosen. */
  readonly chosen: readonly string[];
}

/** How many edges the table lists, beside those chosen. */
const LISTED = 20;

/**
 * A heat map, the placement it leads to and the best edges as one page that needs no network: each cell tells its edge, to the
 * pointer and to the keyboard; light or dark as the reader's system is, or as chosen. Without scripts all but that remains.
 * @throws GraftError BAD_HEAT_MAP
 */
export function mapPage({ map, arcs, facts = [], comparison }: MapPage, { app, appHash }: PageProgram): string {
  extentOf(map);
  const title = map.title ?? `${map.scoreName} of every edge`;
  const policy = `default-src 'none';script-src 'sha256-${appHash}';style-src 'unsafe-inline';base-uri 'none';form-action 'none'`;
  const states = map.states ?? [...map.matrix.keys()];
  const view: MapView = {
    matrix: map.matrix.map((row) => row.map((value) => (Number.isNaN(value) ? null : Number(value.toPrecision(6))))),
    states,
    scoreName: map.scoreName,
    names: states.map(stateName),
    chosen: (map.chosen ?? []).map(({ from, to }) => `${from}-${to}`),
  };
  return [
    "<!doctype html>",
    '<html lang="en">',
    '<meta charset="utf-8">',
    `<meta http-equiv="Content-Security-Policy" content="${policy}">`,
    '<meta name="viewport" content="width=device-width">',
    '<meta name="color-scheme" content="light dark">',
    `<title>${xmlText(title)}</title>`,
    `<style>${style()}</style>`,
    `<header><h1>${xmlText(title)}</h1><nav id="themes" aria-label="Colours"></nav></header>`,
    ...facts.map((fact) => `<p>${xmlText(fact)}</p>`),
    "<main>",
    '<section><h2 id="map-title">Edges</h2>',
    '<p id="map-help">Point at a cell, or go from cell to cell with the arrow keys, Home and End.</p>',
    '<p id="readout" role="status">&nbsp;</p>',
    `<div class="scroll" id="map" tabindex="0" role="application" aria-labelledby="map-title" aria-describedby="map-help">${heatMapSvg({ ...map, title: undefined }, { theme: "page" })}</div></section>`,
    `<section><h2>Placement</h2><div class="scroll">${arcDiagramSvg({ ...arcs, title: undefined }, { theme: "page" })}</div></section>`,
    ...(comparison ? [compared(comparison)] : []),
    `<section><h2>Best edges</h2><div class="scroll">${bestEdges(map)}</div></section>`,
    "</main>",
    `<script type="application/json" id="view">${scriptJson(view)}</script>`,
    `<script>${app}</script>`,
    "</html>\n",
  ].join("\n");
}

function compared({ lines, map }: NonNullable<MapPage["comparison"]>): string {
  const text = lines.map((line) => `<p>${xmlText(line)}</p>`).join("");
  return `<section><h2>Comparison</h2>${text}<div class="scroll">${heatMapSvg(map, { theme: "page" })}</div></section>`;
}

/** The highest scores, equal ones sharing a place, and what else was chosen. */
function bestEdges({ matrix, scoreName, chosen = [], states = [...matrix.keys()] }: SparseHeatMap): string {
  const edges = matrix.flatMap((row, i) => row.map((score, j) => ({ from: states[i]!, to: states[j]!, score })));
  const order = new Map(chosen.map(({ from, to }, k) => [`${from}-${to}`, k + 1]));
  const known = edges.filter(({ score }) => !Number.isNaN(score)).toSorted((a, b) => b.score - a.score);
  const places = new Map(known.toReversed().map(({ score }, k) => [score, known.length - k]));
  const rows = [...known, ...edges.filter(({ score }) => Number.isNaN(score))]
    .map((edge) => ({ ...edge, place: places.get(edge.score), chosen: order.get(`${edge.from}-${edge.to}`) }))
    .filter(({ chosen, place }, k) => (k < LISTED && place !== undefined) || chosen !== undefined);
  const cells = rows.map(({ place, from, to, score, chosen }) => [
    `<td>${place ?? ""}</td>`,
    `<td><button data-edge="${from}-${to}">${from} → ${to}</button></td>`,
    `<td class="text">${edgeKind({ from, to })}</td>`,
    `<td class="text">${stateLabel(from)}</td><td class="text">${stateLabel(to)}</td>`,
    `<td>${cellText(score)}</td><td>${chosen ?? ""}</td>`,
  ]);
  const heads = ["edge", "kind", "reads", "adds to", scoreName, "chosen"];
  return [
    `<table><thead><tr><th scope="col">place</th>${heads.map((head) => `<th scope="col">${xmlText(head)}</th>`).join("")}</tr></thead>`,
    `<tbody>${cells.map((row) => `<tr>${row.join("")}</tr>`).join("\n")}</tbody></table>`,
  ].join("\n");
}

function style(): string {
  const { paper, ink, soft, line, faint, kinds } = PAGE;
  return [
    ":root{color-scheme:light dark}",
    `body{background:${paper};color:${ink};font:14px ${FONT};margin:1.5rem 2rem;font-variant-numeric:tabular-nums}`,
    "header{display:flex;flex-wrap:wrap;gap:1rem;align-items:baseline;justify-content:space-between}",
    `h1{font-size:1.3rem;margin:0 0 .3rem}h2{font-size:1rem;margin:1.6rem 0 .4rem}p{color:${soft};margin:.2rem 0 .6rem}`,
    `#readout{color:${ink};font-weight:600;min-height:1.2em}`,
    `button{font:inherit;color:inherit;background:${paper};border:1px solid ${line};border-radius:4px;padding:.2rem .6rem;cursor:pointer}`,
    `button[aria-pressed=true]{border-color:${kinds.parallel};color:${kinds.parallel};font-weight:600}nav button+button{margin-left:.4rem}`,
    `:focus-visible{outline:3px solid ${kinds.parallel};outline-offset:2px}`,
    ".scroll{overflow-x:auto}.scroll svg{display:block}.map{cursor:crosshair}",
    `.cursor{fill:none;stroke:${ink};stroke-width:3;pointer-events:none}.cursor.under{stroke:${paper};stroke-width:6}`,
    "table{border-collapse:collapse}",
    `td,th{padding:.2rem .7rem;text-align:right;border-bottom:1px solid ${faint};white-space:nowrap}.text{text-align:left}`,
  ].join("");
}
