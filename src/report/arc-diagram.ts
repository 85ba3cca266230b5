import { type Edge, edgeKind, edgeKinds } from "../adapters/index.ts";
import { nameSeed } from "../base/index.ts";
import { formatScore, stateLabel, stateName } from "./heat-map.ts";
import { FONT, type ThemeChoice, themed, xmlText } from "./svg.ts";

/** An adapter as it is drawn. */
export interface Arc extends Edge {
  readonly rank?: number | undefined;
  readonly score?: number | undefined;
}

export interface ArcDiagram {
  /** How many hidden states the backbone has: 2L + 1. */
  readonly states: number;
  /** In the order they were chosen. */
  readonly arcs: readonly Arc[];
  readonly title?: string | undefined;
  /** What a score is, e.g. `srank`. */
  readonly scoreName?: string | undefined;
}

/** Pixels: left and right of the line, the head above, what an arc rises at least and at most. */
const MARGIN = 44;
const HEAD = 56;
const LEAST_RISE = 20;
const LARGEST_RISE = 190;

/** How far the handles of a loop are beside its state. */
const LOOP = 32;

/** Half the height of the sub-layers' boxes, and between the line and the block numbers. */
const BOX = 9;

/** How many adapters are listed below the picture, in how many columns, and the pixels of a line of the list. */
const LISTED = 24;
const COLUMNS = 2;
const LINE = 18;
const listHead = ({ arcs }: ArcDiagram) => (arcs.some(({ score }) => score !== undefined) ? 3.2 : 2.2) * LINE;

/** Beyond this many, numbers would cover the arcs. */
const NUMBERED = 40;

const LEAST_WIDTH = 760;

/**
 * Draw adapters on their backbone: a line of blocks, each an attention and a feed-forward box between its states, and an
 * arc from the state an adapter reads to the one it adds to. Arcs above lead forward, arcs below back (recurrent), a loop is
 * a sequential adapter. Width grows with the rank, or where all ranks are equal with the score; colour is the kind.
 * @param theme default `auto`; a renderer that knows no media queries draws that as light
 * @returns an `<svg>` element; several can stand in one page
 */
export function arcDiagramSvg(
  diagram: ArcDiagram,
  { theme }: { readonly theme?: ThemeChoice | undefined } = {},
): string {
  const { states, arcs } = diagram;
  const title = diagram.title ?? `${arcs.length} adapter${arcs.length === 1 ? "" : "s"} on ${states} hidden states`;
  const step = Math.max(12, Math.min(80, (LEAST_WIDTH - 2 * MARGIN) / Math.max(1, states - 1)));
  const width = Math.max(LEAST_WIDTH, 2 * MARGIN + (states - 1) * step, 48 + 10 * title.length);
  const rise = riseOf(diagram, step);
  const highest = (isBelow: boolean) =>
    Math.max(0, ...arcs.filter((arc) => arc.from > arc.to === isBelow).map((arc) => rise(arc)));
  const middle = HEAD + highest(false) + 24;
  const listAt = middle + Math.max(highest(true) + 20, 34) + 20;
  const lines = Math.ceil(Math.min(arcs.length, LISTED) / COLUMNS) + (arcs.length > LISTED ? 1 : 0);
  const height = listAt + listHead(diagram) + 8 + LINE * lines;
  const description = describe(diagram);
  const id = `arcs-${nameSeed(title + description).toString(36)}`;
  const at = (state: number) => round(MARGIN + state * step);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" id="${id}" viewBox="0 0 ${round(width)} ${round(height)}" width="${round(width)}" height="${round(height)}" role="img" aria-labelledby="${id}-title ${id}-desc">`,
    `<title id="${id}-title">${xmlText(title)}</title>`,
    `<desc id="${id}-desc">${xmlText(description)}</desc>`,
    `<style>${style(id, theme)}</style>`,
    `<rect class="paper" width="${round(width)}" height="${round(height)}"/>`,
    `<text class="ink head" x="24" y="34">${xmlText(title)}</text>`,
    `<g transform="translate(0 ${round(middle)})">`,
    stream(states, at, step),
    drawnArcs(diagram, at, rise),
    "</g>",
    `<g transform="translate(24 ${round(listAt)})">${list(diagram, width - 48)}</g>`,
    "</svg>\n",
  ].join("\n");
}

const round = (value: number): number => Number(value.toFixed(1));

/** How far an arc rises from the line: more the further it reaches, so that arcs of one state stay apart. */
function riseOf({ states }: ArcDiagram, step: number): (arc: Edge) => number {
  const reach = Math.max(1, states - 1);
  const most = Math.min(LARGEST_RISE, LEAST_RISE + 0.4 * reach * step) - LEAST_RISE;
  return ({ from, to }) => (from === to ? 2 * LEAST_RISE : LEAST_RISE + most * (Math.abs(to - from) / reach) ** 0.7);
}

/** What an arc's width says, and the width of each. */
function widths({ arcs }: ArcDiagram): { readonly by: "rank" | "score" | undefined; of(arc: Arc): number } {
  const by = (["rank", "score"] as const).find((key) => {
    const values = arcs.map((arc) => arc[key]);
    return values.every((value) => value !== undefined) && new Set(values).size > 1;
  });
  if (by === undefined) return { by, of: () => 2.5 };
  const values = arcs.map((arc) => arc[by]!);
  const [low, high] = [Math.min(...values), Math.max(...values)];
  return { by, of: (arc) => 1.5 + 3.5 * ((arc[by]! - low) / (high - low)) };
}

/** The residual stream from left to right, its states as dots, the sub-layers as boxes between, blocks numbered. */
function stream(states: number, at: (state: number) => number, step: number): string {
  const half = step / 2 - 3;
  const boxes = { attn: "", mlp: "" };
  const numbers: string[] = [];
  const every = Math.max(1, Math.ceil(15 / (2 * step)));
  for (let k = 0; k + 1 < states; k++) {
    const x = at(k) + step / 2;
    boxes[k % 2 === 0 ? "attn" : "mlp"] +=
      `M${round(x - half)} ${-BOX}h${round(2 * half)}v${2 * BOX}h${round(-2 * half)}z`;
    const block = k >> 1;
    if (k % 2 === 0 && block % every === 0) numbers.push(`<text x="${round(x)}" y="${BOX + 12}">${block}</text>`);
  }
  const dots = Array.from({ length: states }, (_, state) => {
    const name = `<title>state ${state}: ${stateName(state)}</title>`;
    return `<circle class="ink" cx="${at(state)}" cy="0" r="2.5">${name}</circle>`;
  });
  return [
    `<path class="line" d="M${at(0) - 16} 0H${at(states - 1) + 16}"/>`,
    `<path class="attn" d="${boxes.attn}"/><path class="mlp" d="${boxes.mlp}"/>`,
    dots.join(""),
    `<g class="soft small" text-anchor="middle">${numbers.join("")}</g>`,
    `<text class="soft small" x="${at(0) - 20}" y="3" text-anchor="end">in</text>`,
  ].join("\n");
}

function drawnArcs(diagram: ArcDiagram, at: (state: number) => number, rise: (arc: Edge) => number): string {
  const { of } = widths(diagram);
  return diagram.arcs
    .map((arc, k) => {
      const kind = edgeKind(arc);
      const up = kind === "recurrent" ? 1 : -1;
      const foot = up * 4;
      const [x0, x1] = [at(arc.from), at(arc.to)];
      // A cubic whose handles are as high as 4/3 of its top; a loop opens by a step.
      const [top, open] = [up * rise(arc), kind === "sequential" ? LOOP : 0];
      const handle = round(foot + ((top - foot) * 4) / 3);
      const path = `M${round(x0)} ${foot}C${round(x0 - open)} ${handle} ${round(x1 + open)} ${handle} ${round(x1)} ${foot + up * 7}`;
      const tip = `M${x1} ${foot}l-4 ${up * 8}h8z`;
      const label = `${arc.from} → ${arc.to}, ${kind}${facts(arc, diagram)}`;
      const [x, y] = [round((x0 + x1) / 2), round(top)];
      const number =
        diagram.arcs.length > NUMBERED
          ? ""
          : `<circle class="paper" cx="${x}" cy="${y}" r="8"/><text class="k-${kind} order" x="${x}" y="${round(y + 3.5)}" text-anchor="middle">${k + 1}</text>`;
      return `<g><title>${xmlText(label)}</title><path class="a-${kind}" stroke-width="${round(of(arc))}" d="${path}"/><path class="k-${kind}" d="${tip}"/>${number}</g>`;
    })
    .join("\n");
}

const facts = ({ rank, score }: Arc, { scoreName = "score" }: ArcDiagram): string =>
  [
    ...(rank === undefined ? [] : [`, rank ${rank}`]),
    ...(score === undefined ? [] : [`, ${scoreName} ${formatScore(score)}`]),
  ].join("");

/** What each number is, and what widths and colours say. */
function list(diagram: ArcDiagram, width: number): string {
  const { arcs, scoreName = "score" } = diagram;
  const { by } = widths(diagram);
  const head = listHead(diagram);
  const scoreAt = round(width / COLUMNS - 24);
  const perColumn = Math.ceil(Math.min(arcs.length, LISTED) / COLUMNS);
  const rows = arcs.slice(0, LISTED).map((arc, k) => {
    const [x, y] = [Math.floor(k / perColumn) * (width / COLUMNS), head + (k % perColumn) * LINE];
    const kind = edgeKind(arc);
    const names = `${stateLabel(arc.from)} → ${stateLabel(arc.to)}`;
    return [
      `<g transform="translate(${round(x)} ${round(y)})"><text class="k-${kind} order" x="16" text-anchor="end">${k + 1}</text>`,
      `<text class="ink" x="24">${arc.from} → ${arc.to}, ${kind}${arc.rank === undefined ? "" : `, rank ${arc.rank}`}</text>`,
      `<text class="soft" x="190">${names}</text>`,
      arc.score === undefined
        ? "</g>"
        : `<text class="ink" x="${scoreAt}" text-anchor="end">${formatScore(arc.score)}</text></g>`,
    ].join("");
  });
  const more =
    arcs.length > LISTED
      ? `<text class="soft" x="24" y="${round(head + perColumn * LINE)}">and ${arcs.length - LISTED} more</text>`
      : "";
  const kinds = edgeKinds.filter((kind) => arcs.some((arc) => edgeKind(arc) === kind));
  const key = kinds.map((kind) => `<tspan class="k-${kind}" dx="10">■</tspan> ${kind}`).join("");
  const widest =
    by === undefined
      ? ""
      : `<tspan dx="14">the wider, the higher its ${by === "rank" ? "rank" : xmlText(scoreName)}</tspan>`;
  return [
    `<text class="soft" x="-10">${key}${widest}</text>`,
    `<text class="soft" y="${LINE}">Boxes are sub-layers, attention filled and feed-forward open; the numbers below them are blocks.</text>`,
    ...(arcs.some(({ score }) => score !== undefined)
      ? Array.from({ length: Math.ceil(Math.min(arcs.length, LISTED) / perColumn) }, (_, column) => {
          const x = round(column * (width / COLUMNS) + scoreAt);
          return `<text class="soft" x="${x}" y="${round(head - LINE)}" text-anchor="end">${xmlText(scoreName)}</text>`;
        })
      : []),
    ...rows,
    more,
  ].join("\n");
}

function style(id: string, choice: ThemeChoice | undefined): string {
  return [
    `#${id} text{font-family:${FONT};font-size:11px;font-variant-numeric:tabular-nums}`,
    `#${id} .head{font-size:16px;font-weight:600}`,
    `#${id} .small{font-size:9.5px}`,
    `#${id} .order{font-size:11px;font-weight:700}`,
    themed(
      ({ paper, ink, soft, line, faint, kinds }) =>
        [
          `#${id} .paper{fill:${paper}}`,
          `#${id} .ink{fill:${ink}}`,
          `#${id} .soft{fill:${soft}}`,
          `#${id} .line{stroke:${line};stroke-width:2;fill:none}`,
          `#${id} .attn{fill:${line};stroke:${line}}`,
          `#${id} .mlp{fill:${faint};stroke:${line}}`,
          ...edgeKinds.flatMap((kind) => [
            `#${id} .a-${kind}{stroke:${kinds[kind]};fill:none}`,
            `#${id} .k-${kind}{fill:${kinds[kind]}}`,
          ]),
        ].join(""),
      choice,
    ),
  ].join("");
}

/** What the picture shows, for those who cannot see it. */
function describe(diagram: ArcDiagram): string {
  const { states, arcs } = diagram;
  const listed = arcs.map((arc) => `${arc.from} to ${arc.to} (${edgeKind(arc)}${facts(arc, diagram)})`);
  return [
    `A backbone of ${states} hidden states as a line from left to right, adapters as arcs from the state they read to the one they add to.`,
    listed.length === 0 ? "No adapter." : `Adapters: ${listed.join("; ")}.`,
  ].join(" ");
}
