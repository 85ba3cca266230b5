import { PLOT_WIDTH, plotSvg, round } from "../src/report/plot.ts";
import { xmlText } from "../src/report/svg.ts";

/** One size that is varied, and what both sides took at each of its values. */
export interface GrowthCurve {
  readonly title: string;
  readonly points: readonly { readonly at: number; readonly values: readonly [ours: number, theirs: number] }[];
}

const SIDES = ["graft", "PyTorch"] as const;
const HEIGHT = 110;
/** Pixels left of the first point, and right of the last for the sides' names. */
const [FIRST, NAMES] = [16, 70];

/** Time or memory of a step as sizes grow, a panel for each, the size on a logarithmic scale (0 left of all). */
export function growthSvg(title: string, unit: string, curves: readonly GrowthCurve[]): string {
  return plotSvg({
    title,
    description: curves.map(({ title, points }) => `${title}: ${points.map(describe).join("; ")}.`).join(" "),
    metric: "up",
    perUnit: 1,
    panels: curves.map(({ title, points }) => ({
      title: `${unit}, by ${title}`,
      height: HEIGHT,
      extent: [0, Math.max(...points.flatMap(({ values }) => values))],
      draw: (y) => panel(points, y),
    })),
    legend: "Medians; one size varies, the others stay as the text says.",
  });
}

const describe = ({ at, values: [ours, theirs] }: GrowthCurve["points"][number]) =>
  `${at}: ${ours.toFixed(3)} and ${theirs.toFixed(3)}`;

function panel(points: GrowthCurve["points"], y: (value: number) => number): string {
  const rank = (at: number) => Math.log2(Math.max(at, 0.5));
  const [low, high] = [rank(points[0]!.at), rank(points.at(-1)!.at)];
  const x = (at: number) => round(FIRST + ((rank(at) - low) / (high - low)) * (PLOT_WIDTH - FIRST - NAMES));
  const lines = SIDES.map((name, k) => {
    const path = points.map(({ at, values }) => `${x(at)} ${y(values[k]!)}`).join("L");
    const dots = points.map(({ at, values }) => {
      const label = xmlText(`${name}, ${at}: ${values[k]!.toFixed(3)}`);
      return `<circle class="series${k}" cx="${x(at)}" cy="${y(values[k]!)}" r="3"><title>${label}</title></circle>`;
    });
    return `<path class="curve series${k}${k === 0 ? "" : " dash"}" d="M${path}"/>${dots.join("")}`;
  });
  const ends = points.at(-1)!.values;
  const apart = Math.max(13, Math.abs(y(ends[0]) - y(ends[1])));
  const upper = Math.min(y(ends[0]), y(ends[1]));
  const names = SIDES.map((name, k) => {
    const isUpper = k === (ends[0] >= ends[1] ? 0 : 1);
    return `<text class="curve series${k}" x="${x(points.at(-1)!.at) + 8}" y="${upper + (isUpper ? 4 : 4 + apart)}">${name}</text>`;
  });
  const labels = points.map(
    ({ at }) => `<text class="soft" x="${x(at)}" y="${HEIGHT + 14}" text-anchor="middle">${at}</text>`,
  );
  return [...lines, ...names, ...labels].join("");
}
