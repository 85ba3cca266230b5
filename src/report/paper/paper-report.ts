import { edgeKinds } from "../../adapters/index.ts";
import {
  analyseExperiment,
  type ExperimentName,
  everyPlaceOf,
  type PaperResults,
  type PaperStudy,
  scoresCsv,
  type Verdict,
} from "../../study/index.ts";
import { heatMapSvg } from "../heat-map-svg.ts";
import type { Table } from "../table.ts";
import { arrow, interval, percent, points, table, two } from "./cells.ts";
import { drawsSvg } from "./draws-svg.ts";
import { placesSvg } from "./places-svg.ts";
import { scoresTables } from "./scores-tables.ts";

/** What an experiment of the paper came to, for people. */
export interface PaperReport {
  readonly verdicts: readonly Verdict[];
  readonly tables: readonly { readonly title: string; readonly table: Table }[];
  /** `name` is what a file may be called, without its ending. */
  readonly pictures: readonly { readonly name: string; readonly title: string; readonly svg: string }[];
  /** Its numbers as CSV, where they are not those of the trainings, which have a CSV of their own. */
  readonly csv?: string;
}

/** An experiment with the trials that its study has. Metrics are shown in %. */
export function paperReport<Name extends ExperimentName>(name: Name, study: PaperStudy): PaperReport {
  return reports[name](analyseExperiment(name, shortlyNamed(study)), everyPlaceOf(study.settings));
}

/** Tasks that are paths by the last part of them, where these differ. */
function shortlyNamed({ settings, trials, tested, scored, ...rest }: PaperStudy): PaperStudy {
  const short = new Map(settings.tasks.map((task) => [task, task.replace(/[/\\]+$/, "").replace(/^.*[/\\]/, "")]));
  const areDifferent = new Set(short.values()).size === short.size;
  const named = <T extends { readonly task: string }>(each: T): T =>
    areDifferent ? { ...each, task: short.get(each.task) ?? each.task } : each;
  return {
    ...rest,
    settings: { ...settings, tasks: settings.tasks.map((task) => named({ task }).task) },
    trials: trials.map(named),
    ...(tested && { tested: tested.map(named) }),
    ...(scored && { scored: scored.map(named) }),
  };
}

/** One way to show each experiment; `all` is the baseline with an adapter at every place. */
const reports: {
  readonly [Name in ExperimentName]: (result: PaperResults[Name], all: string) => PaperReport;
} = {
  places: (result) => ({
    verdicts: result.verdicts,
    tables: [
      {
        title: "Places",
        table: table(
          ["task", "places", "head alone", "best", "", "worst", "", "best − worst", "depth, ρ"],
          result.tasks.map(({ task, places, head, best, worst, gap, depth }) => {
            const at = (edge: typeof best) => places.find((place) => place.edge.from === edge?.from)?.mean;
            return [
              task,
              String(places.length),
              percent(head),
              arrow(best),
              percent(at(best)),
              arrow(worst),
              percent(at(worst)),
              gap ? interval(gap.mean, gap, points) : "",
              interval(depth.value, depth, two),
            ];
          }),
        ),
      },
      {
        title: "What a task loses at the place that is best for another",
        table: table(
          ["best for", "used on", "loss, points", "places on both, ρ"],
          result.transfers.map(({ from, on, loss, correlation }) => [
            from,
            on,
            interval(loss.mean, loss, points),
            interval(correlation.value, correlation, two),
          ]),
          2,
        ),
      },
    ],
    pictures: picture("places", "One parallel adapter at each place", placesSvg(result)),
  }),

  edges: (result, all) => ({
    verdicts: result.verdicts,
    tables: [
      {
        title: "Edges",
        table: table(
          ["task", "edges", "head alone", all, "best three, measured", "chosen by validation", `it − ${all}`, "noise"],
          result.tasks.map(({ task, matrix, head, all: parallel, top, best, againstAll, noise }) => [
            task,
            String(matrix.flat().filter((value) => value !== undefined).length),
            percent(head),
            percent(parallel),
            top.map(({ edge, mean }) => `${arrow(edge)} ${percent(mean)}`).join(", "),
            arrow(best),
            againstAll ? interval(againstAll.mean, againstAll, points) : "",
            noise ? points(noise.deviation) : "",
          ]),
        ),
      },
      {
        title: "Median by kind",
        table: table(
          ["task", ...edgeKinds],
          result.tasks.map(({ task, kinds }) => [
            task,
            ...edgeKinds.map((kind) => {
              const found = kinds.find((each) => each.kind === kind);
              return found ? `${percent(found.median)} (${found.edges})` : "";
            }),
          ]),
        ),
      },
    ],
    pictures: result.tasks
      .filter(({ matrix }) => matrix.flat().some((value) => value !== undefined))
      .flatMap(({ task, matrix, top }, k, shownTasks) => {
        const shown = matrix.map((row) => row.map((value) => (value === undefined ? Number.NaN : 100 * value)));
        const title = `${task}: one adapter on an edge, metric in %`;
        const chosen = top.map(({ edge }) => edge);
        const map = { matrix: shown, states: result.states, scoreName: "metric, %", title, chosen };
        const name = fileName(task);
        const isTaken = shownTasks.slice(0, k).some((other) => fileName(other.task) === name);
        return picture(`edges-${name}${isTaken ? `-${k + 1}` : ""}`, title, heatMapSvg(map));
      }),
  }),

  correlation: ({ pairs, seeds, verdicts }) => ({
    verdicts,
    tables: [
      {
        title: "Rank correlation of the matrices of two tasks",
        table: table(
          ["task", "and", "edges on both", "ρ and its interval", "p (Mantel)"],
          pairs.map(({ tasks: [a, b], edges, value, whole }) => [
            a,
            b,
            String(edges),
            interval(value, whole ?? {}, two),
            whole ? String(Number(whole.p.toPrecision(2))) : "",
          ]),
          2,
        ),
      },
      {
        title: "The same of two seeds of one task",
        table: table(
          ["task", "ρ"],
          seeds.map(({ task, value }) => [task, two(value)]),
        ),
      },
    ],
    pictures: [],
  }),

  scores: (result) => ({
    verdicts: result.verdicts,
    tables: scoresTables(result),
    pictures: [],
    csv: scoresCsv(result),
  }),

  random: (result, all) => ({
    verdicts: result.verdicts,
    tables: [
      {
        title: "Draws",
        table: table(
          [
            "task",
            "draws",
            "least",
            "median",
            "most",
            all,
            "above it",
            "head alone",
            "chosen",
            "chosen, test",
            `${all}, test`,
          ],
          result.tasks.map(({ task, draws, median, interval: bounds, all: parallel, above, head, best, test }) => [
            task,
            String(draws.length),
            draws.length === 0 ? "" : percent(Math.min(...draws)),
            draws.length === 0 ? "" : interval(median, bounds, percent),
            draws.length === 0 ? "" : percent(Math.max(...draws)),
            percent(parallel),
            above === undefined || draws.length === 0 ? "" : `${(100 * above).toFixed(0)} %`,
            percent(head),
            percent(best?.measured),
            percent(test?.best),
            percent(test?.all),
          ]),
        ),
      },
    ],
    pictures: picture("random", "Random placements", drawsSvg(result, all)),
  }),

  baselines: ({ methods, tasks, verdicts }) => ({
    verdicts,
    tables: [
      {
        title: "Baselines",
        table: table(
          ["method", ...tasks.map(({ task }) => task)],
          methods.flatMap((method, k) => {
            const cells = tasks.map((task) => task.cells[k]);
            const means = cells.map((cell) =>
              cell === undefined
                ? ""
                : `${percent(cell.mean)}${cell.deviation === undefined ? "" : ` ± ${points(cell.deviation)}`}`,
            );
            const bests = cells.map((cell) => percent(cell?.best));
            const rows = [[method, ...means]];
            return bests.some((text) => text !== "") ? [...rows, [`${method}, best by validation`, ...bests]] : rows;
          }),
        ),
      },
    ],
    pictures: [],
  }),
};

const picture = (name: string, title: string, svg: string | undefined) =>
  svg === undefined ? [] : [{ name, title, svg }];

/** A task may be a path. */
export const fileName = (task: string): string =>
  task
    .replace(/^.*[/\\]/, "")
    .replace(/\.[a-z]+$/i, "")
    .replace(/[^\w-]+/g, "-");
