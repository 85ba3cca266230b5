import type { RandomResult } from "../../study/index.ts";
import { type PlotPanel, plotSvg, round } from "../plot.ts";

/** A strip and a box of draws for each task, with an adapter at every place as a line. Undefined where nothing is drawn yet. */
export function drawsSvg({ tasks }: RandomResult, all: string): string | undefined {
  const known = tasks.filter(({ draws }) => draws.length > 0);
  if (known.length === 0) return undefined;
  return plotSvg({
    title: "Random placements, measured (metric in %)",
    description: known.map(describe).join(" "),
    metric: "right",
    panels: known.map(panel),
    legend: `Dots: draws. Box: quartiles, median and its interval. Line: ${all}, dashed: linear head. Ring: chosen by validation.`,
  });
}

type OfTask = RandomResult["tasks"][number];

const percent = (value: number) => (100 * value).toFixed(1);

const describe = ({ task, draws, median, all }: OfTask) =>
  `${task}: ${draws.length} draws with median ${percent(median)} %${all === undefined ? "" : `, against ${percent(all)} %`}.`;

const HEIGHT = 74;

/** Where a draw lies across its strip: spread by the golden ratio, so that equal values lie apart and a picture is the same each time. */
const strip = (draw: number) => round(36 + 30 * ((draw * 0.618034) % 1));

function panel({ task, draws, median, interval, quartiles, all, head, best }: OfTask): PlotPanel {
  const shown = [...draws, ...(all === undefined ? [] : [all])];
  const [low, high] = [Math.min(...shown), Math.max(...shown)];
  const rule = (value: number, kind: string) => `M${value} 4V${HEIGHT - 4}" class="${kind}`;
  return {
    title: `${task}: ${draws.length} draws`,
    height: HEIGHT,
    extent: [low, high],
    draw(x) {
      const [first, third] = quartiles.map(x) as [number, number];
      const lines = [
        [all, "mark"],
        // A head alone lies far below; where it does, it would press the draws together.
        [head !== undefined && head >= low ? head : undefined, "line dash"],
      ] as const;
      return [
        `<rect class="box" x="${first}" y="8" width="${round(Math.max(1, third - first))}" height="18"/>`,
        `<path class="stroke" d="M${x(median)} 5V29"/>`,
        interval.low === undefined ? "" : `<path class="stroke" d="M${x(interval.low)} 17H${x(interval.high!)}"/>`,
        ...draws.map((value, k) => {
          const y = strip(k);
          return `<circle class="dot" cx="${x(value)}" cy="${y}" r="3.5"><title>${percent(value)} %</title></circle>`;
        }),
        ...lines.map(([value, kind]) => (value === undefined ? "" : `<path d="${rule(x(value), kind)}"/>`)),
        best === undefined
          ? ""
          : `<circle class="mark" cx="${x(best.measured)}" cy="${strip(draws.indexOf(best.measured))}" r="8"><title>chosen: ${percent(best.measured)} %</title></circle>`,
      ].join("");
    },
  };
}
