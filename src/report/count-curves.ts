import { quantile } from "../base/index.ts";
import { type Comparison, type ComparisonRow, NEIGHBOURS } from "../comparison/index.ts";
import { isShare } from "../objective/index.ts";
import { parseMethod } from "../selection/index.ts";
import { PLOT_WIDTH, plotSvg, round } from "./plot.ts";
import { xmlText } from "./svg.ts";

/** A selector with several numbers of adapters, all of one rank; by their number. */
interface Curve {
  readonly name: string;
  readonly isRandom: boolean;
  readonly points: readonly { readonly count: number; readonly row: ComparisonRow }[];
}

/** Whether a list of methods has a selector with several numbers of adapters, so that there is a curve to draw. */
export function hasCurves(methods: readonly string[]): boolean {
  const places = methods.flatMap((method) => placeOf(method) ?? []);
  return places.some(({ name, count }) => places.some((other) => other.name === name && other.count !== count));
}

/**
 * The metric on test against the number of adapters: a line for each selector, and for random placements the middle nine of ten
 * as a band. The reference and an adapter at every place are lines across. Undefined where no selector has several numbers.
 * @param title  e.g. `vit on count: accuracy`
 */
export function countCurvesSvg({ rows, reference }: Comparison, metric: string, title: string): string | undefined {
  const fine = rows.filter(({ test }) => !Number.isNaN(test));
  if (!hasCurves(fine.map(({ method }) => method))) return undefined;
  const curves = curvesOf(fine);
  const bands = curves.filter(({ isRandom }) => isRandom).map(bandOf);
  const levels = fine.filter(({ method }) => method === reference || /^(all|auto)/.test(method));
  const shown = [
    ...curves.flatMap(({ points }) => points.map(({ row }) => row.test)),
    ...bands.flatMap(({ low, high }) => [...low, ...high]),
    ...levels.filter(({ method }) => method !== reference).map(({ test }) => test),
  ];
  const [low, high] = [Math.min(...shown), Math.max(...shown)];
  const perUnit = isShare(metric) ? 100 : 1;
  const figure = (value: number) => (perUnit * value).toFixed(perUnit === 100 ? 1 : 3);
  const x = scaleOf(curves.flatMap(({ points }) => points.map(({ count }) => count)));
  return plotSvg({
    title: `${title}, by number of adapters`,
    description: curves.map((curve) => describe(curve, figure)).join(" "),
    metric: "up",
    perUnit,
    panels: [
      {
        title: `test${perUnit === 100 ? ", %" : ""}`,
        height: HEIGHT,
        extent: [low, high],
        draw: (y) =>
          [
            ...bands.map((band) => bandShape(band, x, y)),
            ...x.counts.map(
              (count) =>
                `<text class="soft" x="${x.at(count)}" y="${HEIGHT + 14}" text-anchor="middle">${count}</text>`,
            ),
            // The linear head lies far below as a rule; where it does, it would press the curves together.
            ...levels.filter(({ test }) => test >= low).map((row) => levelShape(row, y(row.test), figure)),
            ...curves.filter(({ isRandom }) => !isRandom).map((curve, k) => curveShape(curve, k, x, y, figure)),
            ...nameShapes(
              curves.filter(({ isRandom }) => !isRandom),
              x,
              y,
            ),
          ].join(""),
      },
    ],
    legend: `Means over seeds.${bands.length > 0 ? " Band: nine of ten random placements, one seed each; the line in it is their median." : ""}`,
  });
}

const HEIGHT = 300;
/** Pixels on the right for the names of the curves, and between two of them. */
const [NAMES, NAME_LINE] = [110, 13];

function placeOf(
  method: string,
): { readonly name: string; readonly selector: string; readonly count: number } | undefined {
  const spec = method === NEIGHBOURS ? undefined : parseMethod(method);
  if (!spec || !("place" in spec) || !("selector" in spec.place)) return undefined;
  const { selector, count, rank } = spec.place;
  // `auto:8` is not eight adapters but as many as are enough.
  if (!count || selector === "auto") return undefined;
  return { name: rank === undefined ? selector : `${selector}@r${rank}`, selector, count };
}

function curvesOf(rows: readonly ComparisonRow[]): readonly Curve[] {
  const found = rows.flatMap((row) => {
    const place = placeOf(row.method);
    return place ? [{ ...place, row }] : [];
  });
  return [...new Set(found.map(({ name }) => name))].map((name) => {
    const points = found.filter((each) => each.name === name).toSorted((a, b) => a.count - b.count);
    return { name, isRandom: points[0]!.selector === "random", points };
  });
}

const describe = ({ name, points }: Curve, figure: (value: number) => string) =>
  `${name}: ${points.map(({ count, row }) => `${figure(row.test)} with ${count}`).join(", ")}.`;

/** Numbers of adapters on a scale of ratios. */
interface CountScale {
  readonly counts: readonly number[];
  at(count: number): number;
}

function scaleOf(all: readonly number[]): CountScale {
  const counts = [...new Set(all)].sort((a, b) => a - b);
  const [first, last] = [Math.log(counts[0]!), Math.log(counts.at(-1)!)];
  const at = (count: number) => 16 + ((Math.log(count) - first) / (last - first)) * (PLOT_WIDTH - 16 - NAMES);
  return { counts, at: (count) => round(at(count)) };
}

interface Band {
  readonly counts: readonly number[];
  readonly low: readonly number[];
  readonly middle: readonly number[];
  readonly high: readonly number[];
}

function bandOf({ points }: Curve): Band {
  const drawn = points.map(({ row }) => row.runs.flatMap(({ test }) => test?.value ?? []));
  const at = (share: number) => drawn.map((values) => quantile(values, share));
  return { counts: points.map(({ count }) => count), low: at(0.05), middle: at(0.5), high: at(0.95) };
}

function bandShape({ counts, low, middle, high }: Band, x: CountScale, y: (value: number) => number): string {
  const line = (values: readonly number[]) => values.map((value, k) => `${x.at(counts[k]!)} ${y(value)}`);
  const outline = [...line(low), ...line(high).toReversed()].join("L");
  return `<g><title>random placements</title><path class="box" d="M${outline}Z"/><path class="line" d="M${line(middle).join("L")}"/></g>`;
}

function levelShape({ method, test }: ComparisonRow, y: number, figure: (value: number) => string): string {
  const name = `<text class="soft" x="${PLOT_WIDTH}" text-anchor="end" y="${round(y - 4)}">${xmlText(method)}</text>`;
  return `<g><title>${xmlText(`${method}: ${figure(test)}`)}</title><path class="line dash" d="M0 ${y}H${PLOT_WIDTH}"/>${name}</g>`;
}

/** Four colours, and dashes for the next four. */
const look = (k: number) => `series${k % 4} curve${k % 8 > 3 ? " dash" : ""}`;

function curveShape(
  { name, points }: Curve,
  k: number,
  x: CountScale,
  y: (value: number) => number,
  figure: (value: number) => string,
): string {
  const path = points.map(({ count, row }) => `${x.at(count)} ${y(row.test)}`).join("L");
  const dots = points.map(({ count, row }) => {
    const spread = row.testStd === undefined ? "" : ` ± ${figure(row.testStd)}`;
    const label = xmlText(`${name}, ${count}: ${figure(row.test)}${spread}`);
    return `<circle class="series${k % 4}" cx="${x.at(count)}" cy="${y(row.test)}" r="3.5"><title>${label}</title></circle>`;
  });
  return `<path class="${look(k)}" d="M${path}"/>${dots.join("")}`;
}

/** The curves' names where they end, those that end alike moved apart. */
function nameShapes(curves: readonly Curve[], x: CountScale, y: (value: number) => number): readonly string[] {
  const below = new Map<number, number>();
  return curves
    .map(({ name, points }, k) => ({ name, k, count: points.at(-1)!.count, at: y(points.at(-1)!.row.test) }))
    .sort((a, b) => a.at - b.at)
    .map(({ name, k, count, at }) => {
      const line = Math.max(at, (below.get(count) ?? -Infinity) + NAME_LINE);
      below.set(count, line);
      return `<text class="series${k % 4} curve" x="${round(x.at(count) + 8)}" y="${round(line + 4)}">${xmlText(name)}</text>`;
    });
}
