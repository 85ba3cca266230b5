import { useState } from "preact/hooks";
import type { TrialView } from "../study-view.ts";

export interface TrialTableProps {
  readonly trials: readonly TrialView[];
  readonly metric: string;
  /** `from-to`: only trials that hold it. */
  readonly edge: string | undefined;
  readonly chosen: number | undefined;
  readonly onChoose: (trial: number) => void;
  readonly onAllEdges: () => void;
}

interface Column {
  readonly title: string;
  readonly isText?: boolean;
  readonly value: (trial: TrialView) => number | string | undefined;
  readonly show?: (value: number) => string;
}

/** Rows drawn before one asks for all: a page of thousands opens at once. */
const FIRST = 200;

/** The trials: a press on a heading sorts, on a trial's number opens it. */
export function TrialTable({ trials, metric, edge, chosen, onChoose, onAllEdges }: TrialTableProps) {
  const [sort, setSort] = useState({ at: 5, isDown: true });
  const [filter, setFilter] = useState("");
  const [isWhole, setIsWhole] = useState(false);
  const columns = columnsOf(metric);
  const { value } = columns[sort.at]!;
  const wanted = filter.trim().toLowerCase();
  const found = trials
    .filter((trial) => edge === undefined || trial.edges.some((ends) => ends.join("-") === edge))
    .filter(({ method, origin, state }) => `${method} ${origin} ${state}`.toLowerCase().includes(wanted))
    .toSorted((a, b) => compare(value(a), value(b), sort.isDown) || a.number - b.number);
  return (
    <section class="wide">
      <h2>Trials</h2>
      <div class="filters">
        <label>
          Filter{" "}
          <input
            type="search"
            value={filter}
            onInput={(event) => setFilter(event.currentTarget.value)}
            placeholder="method, origin or state"
          />
        </label>
        {edge !== undefined && (
          <button type="button" onClick={onAllEdges}>
            Edge {edge} ✕
          </button>
        )}
        <span class="soft" role="status">
          {found.length} of {trials.length}
        </span>
      </div>
      <div class="scroll">
        <table class="trials">
          <thead>
            <tr>
              {columns.map(({ title, isText }, at) => (
                <th
                  key={title}
                  scope="col"
                  class={isText ? "text" : undefined}
                  aria-sort={at !== sort.at ? undefined : sort.isDown ? "descending" : "ascending"}
                >
                  <button
                    type="button"
                    onClick={() => setSort({ at, isDown: at === sort.at ? !sort.isDown : !isText })}
                  >
                    {title}
                  </button>
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {(isWhole ? found : found.slice(0, FIRST)).map((trial) => (
              <tr key={trial.number} class={trial.number === chosen ? "chosen" : undefined}>
                <td>
                  <button
                    type="button"
                    id={trialButtonId(trial.number)}
                    aria-label={`Trial ${trial.number}`}
                    aria-current={trial.number === chosen}
                    onClick={() => onChoose(trial.number)}
                  >
                    {trial.number}
                  </button>
                </td>
                {columns.slice(1).map((column) => (
                  <td
                    key={column.title}
                    class={column.isText ? "text" : undefined}
                    title={column.isText ? `${column.value(trial)}` : undefined}
                  >
                    {shown(column, trial)}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {!isWhole && found.length > FIRST && (
        <button type="button" onClick={() => setIsWhole(true)}>
          Show all {found.length}
        </button>
      )}
    </section>
  );
}

/** Where focus returns to when a trial is closed. */
export const trialButtonId = (trial: number): string => `trial-${trial}`;

const columnsOf = (metric: string): readonly Column[] => [
  { title: "trial", value: ({ number }) => number },
  { title: "method", isText: true, value: ({ method }) => method },
  { title: "origin", isText: true, value: ({ origin }) => origin },
  { title: "state", isText: true, value: ({ state }) => state },
  { title: "learning rate", value: ({ learningRate }) => learningRate, show: (rate) => rate.toPrecision(3) },
  { title: metric, value: ({ metric: value }) => value, show: (value) => value.toFixed(4) },
  { title: "parameters", value: ({ parameters }) => parameters, show: (count) => count.toLocaleString("en") },
  { title: "latency", value: ({ latency }) => latency, show: (ratio) => `${ratio.toFixed(2)}×` },
  { title: "seconds", value: ({ seconds }) => seconds, show: (seconds) => seconds.toFixed(1) },
  { title: "memory, MiB", value: ({ memoryBytes }) => memoryBytes, show: (bytes) => (bytes / 2 ** 20).toFixed(0) },
];

function shown({ value, show = String }: Column, trial: TrialView): string {
  const found = value(trial);
  return found === undefined ? "–" : typeof found === "number" ? show(found) : found;
}

/** What is not known comes last either way. */
function compare(a: number | string | undefined, b: number | string | undefined, isDown: boolean): number {
  if (a === undefined || b === undefined) return Number(a === undefined) - Number(b === undefined);
  const order = a < b ? -1 : a > b ? 1 : 0;
  return isDown ? -order : order;
}
