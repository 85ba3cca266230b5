import { median, roughDuration } from "../base/index.ts";
import { hasEnded, plannedTrainings, type Run, type StudyRecord, type Trial } from "../study/index.ts";
import { type Column, terminalTable } from "./table.ts";

const HOUR = 3_600_000;

const COLUMNS: readonly Column[] = [
  { title: "task" },
  ...["complete", "running", "pruned", "failed", "best"].map((title) => ({ title, align: "right" }) as const),
  { title: "by (trial)" },
  { title: "random: median (least–most)", align: "right" },
];

export interface StudyMoment {
  /** Milliseconds since 1970. */
  readonly now: number;
  /** Whether a process runs the study: one that was killed leaves its runs as they were, under way. */
  readonly isOwned: boolean;
  readonly file: string;
}

/** How far a study is and what it found, for a terminal: a row a task, then rate and end. */
export function studySummary(trials: readonly Trial[], study: StudyRecord, moment: StudyMoment): string {
  const runs = trials.flatMap((trial) => trial.runs);
  return [
    `${study.name}: ${study.settings.model}, ${study.backbone.states} states`,
    "",
    terminalTable({
      columns: COLUMNS,
      rows: study.settings.tasks.map((task) =>
        taskRow(
          task,
          trials.filter((trial) => trial.task === task),
        ),
      ),
    }),
    pace(runs, study, moment),
  ].join("\n");

  function taskRow(task: string, own: readonly Trial[]): string[] {
    const count = (state: Trial["state"]) => String(own.filter((trial) => trial.state === state).length);
    const complete = own.filter(({ values }) => values !== undefined && !Number.isNaN(values.metric));
    const best = complete.toSorted((a, b) => b.values!.metric - a.values!.metric)[0];
    const random = complete.filter(({ origin }) => origin === "random").map(({ values }) => values!.metric);
    return [
      task,
      count("complete"),
      count("running"),
      count("pruned"),
      count("failed"),
      best ? best.values!.metric.toFixed(4) : "–",
      best ? `${best.candidate.method} (${best.number})` : "–",
      random.length > 0 ? spread(random) : "–",
    ];
  }
}

const spread = (values: readonly number[]): string =>
  `${median(values).toFixed(4)} (${Math.min(...values).toFixed(4)}–${Math.max(...values).toFixed(4)})`;

/** Trainings done, how many an hour, and when the rest will be. */
function pace(runs: readonly Run[], study: StudyRecord, { now, isOwned, file }: StudyMoment): string {
  const done = runs.filter(hasEnded);
  const planned = plannedTrainings(study);
  const head = `${done.length}${planned === undefined ? "" : ` of ${planned}`} trainings`;
  const recent = sinceLastPause(done).filter((at) => at > now - HOUR);
  if (planned !== undefined && done.length >= planned) return head;
  if (!isOwned) return `${head}; no process runs it: \`graft study run ${file}\` goes on`;
  if (recent.length < 2) return head;
  const perHour = (recent.length - 1) / ((now - recent[0]!) / HOUR);
  const rate = `${head}, ${perHour.toFixed(0)} an hour`;
  if (planned === undefined) return rate;
  return `${rate}, about ${roughDuration(((planned - done.length) / perHour) * 3600)} left`;
}

/** When trainings ended, the earliest first, from the last time on that nothing ended for twice as long as the longest of them took. */
function sinceLastPause(runs: readonly Run[]): readonly number[] {
  const longest = Math.max(
    0,
    ...runs.flatMap(({ startedAt, endedAt }) => (startedAt && endedAt ? [endedAt - startedAt] : [])),
  );
  const ends = runs.flatMap(({ endedAt }) => (endedAt === undefined ? [] : [endedAt])).toSorted((a, b) => a - b);
  const isPause = (at: number, k: number) => longest > 0 && k > 0 && at - ends[k - 1]! > 2 * longest;
  return ends.slice(Math.max(0, ends.findLastIndex(isPause)));
}
