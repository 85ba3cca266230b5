import { nameSeed } from "../base/index.ts";
import { hex, markColor } from "./color-scale.ts";
import { DARK, FONT, LIGHT, type Theme, ticksOf, xmlText } from "./svg.ts";

/** Something to be drawn below one another, a panel each: a task. */
export interface PlotPanel {
  readonly title: string;
  /** Pixels of height, and what is drawn in them for a scale of the metric. */
  readonly height: number;
  /** Least and most of the metric. */
  readonly extent: readonly [number, number];
  draw(scale: (value: number) => number): string;
}

export interface Plot {
  readonly title: string;
  readonly description: string;
  /** Whether the metric runs to the right or up. */
  readonly metric: "right" | "up";
  /** What ticks are multiples of; default 100, for shares in %. */
  readonly perUnit?: number;
  readonly panels: readonly PlotPanel[];
  /** Below all panels. */
  readonly legend: string;
}

export const [PLOT_LEFT, PLOT_WIDTH] = [64, 620];
const [TOP, GAP, RIGHT, BOTTOM] = [52, 48, 24, 34];

/** Panels of one kind as a self-contained SVG that follows the reader's theme. */
export function plotSvg({ title, description, metric, perUnit = 100, panels, legend }: Plot): string {
  const height = TOP + panels.reduce((sum, panel) => sum + panel.height + GAP, 0) + BOTTOM;
  const width = PLOT_LEFT + PLOT_WIDTH + RIGHT;
  const id = `plot-${nameSeed(title + description).toString(36)}`;
  let top = TOP;
  const drawn = panels.map((panel) => {
    const group = `<g transform="translate(${PLOT_LEFT} ${top + 16})">${panelSvg(panel, metric, perUnit)}</g>`;
    top += panel.height + GAP;
    return group;
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" id="${id}" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-labelledby="${id}-title ${id}-desc">`,
    `<title id="${id}-title">${xmlText(title)}</title>`,
    `<desc id="${id}-desc">${xmlText(description)}</desc>`,
    `<style>${style(id)}</style>`,
    `<rect class="paper" width="${width}" height="${height}"/>`,
    `<text class="ink head" x="24" y="32">${xmlText(title)}</text>`,
    ...drawn,
    `<text class="soft" x="24" y="${height - 16}">${xmlText(legend)}</text>`,
    `</svg>\n`,
  ].join("\n");
}

function panelSvg(
  { title, height, extent: [low, high], draw }: PlotPanel,
  metric: Plot["metric"],
  perUnit: number,
): string {
  const pad = 0.06 * (high - low || 0.01);
  const [from, to] = [low - pad, high + pad];
  const share = (value: number) => (value - from) / (to - from);
  const scale = (value: number) => round(metric === "up" ? height * (1 - share(value)) : PLOT_WIDTH * share(value));
  const ticks = ticksOf(perUnit * from, perUnit * to).map((tick) => {
    const at = scale(tick / perUnit);
    return metric === "up"
      ? `<path class="grid" d="M0 ${at}H${PLOT_WIDTH}"/><text class="soft" x="-8" y="${at + 4}" text-anchor="end">${tick}</text>`
      : `<path class="grid" d="M${at} 0V${height}"/><text class="soft" x="${at}" y="${height + 14}" text-anchor="middle">${tick}</text>`;
  });
  return [`<text class="ink strong" x="0" y="-7">${xmlText(title)}</text>`, ...ticks, draw(scale)].join("\n");
}

export const round = (value: number): number => Number(value.toFixed(1));

function style(id: string): string {
  const theme = ({ paper, ink, soft, line, faint, kinds }: Theme) =>
    [
      `#${id} .paper{fill:${paper}}`,
      `#${id} .ink{fill:${ink}}`,
      `#${id} .soft{fill:${soft}}`,
      `#${id} .grid{stroke:${faint};fill:none}`,
      `#${id} .line{stroke:${line};stroke-width:1.5;fill:none}`,
      `#${id} .stroke{stroke:${ink};stroke-width:2;fill:none}`,
      `#${id} .box{fill:${faint}}`,
      `#${id} .dot{fill:${ink};fill-opacity:.55}`,
      ...Object.values(kinds).map((color, k) => `#${id} .series${k}{stroke:${color};fill:${color}}`),
    ].join("");
  return [
    `#${id} text{font-family:${FONT};font-size:11px;font-variant-numeric:tabular-nums}`,
    `#${id} .head{font-size:16px;font-weight:600}`,
    `#${id} .strong{font-size:12px;font-weight:600}`,
    `#${id} .mark{stroke:${hex(markColor)};stroke-width:2;fill:none}`,
    `#${id} .marked{fill:${hex(markColor)}}`,
    `#${id} path.curve{stroke-width:2;fill:none}#${id} text.curve{stroke:none}`,
    `#${id} .dash{stroke-dasharray:5 4}`,
    theme(LIGHT),
    `@media (prefers-color-scheme:dark){${theme(DARK)}}`,
  ].join("");
}
