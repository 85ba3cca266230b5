import type { PlacesResult } from "../../study/index.ts";
import { PLOT_WIDTH, type PlotPanel, plotSvg, round } from "../plot.ts";

/** The metric by place, from the first to the last, a panel for each task. Undefined where nothing is measured yet. */
export function placesSvg({ tasks }: PlacesResult): string | undefined {
  const known = tasks.filter(({ places }) => places.length > 0);
  if (known.length === 0) return undefined;
  return plotSvg({
    title: "One parallel adapter at each place, measured (metric in %)",
    description: known.map(describe).join(" "),
    metric: "up",
    panels: known.map(panel),
    legend:
      "Across: the state an adapter reads, 0 first. Line: mean over seeds. Dots: seeds. Ring: chosen by validation.",
  });
}

type OfTask = PlacesResult["tasks"][number];

const HEIGHT = 130;
const percent = (value: number) => (100 * value).toFixed(1);

function describe({ task, places }: OfTask): string {
  const sorted = places.toSorted((a, b) => b.mean - a.mean);
  const [highest, lowest] = [sorted[0]!, sorted.at(-1)!];
  return `${task}: highest ${percent(highest.mean)} % at ${highest.edge.from} to ${highest.edge.to}, lowest ${percent(lowest.mean)} % at ${lowest.edge.from} to ${lowest.edge.to}.`;
}

function panel({ task, places, best, head }: OfTask): PlotPanel {
  const values = places.flatMap(({ bySeed }) => bySeed.filter((value) => value !== undefined));
  const last = Math.max(1, ...places.map(({ edge }) => edge.from));
  const x = (from: number) => round(12 + (from / last) * (PLOT_WIDTH - 24));
  return {
    title: head === undefined ? task : `${task} (linear head ${percent(head)})`,
    height: HEIGHT,
    extent: [Math.min(...values), Math.max(...values)],
    draw: (y) =>
      [
        `<path class="stroke" d="${places.map(({ edge, mean }, k) => `${k === 0 ? "M" : "L"}${x(edge.from)} ${y(mean)}`).join("")}"/>`,
        ...places.flatMap(({ edge, bySeed }) =>
          bySeed.map((value, seed) =>
            value === undefined
              ? ""
              : `<circle class="dot" cx="${x(edge.from)}" cy="${y(value)}" r="3"><title>${edge.from} → ${edge.to}, seed ${seed}: ${percent(value)} %</title></circle>`,
          ),
        ),
        ...places.map(({ edge, mean }) => {
          const label = `<text class="soft" x="${x(edge.from)}" y="${HEIGHT + 14}" text-anchor="middle">${edge.from}</text>`;
          const isBest = edge.from === best?.from;
          return isBest ? `${label}<circle class="mark" cx="${x(edge.from)}" cy="${y(mean)}" r="8"/>` : label;
        }),
      ].join(""),
  };
}
