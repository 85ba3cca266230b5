import { edgeKind } from "../adapters/index.ts";
import { colorAt, markColor } from "./color-scale.ts";
import { type Extent, extentOf, formatScore, type HeatMap } from "./heat-map.ts";

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
 * Draw a map for a terminal. In colour, a line is a block: its upper half is the state after attention, its lower half
 * the one after the feed-forward. Without colour, a line is a state and a cell's ink grows with its score.
 * @param columns width of the terminal; default 80, which 25 states fit. A map that does not fit becomes one line saying so
 * @returns lines, each ended by a line feed
 * @throws  GraftError BAD_HEAT_MAP
 */
export function heatMapTerminal(
  map: HeatMap,
  { color, columns = 80 }: { readonly color: ColorDepth; readonly columns?: number },
): string {
  const extent = extentOf(map);
  const n = map.matrix.length;
  const room = columns - LABEL_WIDTH - BAR_WIDTH;
  const cellWidth = 2 * n <= room ? 2 : 1;
  if (n * cellWidth > room) {
    return `The ${n}×${n} map needs ${n + LABEL_WIDTH + BAR_WIDTH} columns and there are ${columns}; write it as SVG instead.\n`;
  }
  const lines = [
    ...(map.title === undefined ? [] : [`  ${map.title}`, ""]),
    ...axis(n, cellWidth),
    ...(color === "none" ? plainRows(map, extent, cellWidth) : colorRows(map, extent, cellWidth, color)),
    "",
    ...legend(map, extent, color),
  ];
  return `${lines.map((line) => line.trimEnd()).join("\n")}\n`;
}

/** `  block 11  23·24 ` before the cells; two spaces, a bar and a number behind them. */
const LABEL_WIDTH = 18;
const BAR_WIDTH = 11;

/** State indices above every other column, where a number of two digits has room, and what each state is. */
function axis(n: number, cellWidth: number): string[] {
  const step = cellWidth === 2 ? 2 : 6;
  const numbers = Array.from({ length: n }, (_, state) =>
    state === 0 || state % step === 1 ? String(state).padEnd(state === 0 ? cellWidth : step * cellWidth) : "",
  );
  const parts = Array.from({ length: n }, (_, state) =>
    (state === 0 ? "·" : state % 2 === 1 ? "a" : "f").padEnd(cellWidth),
  );
  return [`${"  from ↓    to →".padEnd(LABEL_WIDTH)}${numbers.join("")}`, " ".repeat(LABEL_WIDTH) + parts.join("")];
}

function colorRows(map: HeatMap, extent: Extent, cellWidth: number, depth: "true" | "256"): string[] {
  const n = map.matrix.length;
  const lines = 1 + Math.ceil((n - 1) / 2);
  const cell = (from: number, to: number): Ink | undefined => {
    const value = map.matrix[from]?.[to];
    if (value === undefined) return undefined;
    return isChosen(map, from, to) ? markInk(depth) : inkAt(extent.fraction(value), depth);
  };
  return Array.from({ length: lines }, (_, line) => {
    const [upper, lower] = [2 * line - 1, 2 * line];
    const cells = Array.from({ length: n }, (_, to) => halves(cell(upper, to), cell(lower, to), cellWidth));
    const states = line === 0 ? "0" : lower < n ? `${upper}·${lower}` : `${upper}`;
    const label =
      `  ${line === 0 ? "input" : `block ${line - 1}`}`.padEnd(LABEL_WIDTH - 7) + states.padStart(5).padEnd(7);
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
function colorBar(line: number, lines: number, { min, max }: Extent, depth: "true" | "256"): string {
  const steps = 2 * lines - 1;
  const half = (step: number) => inkAt(1 - step / (steps - 1 || 1), depth);
  const name = line === 0 ? formatScore(max) : line === lines - 1 ? formatScore(min) : "";
  return `  ${halves(half(2 * line), 2 * line + 1 < steps ? half(2 * line + 1) : undefined, 1)}${RESET} ${name}`;
}

/** From no ink to much; a score's place between the smallest and the largest picks one. */
const ramp = " .:-=+*#%@";

function plainRows(map: HeatMap, extent: Extent, cellWidth: number): string[] {
  return map.matrix.map((row, from) => {
    const cells = row.map((value, to) => {
      if (isChosen(map, from, to)) return cellWidth === 2 ? "[]" : "X";
      return ramp[Math.min(ramp.length - 1, Math.floor(extent.fraction(value) * ramp.length))]!.repeat(cellWidth);
    });
    const part = from === 0 ? "input" : `block ${(from - 1) >> 1} ${from % 2 === 1 ? "a" : "f"}`;
    return `  ${part.padEnd(LABEL_WIDTH - 7)}${String(from).padStart(3)}  ${cells.join("")}|`;
  });
}

function legend({ matrix, scoreName, chosen = [] }: HeatMap, { min, max }: Extent, color: ColorDepth): string[] {
  const mark = color === "none" ? "[]" : `${sgr(38, markInk(color))}■${RESET}`;
  const scale =
    color === "none"
      ? `  ${scoreName} from ${formatScore(min)} "${ramp[0]}" to ${formatScore(max)} "${ramp.at(-1)}"; `
      : `  ${scoreName} from ${formatScore(min)} to ${formatScore(max)}; `;
  return [
    `${scale}a after attention, f after feed-forward`,
    "  diagonal sequential · beside it parallel · above long-range · below recurrent",
    ...chosen.map(({ from, to }, k) =>
      [
        `  ${mark} ${k + 1}.`.padEnd(5),
        `${from} → ${to}`.padEnd(8),
        edgeKind({ from, to }).padEnd(10),
        `${scoreName} ${formatScore(matrix[from]![to]!)}`,
      ].join("  "),
    ),
  ];
}

const isChosen = ({ chosen = [] }: HeatMap, from: number, to: number): boolean =>
  chosen.some((edge) => edge.from === from && edge.to === to);

const RESET = "\u001b[0m";

/** A colour as a terminal takes it, behind 38 (in front) or 48 (behind). */
type Ink = string;

const sgr = (layer: 38 | 48, ink: Ink): string => `\u001b[${layer};${ink}m`;

function inkAt(fraction: number, depth: "true" | "256"): Ink {
  if (depth === "true") return `2;${colorAt(fraction).join(";")}`;
  return `5;${palette[Math.min(palette.length - 1, Math.floor(fraction * palette.length))]}`;
}

const markInk = (depth: "true" | "256"): Ink => (depth === "true" ? `2;${markColor.join(";")}` : "5;198");

/** The scale in the palette of 256: navy, blue, teal, green, yellow, each step lighter than the one before. */
const palette = [17, 18, 24, 30, 36, 72, 71, 77, 113, 149, 191, 227];
