import { useEffect, useRef } from "preact/hooks";
import type { TrialView } from "../study-view.ts";

export interface TrialDetailProps {
  readonly trial: TrialView;
  readonly metric: string;
  readonly onClose: () => void;
}

/** What each of a trial's runs came to, said and broke on. Takes the focus, so that keys and readers arrive here. */
export function TrialDetail({ trial, metric, onClose }: TrialDetailProps) {
  const section = useRef<HTMLElement>(null);
  useEffect(() => section.current?.focus(), [trial.number]);
  return (
    <section class="wide" ref={section} tabIndex={-1} aria-label={`Trial ${trial.number}`}>
      <h2>
        Trial {trial.number}: {trial.method}{" "}
        <button type="button" onClick={onClose}>
          Close
        </button>
      </h2>
      {trial.runs.map(({ seed, state, attempts, worker, measured, reports, seconds, error, log }) => (
        <div key={seed}>
          <p>
            Seed {seed}: {state}
            {measured !== undefined && `, ${metric} ${measured.toFixed(4)}`}
            {seconds !== undefined && `, ${seconds.toFixed(1)} s`}
            {worker !== undefined && `, worker ${worker}`}
            {attempts > 1 && `, begun ${attempts} times`}
            {reports.length > 0 && `; after each epoch: ${reports.map((value) => value.toFixed(4)).join(", ")}`}
          </p>
          {error !== undefined && <pre class="failed">{error}</pre>}
          {log.length > 0 && <pre>{log.join("\n")}</pre>}
        </div>
      ))}
    </section>
  );
}
