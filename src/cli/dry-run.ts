import { tensorBytes } from "../graph/index.ts";
import { describeMethod, tunedParameters } from "../methods/index.ts";
import type { AdapterOptions, Backbone, Task, TrainOptions } from "../node.ts";
import { estimateScoring } from "../scoring/index.ts";
import { choosingWork, parseMethod } from "../selection/index.ts";
import type { DatasetDescription } from "../tables/index.ts";
import { describeRows, isImageFolder } from "../tasks/index.node.ts";
import { type Goal, labelsOf, outputNames, type Split } from "../tasks/index.ts";
import { estimateTraining, precisionOf, type Trained, type TrainingEstimate } from "../training/index.ts";
import { type ColumnArgs, coarsePass, columnNames } from "./arguments.ts";
import { assumedMethod, type MethodArgs, widestOnTheWay } from "./assumed-method.ts";
import type { CommandContext } from "./define-command.ts";
import { type MemoryOutlook, memoryOutlook } from "./memory.ts";
import type { TrainTaskArgs } from "./train-task.ts";

const SPLITS = ["train", "validation", "test"] as const;
type Counts = Readonly<Record<(typeof SPLITS)[number], number>>;

/** What `graft train --dry-run` says. */
export interface DryRun {
  readonly model: {
    readonly name: string;
    readonly source: string;
    readonly blocks: number;
    readonly states: number;
    readonly hiddenSize: number;
    readonly normPosition: Backbone["normPosition"];
    readonly pooling: Backbone["pooling"];
    readonly input: Backbone["input"];
    /** Of frozen weights. */
    readonly weightBytes: number;
  };
  readonly data: {
    readonly name: string;
    readonly title: string;
    readonly goal: Goal;
    readonly counts: Counts;
    /** Examples of each class; undefined where the goal has none. */
    readonly classes?: readonly (Counts & { readonly name: string })[];
    /** What was understood of rows; undefined for generated tasks and folders of pictures. */
    readonly rows?: DatasetDescription;
  };
  readonly training: {
    /** As asked for. */
    readonly place: string;
    /** The edges that are trained, or that the estimate assumed. */
    readonly placement: string;
    /** Scores choose the edges, and are made only by a training. */
    readonly isAssumed: boolean;
    readonly trainableParameters: number;
    /** What is trained, tensor by tensor, the head's last: names say where. */
    readonly tensors: readonly { readonly name: string; readonly shape: readonly number[] }[];
    readonly epochs: number;
    readonly steps: number;
    readonly batchSize: number;
    /** How products with frozen weights would be computed. */
    readonly backbonePrecision: Trained["backbonePrecision"];
  };
  /** Told from the graphs, not measured. */
  readonly memory: MemoryOutlook;
  readonly cost: Pick<TrainingEstimate, "stepSeconds" | "secondsTraining" | "secondsBase" | "memoryBytes"> & {
    /** Undefined where nothing is scored. */
    readonly secondsScoring?: number;
    /** Of trainings that choose the edges; undefined where none does. */
    readonly secondsTrials?: number;
    readonly secondsTotal: number;
  };
}

type Args = MethodArgs &
  Pick<TrainTaskArgs, "threads" | "coarse" | "coarseColumns"> &
  ColumnArgs & { readonly data?: string; readonly skipUnreadable: boolean };

export interface DryRunCall {
  readonly args: Args;
  readonly adapter: AdapterOptions;
  readonly options: TrainOptions;
}

/** Say what a training would do and cost. Trains nothing, writes nothing. */
export async function dryRun(
  { signal, onProgress }: Pick<CommandContext<unknown>, "signal" | "onProgress">,
  backbone: Backbone,
  task: Task,
  { args, adapter, options }: DryRunCall,
): Promise<DryRun> {
  const { seed, threads } = args;
  const { method, isAssumed } = await assumedMethod(args, backbone, adapter);
  const widest = await widestOnTheWay(args, backbone, adapter);
  const memory = () => process.resourceUsage().maxRSS * 1024;
  const outlook = await memoryOutlook(backbone, task, widest ?? method, options, signal);
  const call = { options, memory, signal, onProgress };
  const { trainableParameters, steps, forwardSeconds, headSeconds, ...cost } = await estimateTraining(
    backbone,
    task,
    method,
    call,
  );
  const selecting = { epochs: args.selectEpochs, seeds: args.selectSeeds };
  const work = choosingWork(parseMethod(args.method), options.epochs, selecting);
  const scoring =
    isAssumed && work.scorings > 0
      ? await estimateScoring(backbone, task, {
          ...{ forwardSeconds, headSeconds, seed, threads, signal, onProgress },
          coarse: coarsePass(args),
        })
      : undefined;
  const secondsScoring = scoring && work.scorings * scoring.seconds;
  // Adapters on the way are as many as there will be, or fewer, or as the widest training has at most.
  const trial = widest ? await estimateTraining(backbone, task, widest, call) : { ...cost, forwardSeconds };
  const secondsTrials =
    (work.epochs * trial.secondsTraining) / options.epochs + work.passes * task.validation.count * trial.forwardSeconds;
  return {
    model: modelOf(backbone),
    data: await dataOf(task, args, signal),
    training: {
      place: args.method,
      placement: describeMethod(method),
      isAssumed,
      trainableParameters,
      tensors: tunedParameters(backbone, { method, goal: task.goal }).map(({ name, shape }) => ({ name, shape })),
      epochs: options.epochs,
      steps,
      batchSize: options.batchSize,
      backbonePrecision: await precisionOf(backbone, method, options),
    },
    memory: outlook,
    cost: {
      ...cost,
      memoryBytes: memory(), // scoring may have taken more
      secondsScoring,
      ...(work.trainings > 0 && { secondsTrials }),
      secondsTotal: cost.secondsBase + cost.secondsTraining + (secondsScoring ?? 0) + secondsTrials,
    },
  };
}

function modelOf(backbone: Backbone): DryRun["model"] {
  const { name, source, blocks, states, hiddenSize, normPosition, pooling, input, graph } = backbone;
  const weightBytes = [...graph.initializers.values()].reduce((sum, tensor) => sum + tensorBytes(tensor), 0);
  return { name, source, blocks, states: states.length, hiddenSize, normPosition, pooling, input, weightBytes };
}

async function dataOf(task: Task, args: Args, signal: AbortSignal): Promise<DryRun["data"]> {
  const { name, title, goal } = task;
  const { data, seed, skipUnreadable } = args;
  const isRows = data !== undefined && !(await isImageFolder(data));
  const rows = isRows
    ? await describeRows(data, { columns: columnNames(args), seed, skipUnreadable, signal })
    : undefined;
  const counts = countsOf((split) => task[split].count);
  const classes = rows ? rows.classes : classesOf(task);
  return { name, title, goal, counts, classes: classes.length > 0 ? classes : undefined, rows };
}

const countsOf = (count: (split: (typeof SPLITS)[number]) => number): Counts => ({
  train: count("train"),
  validation: count("validation"),
  test: count("test"),
});

function classesOf(task: Task): readonly (Counts & { readonly name: string })[] {
  if (task.goal.kind !== "classify") return [];
  const having = (split: Split, label: number) =>
    labelsOf(split).reduce((sum, each) => sum + (each === label ? 1 : 0), 0);
  return outputNames(task.goal).map((name, label) => ({ name, ...countsOf((split) => having(task[split], label)) }));
}
