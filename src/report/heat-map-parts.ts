import { edgeKind } from "../adapters/index.ts";
import { hex, luminance, type Rgb } from "./color-scale.ts";
import { cellText, type Extent, indexOf, type SparseHeatMap, stateLabel, stateName } from "./heat-map.ts";

/** What a label's line takes, in pixels. */
const LABEL_ADVANCE = 12;

/** Shades of the scale that are told apart: an eye sees no more, and cells of a shade share their markup. */
const SHADES = 64;

/** With more states than this, cells have no markup of their own and so no text on hover. */
const MOST_STATES_WITH_HOVER = 32;

/** State numbers and, behind them, block and sub-layer, along the top and the left; every other one where cells are small. */
export function axes({ matrix, states }: SparseHeatMap, cell: number): string {
  const n = matrix.length;
  const step = cell >= LABEL_ADVANCE ? 1 : 2;
  const parts = [
    `<text class="ink strong" x="0" y="-74">to: the state an adapter adds to →</text>`,
    `<text class="ink strong" transform="translate(-72 0) rotate(-90)" text-anchor="end">← from: the state it reads</text>`,
  ];
  for (let k = 0; k < n; k += step) {
    const [state, middle] = [states?.[k] ?? k, (k + 0.5) * cell];
    const name = `<title>state ${state}: ${stateName(state)}</title>`;
    const [label, base] = [stateLabel(state), middle + 3.5];
    parts.push(
      `<text class="ink small" x="${middle}" y="-7" text-anchor="middle">${state}${name}</text>`,
      `<text class="soft small" transform="translate(${base} -22) rotate(-90)">${label}</text>`,
      `<text class="ink small" x="-6" y="${base}" text-anchor="end">${state}${name}</text>`,
      `<text class="soft small" x="-24" y="${base}" text-anchor="end">${label}</text>`,
    );
  }
  return parts.join("\n");
}

/** Every cell once, those of one shade together. What is not known is left faint. */
export function cells(map: SparseHeatMap, extent: Extent, cell: number): string {
  const hasHover = map.matrix.length <= MOST_STATES_WITH_HOVER;
  const groups = new Map<string, [row: number, column: number][]>();
  for (const [row, line] of map.matrix.entries()) {
    for (const [column, value] of line.entries()) {
      const shade = Number.isNaN(value) ? "" : hex(shadeAt(extent, value));
      const group = groups.get(shade);
      if (group) group.push([row, column]);
      else groups.set(shade, [[row, column]]);
    }
  }
  const lines = [...groups].map(([shade, group]) => {
    if (hasHover) return hoverCells(map, shade, group, cell);
    return `<path ${shade ? `stroke="${shade}"` : 'class="unknown"'} d="${dashes(group, cell)}"/>`;
  });
  if (hasHover) return lines.join("\n");
  return `<g transform="translate(0 ${(cell - 1) / 2})" stroke-width="${cell - 1}" fill="none">\n${lines.join("\n")}\n</g>`;
}

/** A dash for each cell, as wide as the stroke is thick. Moves are relative to the last dash's end: that is short. */
function dashes(group: readonly [number, number][], cell: number): string {
  let [x, y] = [0, 0];
  return group
    .map(([row, column]) => {
      const move = `m${column * cell - x} ${row * cell - y}h${cell - 1}`;
      [x, y] = [column * cell + cell - 1, row * cell];
      return move;
    })
    .join("");
}

/** A value's colour, in one of the scale's shades. */
const shadeAt = ({ colorAt, fraction }: Extent, value: number): Rgb =>
  colorAt(Math.round(fraction(value) * (SHADES - 1)) / (SHADES - 1));

function hoverCells(
  { matrix, states }: SparseHeatMap,
  shade: string,
  group: readonly [number, number][],
  cell: number,
): string {
  const size = cell - 1;
  const drawn = group.map(([row, column]) => {
    const [from, to, value] = [states?.[row] ?? row, states?.[column] ?? column, matrix[row]![column]!];
    return `<path d="M${column * cell} ${row * cell}h${size}v${size}h-${size}z"><title>${from} → ${to}, ${edgeKind({ from, to })}: ${cellText(value)}</title></path>`;
  });
  return `<g ${shade ? `fill="${shade}"` : 'class="faint"'}>${drawn.join("")}</g>`;
}

/** Steps below the diagonal, between it and the parallel edges, and above those, in the gaps between cells. */
export function kindBorders({ matrix: { length: n }, states: some }: SparseHeatMap, cell: number): string {
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

/** A frame around each chosen edge, and its number in the order of choice: inside, or beside a cell too small for it. */
export function marks({ matrix, states, chosen = [] }: SparseHeatMap, extent: Extent, cell: number): string {
  const n = matrix.length;
  return chosen
    .map((edge, k) => {
      const [from, to] = [indexOf(edge.from, states), indexOf(edge.to, states)];
      const frame = `x="${to * cell - 1}" y="${from * cell - 1}" width="${cell + 1}" height="${cell + 1}" rx="3"`;
      const base = from * cell + cell / 2 + 3;
      const [x, anchor] = to < n / 2 ? [to * cell + cell + 4, "start"] : [to * cell - 5, "end"];
      const beside = (look: string) =>
        `<text class="order ${look}" x="${x}" y="${base}" text-anchor="${anchor}">${k + 1}</text>`;
      const value = matrix[from]![to]!;
      const ink = Number.isNaN(value)
        ? 'class="order ink"' // on no colour of the scale
        : `class="order" fill="${luminance(shadeAt(extent, value)) > 0.3 ? "#1d2330" : "#ffffff"}"`;
      const number =
        cell < 16
          ? beside("around") + beside("ink")
          : `<text ${ink} x="${to * cell + (cell - 1) / 2}" y="${base}" text-anchor="middle" pointer-events="none">${k + 1}</text>`;
      return `<rect class="halo" ${frame}/><rect class="mark" ${frame}/>${number}`;
    })
    .join("\n");
}
