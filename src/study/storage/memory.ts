import { mean } from "../../base/index.ts";
import type { EdgeScores } from "../../scoring/index.ts";
import type { Run, RunKey, Trial, TrialState, TrialValues } from "../trial.ts";
import type { StudyRecord, StudyStorage } from "./storage.ts";

/** What a storage may be filled with, and who hears of changes before they count. */
export interface MemoryStorageOptions {
  readonly trials?: readonly Trial[];
  readonly scores?: Readonly<Record<string, EdgeScores>>;
  /** Called with each trial as it is to be; what it throws leaves everything as it was. */
  readonly onTrial?: (trial: Trial) => void;
  readonly onScores?: (task: string, scores: EdgeScores) => void;
}

/** A study in memory: for tests, for readers, and below the SQLite storage, which writes what changes. */
export function memoryStorage(study: StudyRecord, options: MemoryStorageOptions = {}): StudyStorage {
  const tasks = new Map<string, Trial[]>(study.settings.tasks.map((task) => [task, []]));
  for (const trial of options.trials ?? []) tasks.get(trial.task)!.push(trial);
  for (const trials of tasks.values()) trials.sort((a, b) => a.number - b.number);
  const scores = new Map(Object.entries(options.scores ?? {}));
  let isStopping = false;

  const put = (trial: Trial): void => {
    options.onTrial?.(trial);
    tasks.get(trial.task)![trial.number] = trial;
  };
  /** Change a run that is in one of the states; false where it is not. */
  const change = (
    { task, trial: number, seed }: RunKey,
    from: TrialState,
    next: (run: Run) => Partial<Run>,
  ): boolean => {
    const trial = tasks.get(task)?.[number];
    const run = trial?.runs[seed];
    if (!trial || run?.state !== from) return false;
    put(settled({ ...trial, runs: trial.runs.with(seed, { ...run, ...next(run) }) }));
    return true;
  };
  const end = (key: RunKey, rest: Partial<Run> & { readonly state: TrialState }): boolean =>
    change(key, "running", () => ({ ...rest, endedAt: Date.now() }));

  return {
    study,
    addTrial(task, candidate, origin) {
      const number = tasks.get(task)!.length;
      const runs = Array.from({ length: study.settings.seeds }, (_, seed) => waitingRun({ task, trial: number, seed }));
      const trial: Trial = { task, number, candidate, origin, state: "waiting", runs };
      put(trial);
      return trial;
    },
    startRun: (key, worker) =>
      change(key, "waiting", ({ attempts }) => ({
        state: "running",
        attempts: attempts + 1,
        worker,
        startedAt: Date.now(),
      })),
    report(key, report) {
      // An owner that came back to a run under way is told again what it was told.
      const known = tasks.get(key.task)?.[key.trial]?.runs[key.seed]?.reports ?? [];
      if (known.some(({ epoch }) => epoch === report.epoch)) return false;
      return change(key, "running", ({ reports }) => ({ reports: [...reports, report] }));
    },
    log(key, line) {
      const state = tasks.get(key.task)?.[key.trial]?.runs[key.seed]?.state;
      if (state) change(key, state, ({ log }) => ({ log: [...log, line] }));
    },
    completeRun: (key, result) => end(key, { state: "complete", result }),
    pruneRun: (key, reason) => end(key, { state: "pruned", error: reason }),
    failRun: (key, error) => end(key, { state: "failed", error }),
    returnRun: (key, reason) =>
      change(key, "running", ({ log, attempts }) => ({ ...waitingRun(key), attempts, log: [...log, reason] })),
    trials: (task) => (task === undefined ? [...tasks.values()].flat() : [...(tasks.get(task) ?? [])]),
    scores: (task) => scores.get(task),
    setScores(task, found) {
      options.onScores?.(task, found);
      scores.set(task, found);
    },
    requestStop() {
      isStopping = true;
    },
    isStopRequested: () => isStopping,
    clearStop() {
      isStopping = false;
    },
    close() {},
  };
}

const waitingRun = (key: RunKey): Run => ({ ...key, state: "waiting", attempts: 0, reports: [], log: [] });

/** A trial whose state follows its runs: the first that failed or was pruned ends those that wait. */
function settled(trial: Trial): Trial {
  const states = trial.runs.map(({ state }) => state);
  const broken = states.find((state) => state === "failed" || state === "pruned");
  if (broken) {
    const runs = trial.runs.map((run) => (run.state === "waiting" ? { ...run, state: broken } : run));
    return { ...trial, runs, state: broken };
  }
  if (states.every((state) => state === "complete"))
    return { ...trial, state: "complete", values: valuesOf(trial.runs) };
  return { ...trial, state: states.every((state) => state === "waiting") ? "waiting" : "running" };
}

function valuesOf(runs: readonly Run[]): TrialValues {
  const results = runs.map(({ result }) => result!);
  const ratios = results.flatMap(({ latency }) => (latency ? [latency.model / latency.base] : []));
  return {
    metric: mean(results.map(({ measured }) => measured.value)),
    parameters: mean(results.map(({ trainableParameters }) => trainableParameters)),
    ...(ratios.length > 0 && { latency: mean(ratios) }),
  };
}
