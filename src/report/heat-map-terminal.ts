import { type EdgeKind, edgeKind } from "../adapters/index.ts";
import { luminance, markColor } from "./color-scale.ts";
import { cellText, type Extent, extentOf, formatScore, type SparseHeatMap, stateLabel, valueAt } from "./heat-map.ts";

/** How many colours a stream shows: 24 bits, a palette of 256, or none. */
export type ColorDepth = "true" | "256" | "none";

/** The part of a Node stream that says so. */
export interface ColorStream {
  readonly isTTY?: boolean | undefined;
  getColorDepth?(environment?: object): number;
}

/** What to draw with: NO_COLOR (any value but the empty one) and a pipe mean no colour, unless FORCE_COLOR asks for it. */
export function colorDepthOf(
  stream: ColorStream,
  environment: Readonly<Record<string, string | undefined>>,
): ColorDepth {
  if (environment.NO_COLOR) return "none";
  const forced = environment.FORCE_COLOR;
  if (forced !== undefined && forced !== "0" && forced !== "false") return forced === "3" ? "true" : "256";
  if (!stream.isTTY || forced !== undefined) return "none";
  const bits = stream.getColorDepth?.(environment) ?? 1;
  return bits >= 24 ? "true" : bits >= 8 ? "256" : "none";
}

/**
 * Draw a map for a terminal. Where every cell has two columns, a line is a state, and cells say what they are: `\`
 * sequential, `|` parallel, a number the order of choice. A wider map has a column for each state and, in colour, a line for
 * each block: the upper half of a cell is the state after attention, the lower the one after the feed-forward (MLP). One
 * that does not fit even so is drawn block by block, a cell as high as the best of its edges. Without colour, a cell's ink
 * grows with its score. A map of some of the states has lines and columns for these alone; what is not known is left blank.
 * @param columns width of the terminal; default 80, which 25 states fit state by state, and 51 a column each
 * @returns lines, each ended by a line feed
 * @throws  GraftError BAD_HEAT_MAP
 */
export function heatMapTerminal(
  map: SparseHeatMap,
  { color, columns = 80 }: { readonly color: ColorDepth; readonly columns?: number },
): string {
  const extent = extentOf(map);
  const room = Math.max(0, columns - LABEL_WIDTH - BAR_WIDTH);
  const n = map.matrix.length;
  const isByBlock = n > room && map.states === undefined;
  const drawn = isByBlock ? byBlock(map) : map;
  const count = drawn.matrix.length;
  if (count > room)
    return `The ${n}×${n} map needs ${count + LABEL_WIDTH + BAR_WIDTH} columns and there are ${columns}; write a picture instead.\n`;
  const look: Look = { color, cellWidth: 2 * count <= room ? 2 : 1, isByBlock };
  const rows =
    color === "none"
      ? plainRows(drawn, extent, look)
      : look.cellWidth === 2
        ? colorRows(drawn, extent, look, color)
        : halfRows(drawn, extent, look, color);
  const lines = [
    ...(map.title === undefined ? [] : [`  ${map.title}`, ""]),
    ...axis(drawn, look),
    ...rows,
    "",
    ...legend(map, extent, look),
  ];
  return `${lines.map((line) => line.trimEnd()).join("\n")}\n`;
}

/** How a map is drawn. */
interface Look {
  readonly color: ColorDepth;
  readonly cellWidth: 1 | 2;
  readonly isByBlock: boolean;
}

/** The input, then a row and a column for each block: the best of the edges between two blocks' states. */
function byBlock({ matrix, scoreName, chosen = [] }: SparseHeatMap): SparseHeatMap {
  const blockOf = (state: number) => Math.ceil(state / 2);
  const count = blockOf(matrix.length - 1) + 1;
  const best = Array.from({ length: count }, () => new Array<number>(count).fill(Number.NEGATIVE_INFINITY));
  for (const [from, row] of matrix.entries()) {
    for (const [to, value] of row.entries()) {
      const line = best[blockOf(from)]!;
      line[blockOf(to)] = Math.max(line[blockOf(to)]!, value);
    }
  }
  return { matrix: best, scoreName, chosen: chosen.map(({ from, to }) => ({ from: blockOf(from), to: blockOf(to) })) };
}

/** `  11 attn     23  ` before the cells; two spaces, a bar and a number behind them. */
const LABEL_WIDTH = 18;
const BAR_WIDTH = 11;

const labelOf = (name: string, index: string): string =>
  `  ${name}`.padEnd(LABEL_WIDTH - 2 - index.length) + index.padEnd(index.length + 2);

/** State indices above every other column or every sixth, where a number of two digits has room, and what each state is. */
function axis(map: SparseHeatMap, { cellWidth, isByBlock }: Look): string[] {
  const step = cellWidth === 2 ? 2 : 6;
  const columns = [...map.matrix.keys()];
  const numbers = columns.map((k) => {
    const number = isByBlock ? k - 1 : stateAt(map, k);
    if (k === 0) return (isByBlock ? "" : "0").padEnd(cellWidth);
    return k % step === 1 ? String(number).padEnd(step * cellWidth) : "";
  });
  const parts = columns.map((k) => partOf(stateAt(map, k)).padEnd(cellWidth));
  const head = `  from ↓    ${isByBlock ? "block" : "to →"}`.padEnd(LABEL_WIDTH);
  return [`${head}${numbers.join("")}`, ...(isByBlock ? [] : [" ".repeat(LABEL_WIDTH) + parts.join("")])];
}

/** What leaves a state: nothing, attention or the MLP. */
const partOf = (state: number): string => (state === 0 ? "·" : state % 2 === 1 ? "a" : "m");

/** The state of a row or column. */
const stateAt = ({ states }: SparseHeatMap, at: number): number => states?.[at] ?? at;

/** What a row is called. */
const rowLabel = (map: SparseHeatMap, row: number, isByBlock: boolean): string => {
  if (isByBlock) return labelOf(row === 0 ? "input" : `block ${row - 1}`, "");
  return labelOf(stateLabel(stateAt(map, row)), String(stateAt(map, row)));
};

/** What tells the two diagonals' kinds; the others lie above and below them. */
const KIND_GLYPHS: Readonly<Partial<Record<EdgeKind, string>>> = { sequential: "\\", parallel: "|" };

/** What stands in a cell of two columns. */
function glyphOf(map: SparseHeatMap, row: number, column: number, isByBlock: boolean): string {
  const at = orderOf(map, row, column);
  if (at !== undefined) return String(at).padEnd(2).slice(-2);
  if (isByBlock || Number.isNaN(map.matrix[row]![column]!)) return "  ";
  return (kindGlyph(map, row, column) ?? " ").padEnd(2);
}

const kindGlyph = (map: SparseHeatMap, row: number, column: number): string | undefined =>
  KIND_GLYPHS[edgeKind({ from: stateAt(map, row), to: stateAt(map, column) })];

function colorRows(map: SparseHeatMap, extent: Extent, { isByBlock }: Look, depth: "true" | "256"): string[] {
  const n = map.matrix.length;
  return map.matrix.map((row, from) => {
    const cells = row.map((value, to) => {
      const glyph = glyphOf(map, from, to, isByBlock);
      const isMarked = orderOf(map, from, to) !== undefined;
      if (Number.isNaN(value) && !isMarked) return RESET + glyph;
      const back = isMarked ? markInk(depth) : inkAt(extent, extent.fraction(value), depth);
      const isLight = isMarked || luminance(extent.colorAt(extent.fraction(value))) > 0.3;
      const front = glyph.trim() === "" ? "" : sgr(38, isLight ? black(depth) : white(depth));
      return `${front}${sgr(48, back)}${glyph}`;
    });
    return `${rowLabel(map, from, isByBlock)}${cells.join("")}${RESET}${colorBar(from, n, extent, depth)}`;
  });
}

function halfRows(map: SparseHeatMap, extent: Extent, { isByBlock }: Look, depth: "true" | "256"): string[] {
  const n = map.matrix.length;
  const lines = 1 + Math.ceil((n - 1) / 2);
  const cell = (from: number, to: number): Ink | undefined => {
    const value = map.matrix[from]?.[to];
    if (value === undefined) return undefined;
    if (orderOf(map, from, to) !== undefined) return markInk(depth);
    return Number.isNaN(value) ? undefined : inkAt(extent, extent.fraction(value), depth);
  };
  return Array.from({ length: lines }, (_, line) => {
    const [upper, lower] = [2 * line - 1, 2 * line];
    const cells = Array.from({ length: n }, (_, to) => halves(cell(upper, to), cell(lower, to), 1));
    const numberOf = (row: number) => (isByBlock ? row - 1 : stateAt(map, row));
    const pair = lower < n ? `${numberOf(upper)}·${numberOf(lower)}` : `${numberOf(upper)}`;
    const label =
      line === 0
        ? labelOf("input", isByBlock ? "" : "0")
        : isByBlock
          ? labelOf(lower < n ? "blocks" : "block", pair)
          : labelOf(map.states ? "" : `block ${line - 1}`, pair); // some states: two of a line may be of two blocks
    return `${label}${cells.join("")}${RESET}${colorBar(line, lines, extent, depth)}`;
  });
}

/** Two stacked cells; a missing one shows the terminal's own background. */
function halves(upper: Ink | undefined, lower: Ink | undefined, width: number): string {
  if (upper && lower) return sgr(38, upper) + sgr(48, lower) + "▀".repeat(width);
  const only = upper ?? lower;
  return only ? RESET + sgr(38, only) + (upper ? "▀" : "▄").repeat(width) : " ".repeat(width);
}

/** The scale beside the map, largest on top, with its ends named. */
function colorBar(line: number, lines: number, extent: Extent, depth: "true" | "256"): string {
  const steps = 2 * lines - 1;
  const half = (step: number) => inkAt(extent, 1 - step / (steps - 1 || 1), depth);
  const name = line === 0 ? formatScore(extent.max) : line === lines - 1 ? formatScore(extent.min) : "";
  return `  ${halves(half(2 * line), 2 * line + 1 < steps ? half(2 * line + 1) : undefined, 1)}${RESET} ${name}`;
}

/** From no ink to much; a score's place between the smallest and the largest picks one. */
const ramp = " .:-=+*#%@";

function plainRows(map: SparseHeatMap, extent: Extent, { cellWidth, isByBlock }: Look): string[] {
  return map.matrix.map((row, from) => {
    const cells = row.map((value, to) => {
      const at = orderOf(map, from, to);
      if (at !== undefined) return cellWidth === 1 ? "X" : plainMark(at);
      if (Number.isNaN(value)) return " ".repeat(cellWidth);
      const ink = ramp[Math.min(ramp.length - 1, Math.floor(extent.fraction(value) * ramp.length))]!;
      if (cellWidth === 1) return ink;
      return ink + ((!isByBlock && kindGlyph(map, from, to)) || ink);
    });
    return `${rowLabel(map, from, isByBlock)}${cells.join("")}|`;
  });
}

const plainMark = (at: number): string => (at < 10 ? `[${at}` : `${at}`.slice(-2));

function legend(map: SparseHeatMap, { min, max }: Extent, { color, cellWidth, isByBlock }: Look): string[] {
  const { scoreName, chosen = [] } = map;
  const mark = color === "none" ? undefined : `${sgr(38, markInk(color))}■${RESET}`;
  const plain = cellWidth === 2 ? plainMark : () => "X";
  const [low, high] = color === "none" ? [` "${ramp[0]}"`, ` "${ramp.at(-1)}"`] : ["", ""];
  const scale = `  ${scoreName} from ${formatScore(min)}${low} to ${formatScore(max)}${high}`;
  const [sequential, parallel] = cellWidth === 2 ? ["\\", "|"] : ["diagonal", "beside it"];
  return [
    ...(isByBlock
      ? [scale, "  a cell is the best edge between two blocks' states"]
      : [
          scale,
          "  states: a after attention, m after the MLP",
          `  ${sequential} sequential · ${parallel} parallel · above long-range · below recurrent`,
        ]),
    ...chosen.map(({ from, to }, k) =>
      [
        `  ${mark ?? plain(k + 1).padEnd(2)} ${k + 1}.`.padEnd(6),
        `${from} → ${to}`.padEnd(8),
        edgeKind({ from, to }).padEnd(10),
        `${scoreName} ${cellText(valueAt(map, { from, to }))}`.padEnd(14),
        `${stateLabel(from)} → ${stateLabel(to)}`,
      ].join("  "),
    ),
  ];
}

/** When the edge of a cell was chosen, from 1 on. */
function orderOf(map: SparseHeatMap, row: number, column: number): number | undefined {
  const [from, to] = [stateAt(map, row), stateAt(map, column)];
  const at = (map.chosen ?? []).findIndex((edge) => edge.from === from && edge.to === to);
  return at < 0 ? undefined : at + 1;
}

const RESET = "\u001b[0m";

/** A colour as a terminal takes it, behind 38 (in front) or 48 (behind). */
type Ink = string;

const sgr = (layer: 38 | 48, ink: Ink): string => `\u001b[${layer};${ink}m`;

function inkAt({ colorAt, isDifference }: Extent, fraction: number, depth: "true" | "256"): Ink {
  if (depth === "true") return `2;${colorAt(fraction).join(";")}`;
  const palette = isDifference ? divergingPalette : plainPalette;
  return `5;${palette[Math.min(palette.length - 1, Math.floor(fraction * palette.length))]}`;
}

const black = (depth: "true" | "256"): Ink => (depth === "true" ? "2;29;35;48" : "5;16");
const white = (depth: "true" | "256"): Ink => (depth === "true" ? "2;255;255;255" : "5;231");

const markInk = (depth: "true" | "256"): Ink => (depth === "true" ? `2;${markColor.join(";")}` : "5;198");

/** The scale in the palette of 256: navy, blue, teal, green, yellow, each step lighter than the one before. */
const plainPalette = [17, 18, 24, 30, 36, 72, 71, 77, 113, 149, 191, 227];

/** That of differences: blue, light grey, brown. */
const divergingPalette = [25, 31, 67, 110, 152, 254, 223, 215, 208, 166, 130];
