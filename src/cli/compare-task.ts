import {
  type Comparison,
  compareMethods,
  countJobs,
  type Job,
  type MethodRun,
  NEIGHBOURS,
  type RunSettings,
  withControls,
} from "../comparison/index.ts";
import { type Backbone, GraftError, metricName, type Task } from "../node.ts";
import { devices } from "../runtime/index.ts";
import { needsScores, parseMethod } from "../selection/index.ts";
import { columnNames } from "./arguments.ts";
import type { ChildCall, Scored } from "./compare-child.ts";
import { runInChild } from "./compare-host.ts";
import type { CommandContext } from "./define-command.ts";
import type { DataArgs } from "./open.ts";
import { duration } from "./progress-view.ts";
import { openJournal } from "./run-journal.ts";
import { showMetric } from "./show-metric.ts";

/** What of `graft compare`'s arguments the work depends on. */
export interface CompareTaskArgs extends DataArgs {
  readonly model: string;
  readonly dtype?: string;
  readonly device?: ChildCall["model"]["device"];
  readonly seeds: readonly number[];
  readonly reference: string;
  readonly lrTrials: number;
  readonly draws: number;
  readonly out: string;
}

export interface CompareTaskCall {
  readonly args: CompareTaskArgs;
  readonly methods: readonly string[];
  readonly settings: RunSettings;
}

type Context = Pick<CommandContext<unknown>, "signal" | "onProgress" | "line" | "note">;

/**
 * Compare methods, every run in a process of its own and on disk in `--out` before the next starts; what is there from an
 * earlier call is not done again.
 * @throws GraftError COMPARE_MISMATCH, TRAINING_DIED, and what runs throw
 */
export async function compareTask(
  { signal, onProgress, line, note }: Context,
  backbone: Backbone,
  task: Task,
  { args, methods: asked, settings }: CompareTaskCall,
): Promise<{ comparison: Comparison; runsDoneNow: number }> {
  const { model, dtype, seeds, reference, lrTrials: trials, draws, out } = args;
  // What `auto` stands for is settled once: a comparison is of one device.
  const settled = args.device === "auto" ? await backbone.runtime.settleDevice() : args.device;
  const device = devices.find((name) => name === settled) ?? "cpu";
  const journal = await openJournal(out, {
    backbone: backbone.hash,
    task: task.name,
    data: args.task ?? args.data,
    columns: columnNames(args),
    // Undefined on the CPU, as in folders from before it was kept.
    device: device === "cpu" ? undefined : device,
    counts: [task.train, task.validation, task.test].map(({ count }) => count),
    goal: task.goal,
    ...settings,
  });
  const { methods, added } = withControls(asked, reference);
  if (added.length > 0) note(`added, for the others to be measured against: ${added.join(", ")}`);
  const total = countJobs(methods, { seeds, trials, draws });
  const goesOn = journal.finished.length === 0 ? "" : "; what is there of them is not done again";
  note(`${methods.length} methods, ${total} runs, kept in ${out}${goesOn}`);

  const common = {
    model: { model, dtype, device },
    data: args,
    settings: { ...settings, measuresExport: true, keepsExamples: seeds.length === 1 },
  };
  const inChild = (work: ChildCall["work"]) => runInChild({ ...common, work }, { signal, onProgress, onNote: note });
  const scored = new Map<number, Scored>();
  const scoresFor = async ({ method, seed }: Job): Promise<Scored | undefined> => {
    if (method === NEIGHBOURS || !needsScores(parseMethod(method))) return undefined;
    const answer = scored.get(seed) ?? (await inChild({ seed })).scored!;
    scored.set(seed, answer);
    return answer;
  };
  const metric = metricName(task.goal);
  const begun = performance.now();
  let runsDoneNow = 0;
  const comparison = await compareMethods<MethodRun>({
    methods: asked,
    seeds,
    reference,
    trials,
    draws,
    finished: journal.finished,
    run: async (job) => (await inChild({ seed: job.seed, job, scores: await scoresFor(job) })).run!,
    async onRun(run, { at, of }) {
      await journal.append(run);
      runsDoneNow++;
      const { testScores: _, ...said } = run;
      line("run", said);
      const secondsEach = (performance.now() - begun) / 1000 / runsDoneNow;
      const left = at < of ? `; about ${duration(secondsEach * (of - at))} left` : "";
      note(`run ${at} of ${of}: ${describeRun(run, metric)}${left}`);
    },
  }).catch((error) => {
    throw signal.aborted ? withHint(error) : error;
  });
  return { comparison, runsDoneNow };
}

function describeRun(
  { method, seed, isTrial, learningRate, microBatch, recompute, validation, test, failure, seconds }: MethodRun,
  metric: string,
) {
  const rate = learningRate === undefined ? "" : `, learning rate ${Number(learningRate.toPrecision(2))}`;
  const memory = [
    ...(microBatch === undefined ? [] : [`, --micro-batch ${microBatch}`]),
    ...(recompute === undefined ? [] : [`, --recompute ${recompute}`]),
  ];
  const fitted = memory.length === 0 ? "" : `${memory.join("")} for memory`;
  const figure = (name: string, value: number | undefined) =>
    value === undefined ? [] : [`${name} ${showMetric(metric, value)}`];
  const figures = [...figure("validation", validation?.value), ...figure("test", test?.value)];
  const result = failure === undefined ? figures.join(", ") : `failed (${failure})`;
  return `${isTrial ? "trial of " : ""}${method}, seed ${seed}${rate}${fitted}: ${result} (${seconds.toFixed(1)} s)`;
}

/** A stop, with what to do next. */
function withHint(error: unknown): unknown {
  if (!(error instanceof GraftError) || error.code !== "ABORTED") return error;
  const { thing, place } = error;
  return new GraftError("ABORTED", {
    thing,
    place,
    remedy: "The same command goes on with what is missing",
    cause: error,
  });
}
