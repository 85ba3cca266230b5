import { useMemo, useState } from "preact/hooks";
import type { StudyView } from "../study-view.ts";
import { EdgeMap } from "./edge-map.tsx";
import { cost, front, history, importanceBars, parallel, randomBand } from "./plots.ts";
import { Plotted } from "./plotted.tsx";
import { TrialDetail } from "./trial-detail.tsx";
import { TrialTable, trialButtonId } from "./trial-table.tsx";

export interface AppProps {
  readonly view: StudyView;
  /** Whether the server has stopped answering. */
  readonly isLost: boolean;
}

/** The whole page: one task at a time; an edge that is chosen filters the trials. */
export function App({ view, isLost }: AppProps) {
  const [taskAt, setTaskAt] = useState(0);
  const [edge, setEdge] = useState<string>();
  const [chosen, setChosen] = useState<number>();
  const task = view.tasks[taskAt]!;
  const { trials, metric } = task;
  const pictures = useMemo(
    () =>
      [
        ["History", `Each trial's ${metric}, and the best so far.`, history(task)],
        ["Random draws", `Trials drawn at random against the baselines.`, randomBand(task)],
        [
          "What matters",
          `Share of the variance of ${metric} that each setting explains by itself.`,
          importanceBars(task),
        ],
        [
          "Metric against cost",
          `Ringed: no other trial is better in one of ${view.objectives.join(", ")} and as good in the rest.`,
          front(task, view.objectives),
        ],
        [
          "Settings",
          "A line for each trial: the brighter and wider, the better. Of several edges the mean ends.",
          parallel(task),
        ],
        ["Cost", "Seconds of training for each trial, all seeds together.", cost(task)],
      ] as const,
    [task, view.objectives],
  );
  const detail = trials.find(({ number }) => number === chosen);
  return (
    <>
      <h1>{view.name}</h1>
      <p>
        {view.model}, {view.states} states. {summary(trials)}
        {isPartly(trials) && " A trial that is not complete has the mean of its trainings so far."}
        <strong role="status">{isLost && " The server does not answer: this is what it said last."}</strong>
      </p>
      {view.tasks.length > 1 && (
        <nav aria-label="Tasks">
          {view.tasks.map(({ name }, at) => (
            <button
              key={name}
              type="button"
              aria-pressed={at === taskAt}
              onClick={() => {
                setTaskAt(at);
                setEdge(undefined);
                setChosen(undefined);
              }}
            >
              {name}
            </button>
          ))}
        </nav>
      )}
      <div class="panels">
        <EdgeMap trials={trials} states={view.states} metric={metric} chosen={edge} onChoose={setEdge} />
        {pictures.map(([title, text, picture]) => (
          <Plotted key={title} title={title} text={text} picture={picture} />
        ))}
      </div>
      <TrialTable
        trials={trials}
        metric={metric}
        edge={edge}
        chosen={chosen}
        onChoose={setChosen}
        onAllEdges={() => setEdge(undefined)}
      />
      {detail && (
        <TrialDetail
          trial={detail}
          metric={metric}
          onClose={() => {
            setChosen(undefined);
            document.getElementById(trialButtonId(detail.number))?.focus();
          }}
        />
      )}
    </>
  );
}

const isPartly = (trials: StudyView["tasks"][number]["trials"]): boolean =>
  trials.some(({ state, metric }) => state !== "complete" && metric !== undefined);

function summary(trials: StudyView["tasks"][number]["trials"]): string {
  const counts = ["complete", "running", "waiting", "pruned", "failed"].flatMap((state) => {
    const count = trials.filter((trial) => trial.state === state).length;
    return count > 0 ? [`${count} ${state}`] : [];
  });
  return `${trials.length} trials: ${counts.join(", ") || "none yet"}.`;
}
