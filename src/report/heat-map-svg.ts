import { type EdgeKind, edgeKind } from "../adapters/index.ts";
import { nameSeed } from "../base/index.ts";
import { colorAt, hex, luminance, markColor } from "./color-scale.ts";
import { type Extent, extentOf, formatScore, indexOf, type SparseHeatMap, stateName } from "./heat-map.ts";
import { DARK, FONT, LIGHT, type Theme, xmlText } from "./svg.ts";

/** Pixels: margins around the map, and the panel to its right. */
const LEFT = 88;
const TOP = 108;
const BOTTOM = 52;
const PANEL = 240;

/** The footnote's width, and about what a character of the title takes. */
const LEAST_WIDTH = 700;
const TITLE_ADVANCE = 10;

/** How many chosen edges the panel names before it says how many more there are. */
const NAMED = 12;

/**
 * Draw a map as one self-contained SVG: it names itself to screen readers, follows the reader's light or dark theme, and
 * tells a cell's edge, kind and score on hover. Lines set the diagonal (sequential) and its neighbour (parallel) apart.
 * @returns an `<svg>` element; several can stand in one page
 * @throws  GraftError BAD_HEAT_MAP
 */
export function heatMapSvg(map: SparseHeatMap): string {
  const extent = extentOf(map);
  const n = map.matrix.length;
  const cell = Math.max(8, Math.min(40, Math.floor(500 / n)));
  const side = n * cell;
  const chosen = Math.min(map.chosen?.length ?? 0, NAMED + 1);
  const height = TOP + Math.max(side, 300 + 18 * chosen) + BOTTOM;
  const title = map.title ?? `${map.scoreName} of every edge`;
  const width = Math.max(LEFT + side + PANEL, LEAST_WIDTH, 48 + TITLE_ADVANCE * title.length);
  const description = describe(map, extent);
  const id = `heat-map-${nameSeed(title + description + map.matrix.join()).toString(36)}`;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" id="${id}" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-labelledby="${id}-title ${id}-desc">`,
    `<title id="${id}-title">${xmlText(title)}</title>`,
    `<desc id="${id}-desc">${xmlText(description)}</desc>`,
    `<style>${style(id)}</style>`,
    `<rect class="paper" width="${width}" height="${height}"/>`,
    `<text class="ink head" x="24" y="34">${xmlText(title)}</text>`,
    `<g transform="translate(${LEFT} ${TOP})">`,
    axes(map, cell),
    cells(map, extent, cell),
    `<path class="gap" stroke-width="${Math.min(4, cell / 5)}" d="${kindBorders(map, cell)}"/>`,
    `<path class="border" stroke-width="${Math.min(1.5, cell / 12)}" d="${kindBorders(map, cell)}"/>`,
    marks(map, extent, cell),
    `</g>`,
    `<g transform="translate(${LEFT + side + 32} ${TOP})">${panel(map, extent)}</g>`,
    `<text class="soft" x="24" y="${height - 20}">State 0 is the input of block 0. Of each block's two states the first follows its attention, the second its feed-forward.</text>`,
    `</svg>\n`,
  ].join("\n");
}

/** Colours by theme, scoped to this picture so that a page may hold several. */
function style(id: string): string {
  const theme = ({ paper, ink, soft, line, faint }: Theme) =>
    [
      `#${id} .paper{fill:${paper}}`,
      `#${id} .ink{fill:${ink}}`,
      `#${id} .soft{fill:${soft}}`,
      `#${id} .line{stroke:${line};fill:none}`,
      `#${id} .border{stroke:${ink};fill:none}`,
      `#${id} .gap{stroke:${paper};fill:none}`,
      `#${id} .halo{stroke:${paper};stroke-width:5;fill:none}`,
      `#${id} .faint{fill:${faint}}`,
    ].join("");
  return [
    `#${id} text{font-family:${FONT};font-size:11px;font-variant-numeric:tabular-nums}`,
    `#${id} .head{font-size:16px;font-weight:600}`,
    `#${id} .strong{font-size:12px;font-weight:600}`,
    `#${id} .small{font-size:9.5px}`,
    `#${id} .mark{stroke:${hex(markColor)};stroke-width:2.5;fill:none}`,
    `#${id} .order{font-size:10px;font-weight:700}`,
    theme(LIGHT),
    `@media (prefers-color-scheme:dark){${theme(DARK)}}`,
  ].join("");
}

/** State numbers along the top and the left; behind them a bracket and a number for each block. */
function axes({ matrix, states }: SparseHeatMap, cell: number): string {
  const n = matrix.length;
  const step = cell >= 16 ? 1 : 2; // numbers of two digits need about 16 pixels
  const parts = [
    `<text class="ink strong" x="0" y="-52">to: the state an adapter adds to →</text>`,
    `<text class="ink strong" transform="translate(-54 0) rotate(-90)" text-anchor="end">← from: the state it reads</text>`,
    states === undefined ? `<text class="soft small" x="-8" y="-26" text-anchor="end">block</text>` : "",
  ];
  for (let k = 0; k < n; k += step) {
    const [state, middle] = [states?.[k] ?? k, (k + 0.5) * cell];
    const name = `<title>state ${state}: ${stateName(state)}</title>`;
    parts.push(`<text class="ink small" x="${middle}" y="-7" text-anchor="middle">${state}${name}</text>`);
    parts.push(`<text class="ink small" x="-6" y="${middle + 3.5}" text-anchor="end">${state}${name}</text>`);
  }
  for (let block = 0; states === undefined && 2 * block + 2 < n; block++) {
    const [start, end] = [(2 * block + 1) * cell + 2, (2 * block + 3) * cell - 3];
    const middle = (2 * block + 2) * cell;
    parts.push(`<path class="line" d="M${start} -20H${end}M-23 ${start}V${end}"/>`);
    parts.push(`<text class="soft small" x="${middle}" y="-26" text-anchor="middle">${block}</text>`);
    parts.push(`<text class="soft small" x="-29" y="${middle + 3}" text-anchor="end">${block}</text>`);
  }
  return parts.join("\n");
}

function cells({ matrix, states }: SparseHeatMap, { fraction }: Extent, cell: number): string {
  const size = cell - 1;
  const draw = (value: number, row: number, column: number) => {
    const [from, to] = [states?.[row] ?? row, states?.[column] ?? column];
    const isKnown = !Number.isNaN(value);
    const fill = isKnown ? `fill="${hex(colorAt(fraction(value)))}"` : `class="faint"`;
    return (
      `<rect x="${column * cell}" width="${size}" height="${size}" rx="1.5" ${fill}>` +
      `<title>${from} → ${to}, ${edgeKind({ from, to })}: ${isKnown ? formatScore(value) : "not measured"}</title></rect>`
    );
  };
  return matrix
    .map(
      (row, from) => `<g transform="translate(0 ${from * cell})">${row.map((v, to) => draw(v, from, to)).join("")}</g>`,
    )
    .join("\n");
}

/** Steps below the diagonal, between it and the parallel edges, and above those, in the gaps between cells. */
function kindBorders({ matrix: { length: n }, states: some }: SparseHeatMap, cell: number): string {
  const at = (k: number) => k * cell - 0.5;
  const states = Array.from({ length: n }, (_, k) => k);
  const below = states.slice(1).map((k) => `H${at(k)}V${at(k + 1)}`);
  const beside = states.slice(1).map((k) => `V${at(k)}H${at(k + 1)}`);
  const above = states.slice(1, -1).map((k) => `V${at(k)}H${at(k + 2)}`);
  return [
    n > 1 ? `M-0.5 ${at(1)}${below.join("")}M${at(1)} -0.5${beside.join("")}` : "",
    n > 2 && some === undefined ? `M${at(2)} -0.5${above.join("")}` : "",
  ].join("");
}

/** A frame around each chosen edge, and its number in the order of choice. */
function marks({ matrix, states, chosen = [] }: SparseHeatMap, { fraction }: Extent, cell: number): string {
  return chosen
    .map((edge, k) => {
      const [from, to] = [indexOf(edge.from, states), indexOf(edge.to, states)];
      const frame = `x="${to * cell - 1}" y="${from * cell - 1}" width="${cell + 1}" height="${cell + 1}" rx="3"`;
      const ink = luminance(colorAt(fraction(matrix[from]![to]!))) > 0.3 ? "#1d2330" : "#ffffff";
      const number =
        cell < 16
          ? ""
          : `<text class="order" x="${to * cell + (cell - 1) / 2}" y="${from * cell + cell / 2 + 3}" text-anchor="middle" fill="${ink}" pointer-events="none">${k + 1}</text>`;
      return `<rect class="halo" ${frame}/><rect class="mark" ${frame}/>${number}`;
    })
    .join("\n");
}

function panel(map: SparseHeatMap, extent: Extent): string {
  return [
    colorBar(map.scoreName, extent),
    `<g transform="translate(0 172)">${kindKey()}</g>`,
    `<g transform="translate(0 310)">${chosenList(map)}</g>`,
  ].join("\n");
}

/** The scale, largest on top, drawn in steps so that no gradient needs an id. */
function colorBar(scoreName: string, { min, max }: Extent): string {
  const steps = 60;
  const bar = Array.from({ length: steps }, (_, k) => {
    const color = hex(colorAt(1 - k / (steps - 1)));
    return `<rect y="${k * 2}" width="14" height="2.5" fill="${color}"/>`;
  });
  return [
    `<text class="ink strong" x="0" y="10">${xmlText(scoreName)}</text>`,
    `<g transform="translate(0 22)">${bar.join("")}`,
    `<text class="ink" x="22" y="9">${formatScore(max)}</text>`,
    `<text class="ink" x="22" y="121">${formatScore(min)}</text></g>`,
  ].join("\n");
}

/** Where each kind lies, on a matrix of five states. */
function kindKey(): string {
  const kinds: [EdgeKind, string][] = [
    ["sequential", "after a sub-layer"],
    ["parallel", "beside a sub-layer"],
    ["long-range", "on to a later state"],
    ["recurrent", "back to an earlier state"],
  ];
  return kinds
    .map(([kind, place], k) => {
      const dots = Array.from({ length: 25 }, (_, at) => {
        const [from, to] = [Math.floor(at / 5), at % 5];
        const tone = edgeKind({ from, to }) === kind ? "ink" : "faint";
        return `<rect class="${tone}" x="${to * 5}" y="${from * 5}" width="4" height="4"/>`;
      });
      return `<g transform="translate(0 ${k * 32})">${dots.join("")}<text class="ink" x="34" y="11">${kind}</text><text class="soft small" x="34" y="23">${place}</text></g>`;
    })
    .join("\n");
}

function chosenList({ matrix, states, scoreName, chosen = [] }: SparseHeatMap): string {
  if (chosen.length === 0) return "";
  const lines = chosen.slice(0, NAMED).map(({ from, to }, k) => {
    const text = `${from} → ${to}  ${edgeKind({ from, to })}, ${formatScore(matrix[indexOf(from, states)]![indexOf(to, states)]!)}`;
    return `<text class="soft" x="0" y="${28 + k * 18}">${k + 1}</text><text class="ink" x="22" y="${28 + k * 18}">${text}</text>`;
  });
  if (chosen.length > NAMED) {
    lines.push(`<text class="soft" x="22" y="${28 + NAMED * 18}">and ${chosen.length - NAMED} more</text>`);
  }
  return [
    `<rect class="mark" x="1.5" y="-0.5" width="11" height="11" rx="2"/>`,
    `<text class="ink strong" x="22" y="9">chosen, and their ${xmlText(scoreName)}</text>`,
    ...lines,
  ].join("\n");
}

/** What the picture shows, for those who cannot see it. */
function describe({ matrix, states, scoreName, chosen = [] }: SparseHeatMap, { min, max }: Extent): string {
  const n = matrix.length;
  const highest = matrix.findIndex((row) => row.includes(max));
  const [from, to] = [highest, matrix[highest]!.indexOf(max)].map((k) => states?.[k] ?? k);
  const listed = chosen.map(
    (edge) =>
      `${edge.from} to ${edge.to} (${edgeKind(edge)}, ${formatScore(matrix[indexOf(edge.from, states)]![indexOf(edge.to, states)]!)})`,
  );
  return [
    `Heat map of ${scoreName} for the ${n * n} edges between ${n} hidden states; rows are the state an adapter reads, columns the state it adds to.`,
    `Values run from ${formatScore(min)} to ${formatScore(max)}, the highest at edge ${from} to ${to}.`,
    listed.length > 0 ? `Chosen edges: ${listed.join("; ")}.` : "No edge is marked.",
  ].join(" ");
}
