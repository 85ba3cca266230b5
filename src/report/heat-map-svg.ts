import { edgeKind, edgeKinds } from "../adapters/index.ts";
import { median, nameSeed } from "../base/index.ts";
import { hex, markColor } from "./color-scale.ts";
import { cellText, extentOf, formatScore, type SparseHeatMap, valueAt, valuesByKind } from "./heat-map.ts";
import { panel, panelHeight } from "./heat-map-panel.ts";
import { axes, cells, kindBorders, marks } from "./heat-map-parts.ts";
import { FONT, type ThemeChoice, themed, xmlText } from "./svg.ts";

/** Pixels: margins around the map, and the panel to its right. */
const LEFT = 98;
const TOP = 132;
const BOTTOM = 52;
const PANEL = 260;

/** The footnote's width, and about what a character of the title takes. */
const LEAST_WIDTH = 700;
const TITLE_ADVANCE = 10;

/** Side of the map that fits a page, and what a cell's side lies between. */
const SIDE = 500;
const LEAST_CELL = 8;
const LARGEST_CELL = 40;

/**
 * Draw a map as one self-contained SVG: it names itself to screen readers and follows the reader's light or dark theme.
 * States are labelled by block and sub-layer; lines set the diagonal (sequential) and its neighbour (parallel) apart from
 * what is above (long-range) and below (recurrent). Up to 32 states, a cell tells its edge, kind and score on hover;
 * beyond, cells of one colour are one path, so that 81 states take some 80 kB.
 * @param theme default `auto`; a renderer that knows no media queries draws that as light
 * @returns an `<svg>` element; several can stand in one page
 * @throws  GraftError BAD_HEAT_MAP
 */
export function heatMapSvg(map: SparseHeatMap, { theme }: { readonly theme?: ThemeChoice | undefined } = {}): string {
  const extent = extentOf(map);
  const n = map.matrix.length;
  const cell = Math.max(LEAST_CELL, Math.min(LARGEST_CELL, Math.floor(SIDE / n)));
  const side = n * cell;
  const height = TOP + Math.max(side, panelHeight(map)) + BOTTOM;
  const title = map.title ?? `${map.scoreName} of every edge`;
  const width = Math.max(LEFT + side + PANEL, LEAST_WIDTH, 48 + TITLE_ADVANCE * title.length);
  const description = describe(map);
  const id = `heat-map-${nameSeed(title + description + map.matrix.join()).toString(36)}`;
  const borders = kindBorders(map, cell);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" id="${id}" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-labelledby="${id}-title ${id}-desc">`,
    `<title id="${id}-title">${xmlText(title)}</title>`,
    `<desc id="${id}-desc">${xmlText(description)}</desc>`,
    `<style>${style(id, theme)}</style>`,
    `<rect class="paper" width="${width}" height="${height}"/>`,
    `<text class="ink head" x="24" y="34">${xmlText(title)}</text>`,
    `<g class="map" data-cell="${cell}" transform="translate(${LEFT} ${TOP})">`,
    axes(map, cell),
    cells(map, extent, cell),
    `<path class="gap" stroke-width="${Math.max(2.5, Math.min(4, cell / 5))}" d="${borders}"/>`,
    `<path class="border" stroke-width="${Math.max(1, Math.min(1.5, cell / 12))}" d="${borders}"/>`,
    marks(map, extent, cell),
    `</g>`,
    `<g transform="translate(${LEFT + side + 32} ${TOP})">${panel(map, extent)}</g>`,
    `<text class="soft" x="24" y="${height - 20}">“3 attn” is the state after block 3's attention, “3 mlp” the one after its feed-forward layer.</text>`,
    `</svg>\n`,
  ].join("\n");
}

/** Colours by theme, scoped to this picture so that a page may hold several. */
function style(id: string, choice: ThemeChoice | undefined): string {
  return [
    `#${id} text{font-family:${FONT};font-size:11px;font-variant-numeric:tabular-nums}`,
    `#${id} .head{font-size:16px;font-weight:600}`,
    `#${id} .strong{font-size:12px;font-weight:600}`,
    `#${id} .small{font-size:9.5px}`,
    `#${id} .mark{stroke:${hex(markColor)};stroke-width:2.5;fill:none}`,
    `#${id} .order{font-size:10px;font-weight:700}`,
    themed(
      ({ paper, ink, soft, line, faint }) =>
        [
          `#${id} .paper{fill:${paper}}`,
          `#${id} .ink{fill:${ink}}`,
          `#${id} .soft{fill:${soft}}`,
          `#${id} .line{stroke:${line};fill:none}`,
          `#${id} .border{stroke:${ink};fill:none}`,
          `#${id} .gap{stroke:${paper};fill:none}`,
          `#${id} .halo{stroke:${paper};stroke-width:5;fill:none}`,
          `#${id} .around{stroke:${paper};stroke-width:3;stroke-linejoin:round;fill:${paper}}`,
          `#${id} .faint{fill:${faint}}`,
          `#${id} .unknown{stroke:${faint}}`,
        ].join(""),
      choice,
    ),
  ].join("");
}

/** What the picture shows, for those who cannot see it. */
function describe(map: SparseHeatMap): string {
  const { matrix, states, scoreName, chosen = [] } = map;
  const n = matrix.length;
  const known = matrix.flat().filter((value) => !Number.isNaN(value));
  const [low, high] = [Math.min(...known), Math.max(...known)];
  const highest = matrix.findIndex((row) => row.includes(high));
  const [from, to] = [highest, matrix[highest]!.indexOf(high)].map((k) => states?.[k] ?? k);
  const listed = chosen.map(
    (edge) => `${edge.from} to ${edge.to} (${edgeKind(edge)}, ${cellText(valueAt(map, edge))})`,
  );
  const values = valuesByKind(map);
  const medians = edgeKinds
    .filter((kind) => values[kind].length > 0)
    .map((kind) => `${kind} ${formatScore(median(values[kind]))}`);
  return [
    `Heat map of ${scoreName} for the ${n * n} edges between ${n} hidden states; rows are the state an adapter reads, columns the state it adds to.`,
    `Values run from ${formatScore(low)} to ${formatScore(high)}, the highest at edge ${from} to ${to}.`,
    `Medians by kind: ${medians.join(", ")}.`,
    listed.length > 0 ? `Chosen edges: ${listed.join("; ")}.` : "No edge is marked.",
  ].join(" ");
}
