import { breathe, GraftError, type LongCall, nameSeed, random } from "../base/index.ts";
import type { EdgeScores } from "../scoring/index.ts";
import { TrainOptions } from "../training/index.ts";
import { openPruner } from "./pruners/pruners.ts";
import { openSampler } from "./samplers/samplers.ts";
import { openSpace } from "./space.ts";
import type { StudyRecord, StudyStorage } from "./storage/storage.ts";
import { hasEnded, type Run, type RunKey, type Trial } from "./trial.ts";
import { type RunRequest, UNFIT_HOST, type Workers } from "./workers/workers.ts";

export interface RunStudyOptions extends LongCall {
  /** Edge scores of a task, for a sampler that is guided by them. */
  readonly scores?: (task: string) => Promise<EdgeScores>;
  /** Whether runs that a former owner left under way are still their workers': they are asked for, not begun again. */
  readonly workersOutlive?: boolean;
  /** Called with each trial that has ended. */
  readonly onTrial?: (trial: Trial) => void;
}

/** Why a study came to an end. */
export type StudyEnd = "complete" | "stopped" | "hours";

/** How often the wish to stop is looked for. */
const LOOK_MILLISECONDS = 500;

/** Waiting runs, for each slot, of which the workers choose: not so many that a trial falls far behind. */
const LOOK_AHEAD = 3;

/** The first so many trials may fail alike before the study is given up. */
const ALIKE = 3;

/** How a sampled trial's origin is told from a baseline's. */
const BASELINE = "baseline";

/**
 * Train a study's trials until its limits: the owner of its storage draws candidates, hands runs to the workers, prunes
 * on what they report, and keeps what they give. Run again, it goes on where it stopped, however that was.
 * @throws what aborted it (runs under way go back); what makes this host unfit to train, all runs that it met given back;
 *         STUDY_FAILS where the first trials all fail alike; BAD_SPACE
 */
export async function runStudy(
  storage: StudyStorage,
  workers: Workers,
  options: RunStudyOptions = {},
): Promise<StudyEnd> {
  const { study } = storage;
  const { settings } = study;
  const { signal, onProgress, onTrial } = options;
  const space = openSpace(settings.space, study.backbone);
  const sampler = openSampler(settings.sampler);
  const pruner = openPruner(settings.pruner);
  const { epochs } = TrainOptions.parse(settings.training);
  const begun = performance.now();
  const total = plannedTrainings(study);
  const active = new Map<string, Promise<void>>();
  const controllers = new Map<string, AbortController>();
  const deaths = new Map<string, number>();
  let fatal: unknown;
  let ended: StudyEnd | undefined;

  storage.clearStop();
  for (const run of storage.trials().flatMap(({ runs }) => runs))
    if (run.state === "running" && !options.workersOutlive)
      storage.returnRun(run, "the process that ran the study ended");
  for (const task of settings.tasks)
    for (const method of settings.baselines.slice(storage.trials(task).length))
      storage.addTrial(task, { method }, BASELINE);

  /** Sampled trials of a task. */
  const drawn = (task: string): Trial[] => storage.trials(task).filter(({ origin }) => origin !== BASELINE);

  async function suggest(): Promise<boolean> {
    const tasks = settings.tasks.toSorted((a, b) => drawn(a).length - drawn(b).length);
    for (const task of tasks) {
      const index = drawn(task).length;
      if (index >= (settings.trials ?? Number.POSITIVE_INFINITY)) continue;
      if (sampler.needsScores && !storage.scores(task)) {
        if (!options.scores) throw new TypeError(`sampler ${sampler.name} needs scores, and nobody makes them`);
        storage.setScores(task, await options.scores(task));
      }
      const candidate = sampler.suggest({
        space,
        index,
        trials: storage.trials(task),
        objectives: settings.objectives,
        random: random(settings.seed, nameSeed(task), index),
        scores: storage.scores(task),
      });
      if (!candidate) continue;
      storage.addTrial(task, candidate, sampler.name);
      return true;
    }
    return false;
  }

  /** Of the first runs that wait for nothing the one that suits the workers; of a trial that may be pruned, later seeds wait for the first. */
  function nextWaiting(): Run | undefined {
    const canPrune = pruner.name !== "none";
    const isFree = (run: Run, { runs }: Trial) =>
      !hasEnded(run) &&
      !active.has(keyOf(run)) &&
      (!canPrune || runs.every(({ seed, state }) => seed >= run.seed || state === "complete"));
    const inOrder = storage.trials().toSorted((a, b) => a.number - b.number);
    const free: Run[] = [];
    for (const trial of inOrder) {
      free.push(...trial.runs.filter((each) => isFree(each, trial)));
      if (free.length >= LOOK_AHEAD * workers.slots) break;
    }
    return free[workers.choose?.(free.slice(0, LOOK_AHEAD * workers.slots)) ?? 0];
  }

  function start(run: Run): void {
    const key = keyOf(run);
    const controller = new AbortController();
    controllers.set(key, controller);
    const trial = storage.trials(run.task)[run.trial]!;
    const prune = () => {
      const trials = drawn(run.task);
      if (trial.origin === BASELINE) return;
      if (!pruner.shouldPrune({ run, trials, epochs, seeds: settings.seeds })) return;
      if (storage.pruneRun(run, `pruned by ${pruner.name}`)) controller.abort(PRUNED);
    };
    const done = workers
      .run(requestOf(study, trial, run.seed), {
        signal: controller.signal,
        onStart: (worker) => void storage.startRun(run, worker),
        onReport: (report) => void (storage.report(run, report) && prune()),
        onLog: (line) => storage.log(run, line),
      })
      .then((result) => {
        storage.startRun(run, "a worker"); // one that was done before we asked never said that it began
        storage.completeRun(run, result);
      })
      .catch((error: unknown) => settle(run, controller.signal, error))
      .catch((error: unknown) => {
        fatal ??= error; // of the storage: nothing can be kept any more
      })
      .finally(() => {
        active.delete(key);
        controllers.delete(key);
        const now = storage.trials(run.task)[run.trial]!;
        if (hasEnded(now)) onTrial?.(now);
        report();
      });
    active.set(key, done);
  }

  function settle(run: RunKey, aborted: AbortSignal, error: unknown): void {
    if (aborted.aborted) {
      if (aborted.reason !== PRUNED) storage.returnRun(run, "the study was stopped");
      return;
    }
    const { message } = error as Error;
    const code = error instanceof GraftError ? error.code : "UNEXPECTED";
    // Every run would end like that; it is none's fault.
    if (UNFIT_HOST.has(code)) {
      storage.returnRun(run, message);
      fatal ??= error;
      return;
    }
    if (code === "WORKER_DIED") {
      const died = (deaths.get(keyOf(run)) ?? 0) + 1;
      deaths.set(keyOf(run), died);
      if (died < settings.attempts) return void storage.returnRun(run, message);
    }
    storage.startRun(run, "a worker");
    storage.failRun(run, message);
    fatal ??= failingAlike(storage.trials());
  }

  /** Runs that workers hold ready and nobody has begun: of a queue. */
  function takeBackWaiting(): void {
    for (const run of storage.trials().flatMap(({ runs }) => runs))
      if (run.state === "waiting") controllers.get(keyOf(run))?.abort(LIMIT);
  }

  function report(): void {
    const runs = storage.trials().flatMap((trial) => trial.runs);
    const done = runs.filter(hasEnded).length;
    onProgress?.({ phase: "study", done, total: total ?? done, unit: "trainings" });
  }

  try {
    report();
    for (;;) {
      await breathe(signal);
      if (fatal) throw fatal;
      if (storage.isStopRequested()) ended ??= "stopped";
      if (settings.hours && performance.now() - begun > settings.hours * 3_600_000) ended ??= "hours";
      let run: Run | undefined;
      while (!ended && active.size < workers.slots) {
        run = nextWaiting();
        if (!run && !(await suggest())) break;
        if (run) start(run);
      }
      if (ended) takeBackWaiting();
      if (active.size === 0 && (ended || !run)) break;
      await firstOf(active.values(), signal);
    }
  } catch (error) {
    for (const controller of controllers.values()) controller.abort(error);
    await Promise.all(active.values());
    throw error;
  } finally {
    storage.clearStop();
  }
  return ended ?? "complete";
}

/** Trainings that a study will have done at its end; undefined where only its hours end it. */
export function plannedTrainings({
  settings,
  backbone,
}: Pick<StudyRecord, "settings" | "backbone">): number | undefined {
  const size = openSampler(settings.sampler).size?.(openSpace(settings.space, backbone));
  const trials = Math.min(settings.trials ?? Number.POSITIVE_INFINITY, size ?? Number.POSITIVE_INFINITY);
  if (trials === Number.POSITIVE_INFINITY) return undefined;
  return settings.tasks.length * (trials + settings.baselines.length) * settings.seeds;
}

const PRUNED = new Error("pruned");

/** The study has its limit: nobody is to begin what waits. */
const LIMIT = new Error("the study ends");

const keyOf = ({ task, trial, seed }: RunKey): string => `${trial} ${seed} ${task}`;

function requestOf({ name, settings, backbone, data, createdAt }: StudyRecord, trial: Trial, seed: number): RunRequest {
  const { model, dtype, trainSize, measureSize, training } = settings;
  return {
    study: name,
    createdAt,
    task: trial.task,
    trial: trial.number,
    seed,
    candidate: trial.candidate,
    model: { model, dtype },
    trainSize,
    measureSize,
    training,
    measuresLatency: settings.objectives.includes("latency"),
    backboneHash: backbone.hash,
    dataHash: data[trial.task]![seed]!,
  };
}

/** An error where the first trials that ended have all failed alike. */
function failingAlike(trials: readonly Trial[]): GraftError | undefined {
  const ended = trials.filter(hasEnded);
  const errors = ended.map(({ runs }) => runs.find(({ error }) => error !== undefined)?.error);
  const [first] = errors;
  const isAlike = (error: string | undefined) => error !== undefined && kindOf(error) === kindOf(first!);
  if (ended.length < ALIKE || !errors.every(isAlike)) return undefined;
  return new GraftError("STUDY_FAILS", {
    thing: "the study",
    place: `its first ${ended.length} trials failed alike: ${first}`,
    remedy: "Mend that, and make the study anew",
  });
}

/** An error without what it says of the one training: its thing, and numbers. */
const kindOf = (message: string): string => message.slice(message.indexOf(": ") + 1).replaceAll(/\d+/g, "#");

/** Wait until one of them ends, the signal says so, or it is time to look around. */
async function firstOf(promises: Iterable<Promise<void>>, signal: AbortSignal | undefined): Promise<void> {
  let wake = () => {};
  const rest = new Promise<void>((resolve) => {
    wake = resolve;
  });
  const timer = setTimeout(wake, LOOK_MILLISECONDS);
  signal?.addEventListener("abort", wake);
  try {
    await Promise.race([...promises, rest]);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", wake);
  }
}
