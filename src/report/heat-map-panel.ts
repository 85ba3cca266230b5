import { type EdgeKind, edgeKind, edgeKinds } from "../adapters/index.ts";
import { median } from "../base/index.ts";
import { hex } from "./color-scale.ts";
import { cellText, type Extent, formatScore, type SparseHeatMap, valueAt, valuesByKind } from "./heat-map.ts";
import { xmlText } from "./svg.ts";

/** How many chosen edges the panel names before it says how many more there are. */
const NAMED = 12;

/** Pixels from the panel's top to its parts, and of a line. */
const KINDS_AT = 172;
const CHOSEN_AT = 310;
const LINE = 18;

export const panelHeight = ({ chosen = [] }: SparseHeatMap): number =>
  CHOSEN_AT - 10 + LINE * Math.min(chosen.length, NAMED + 1);

/** Beside the map: its scale, where each kind of edge lies and what it scores, and the chosen edges. */
export function panel(map: SparseHeatMap, extent: Extent): string {
  return [
    colorBar(map.scoreName, extent),
    `<g transform="translate(0 ${KINDS_AT})">${kindKey(map)}</g>`,
    `<g transform="translate(0 ${CHOSEN_AT})">${chosenList(map)}</g>`,
  ].join("\n");
}

/** The scale, largest on top, drawn in steps so that no gradient needs an id. */
function colorBar(scoreName: string, { min, max, colorAt }: Extent): string {
  const steps = 60;
  const bar = Array.from({ length: steps }, (_, k) => {
    const color = hex(colorAt(1 - k / (steps - 1)));
    return `<path fill="${color}" d="M0 ${k * 2}h14v2.5h-14z"/>`;
  });
  return [
    `<text class="ink strong" x="0" y="10">${xmlText(scoreName)}</text>`,
    `<g transform="translate(0 22)">${bar.join("")}`,
    `<text class="ink" x="22" y="9">${formatScore(max)}</text>`,
    `<text class="ink" x="22" y="121">${formatScore(min)}</text></g>`,
  ].join("\n");
}

const PLACES: Readonly<Record<EdgeKind, string>> = {
  sequential: "after a sub-layer",
  parallel: "beside a sub-layer",
  "long-range": "on to a later state",
  recurrent: "back to an earlier state",
};

/** Where each kind lies, on a matrix of five states, and the middle of its scores. */
function kindKey(map: SparseHeatMap): string {
  const values = valuesByKind(map);
  return edgeKinds
    .map((kind, k) => {
      const dots = { ink: "", faint: "" };
      for (let at = 0; at < 25; at++) {
        const [from, to] = [Math.floor(at / 5), at % 5];
        dots[edgeKind({ from, to }) === kind ? "ink" : "faint"] += `M${to * 5} ${from * 5}h4v4h-4z`;
      }
      const middle = values[kind].length > 0 ? `, median ${formatScore(median(values[kind]))}` : "";
      return [
        `<g transform="translate(0 ${k * 32})"><path class="ink" d="${dots.ink}"/><path class="faint" d="${dots.faint}"/>`,
        `<text class="ink" x="34" y="11">${kind}</text><text class="soft small" x="34" y="23">${PLACES[kind]}${middle}</text></g>`,
      ].join("");
    })
    .join("\n");
}

function chosenList(map: SparseHeatMap): string {
  const { chosen = [] } = map;
  if (chosen.length === 0) return "";
  const lines = chosen.slice(0, NAMED).map(({ from, to }, k) => {
    const text = `${from} → ${to}  ${edgeKind({ from, to })}, ${cellText(valueAt(map, { from, to }))}`;
    return `<text class="soft" x="0" y="${28 + k * LINE}">${k + 1}</text><text class="ink" x="22" y="${28 + k * LINE}">${text}</text>`;
  });
  if (chosen.length > NAMED) {
    lines.push(`<text class="soft" x="22" y="${28 + NAMED * LINE}">and ${chosen.length - NAMED} more</text>`);
  }
  return [
    `<rect class="mark" x="1.5" y="-0.5" width="11" height="11" rx="2"/>`,
    `<text class="ink strong" x="22" y="9">chosen edges</text>`,
    ...lines,
  ].join("\n");
}
