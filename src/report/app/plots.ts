import { axisX, barX, binX, dot, line, type PlotOptions, rectY, ruleX, ruleY, text } from "@observablehq/plot";
import { colorAt, hex } from "../color-scale.ts";
import type { StudyView, TaskView, TrialView } from "../study-view.ts";
import { rangeOf } from "./numbers.ts";

type Measured = TrialView & { readonly metric: number };
const ACCENT = "var(--accent)";

const measured = ({ trials }: TaskView): Measured[] =>
  trials.filter((trial): trial is Measured => trial.metric !== undefined);

/** In the order in which trials ended; the line is the best so far, baselines apart. */
export function history(task: TaskView): PlotOptions | undefined {
  const ended = measured(task).toSorted((a, b) => (a.endedAt ?? 0) - (b.endedAt ?? 0) || a.number - b.number);
  if (ended.length === 0) return undefined;
  let best = Number.NEGATIVE_INFINITY;
  const rows = ended.map(({ number, method, metric, origin }, k) => {
    if (origin !== "baseline") best = Math.max(best, metric);
    return { order: k + 1, best, metric, isBaseline: origin === "baseline", title: `${number}: ${method}\n${metric}` };
  });
  return {
    x: { label: "trials ended" },
    y: { label: task.metric, grid: true },
    marks: [
      dot(rows, {
        x: "order",
        y: "metric",
        r: 2.5,
        fill: ({ isBaseline }) => (isBaseline ? "none" : "var(--soft)"),
        stroke: "var(--soft)",
        title: "title",
      }),
      line(
        rows.filter((row) => Number.isFinite(row.best)),
        { x: "order", y: "best", stroke: ACCENT, strokeWidth: 2, curve: "step-after" },
      ),
    ],
  };
}

/** How draws at random spread, and where each baseline lies. */
export function randomBand(task: TaskView): PlotOptions | undefined {
  const all = measured(task);
  const draws = all.filter(({ origin }) => origin === "random");
  if (draws.length === 0) return undefined;
  const baselines = all.filter(({ origin }) => origin === "baseline").toSorted((a, b) => a.metric - b.metric);
  const [low, high] = rangeOf(all.map(({ metric }) => metric));
  return {
    marginTop: 20 + 14 * baselines.length,
    x: { label: task.metric },
    y: { label: "draws", grid: true },
    marks: [
      rectY(draws, { ...binX({ y: "count" }, { x: "metric" }), fill: "var(--soft)", fillOpacity: 0.6 }),
      ruleY([0]),
      ruleX(baselines, { x: "metric", stroke: ACCENT, strokeWidth: 2 }),
      // Each on a line of its own, towards the middle.
      ...baselines.map((baseline, k) =>
        text([baseline], {
          x: "metric",
          text: "method",
          frameAnchor: "top",
          lineAnchor: "bottom",
          textAnchor: baseline.metric > (low + high) / 2 ? "end" : "start",
          dy: -4 - 14 * k,
          fill: "currentColor",
        }),
      ),
    ],
  };
}

export function importanceBars({ importance }: TaskView): PlotOptions | undefined {
  if (importance.length === 0) return undefined;
  return {
    marginLeft: 90,
    height: 50 + 34 * importance.length,
    x: { label: "share", domain: [0, Math.max(0.01, ...importance.map(({ share }) => share))], grid: true },
    y: { label: null, domain: importance.map(({ factor }) => factor) },
    marks: [barX(importance, { x: "share", y: "factor", fill: ACCENT }), ruleX([0])],
  };
}

const COSTS = { parameters: "trainable parameters", latency: "latency, exported model to base" } as const;

/** How good a model is against what it costs: in what the study wants to be small, else in parameters. */
export function front(task: TaskView, objectives: StudyView["objectives"]): PlotOptions | undefined {
  const cost = objectives.find((objective) => objective !== "metric") ?? "parameters";
  const rows = measured(task).filter((row) => row[cost] !== undefined);
  if (rows.length === 0) return undefined;
  return {
    x: { label: COSTS[cost], grid: true },
    y: { label: task.metric, grid: true },
    marks: [
      dot(rows, { x: cost, y: "metric", r: 2.5, fill: "var(--soft)", title: title }),
      dot(
        rows.filter(({ isOnFront }) => isOnFront),
        { x: cost, y: "metric", r: 6, stroke: ACCENT, strokeWidth: 2, title: title },
      ),
    ],
  };
}

const AXES = ["count", "from", "to", "rank", "learningRate", "initScale", "metric"] as const;

/** Parallel coordinates over the settings that vary; of several edges the mean ends. The best lie on top, the widest. */
export function parallel(task: TaskView): PlotOptions | undefined {
  const rows = measured(task)
    .filter(({ edges }) => edges.length > 0)
    .toSorted((a, b) => a.metric - b.metric);
  const axes = AXES.flatMap((name) => {
    const values = rows.map((row) => settingOf(row, name));
    const [low, high] = rangeOf(values.filter((value) => value !== undefined));
    return high > low ? [{ name: name === "metric" ? task.metric : name, values, low, high }] : [];
  });
  if (axes.length < 2) return undefined;
  const quality = axes.at(-1)!;
  const points = axes.flatMap(({ name, values, low, high }) =>
    rows.flatMap((row, k) => {
      const value = values[k];
      if (value === undefined) return [];
      const fraction = (row.metric - quality.low) / (quality.high - quality.low || 1);
      return [
        {
          name,
          at: (value - low) / (high - low),
          number: row.number,
          color: hex(colorAt(fraction)),
          width: 1 + 2 * fraction ** 4,
          title: title(row),
        },
      ];
    }),
  );
  const ends = axes.flatMap(({ name, low, high }) => [
    { name, at: 0, label: label(name, low) },
    { name, at: 1, label: label(name, high) },
  ]);
  return {
    marginTop: 30,
    marginBottom: 40,
    x: { type: "point", domain: axes.map(({ name }) => name), label: null },
    y: { axis: null },
    marks: [
      ruleX(
        axes.map(({ name }) => name),
        { stroke: "var(--line)" },
      ),
      line(points, {
        x: "name",
        y: "at",
        z: "number",
        stroke: "color",
        strokeWidth: "width",
        strokeOpacity: Math.max(0.25, Math.min(1, 60 / rows.length)),
        title: "title",
      }),
      text(
        ends.filter(({ at }) => at === 1),
        { x: "name", y: "at", text: "label", dy: -10, fill: "currentColor" },
      ),
      text(
        ends.filter(({ at }) => at === 0),
        { x: "name", y: "at", text: "label", dy: 10, fill: "currentColor" },
      ),
      axisX({ anchor: "bottom", tickSize: 0, dy: 12, label: null }),
    ],
  };
}

function settingOf({ edges, rank, learningRate, initScale, metric }: Measured, name: (typeof AXES)[number]) {
  const meanEnd = (end: 0 | 1) => edges.reduce((sum, edge) => sum + edge[end], 0) / edges.length;
  return {
    count: edges.length,
    from: meanEnd(0),
    to: meanEnd(1),
    rank,
    metric,
    learningRate: learningRate && Math.log10(learningRate),
    initScale: initScale && Math.log10(initScale),
  }[name];
}

export function cost(task: TaskView): PlotOptions | undefined {
  const rows = task.trials.filter(({ seconds, parameters }) => seconds !== undefined && parameters !== undefined);
  if (rows.length === 0) return undefined;
  return {
    x: { label: "trainable parameters", grid: true },
    y: { label: "seconds", grid: true, zero: true },
    marks: [dot(rows, { x: "parameters", y: "seconds", r: 2.5, fill: "var(--soft)", title: title })],
  };
}

const title = ({ number, method, metric }: TrialView): string => `${number}: ${method}\n${metric}`;

/** Rates lie on their axes by logarithm and are labelled as they are. */
const label = (name: string, value: number): string =>
  String(Number((name === "learningRate" || name === "initScale" ? 10 ** value : value).toPrecision(3)));
