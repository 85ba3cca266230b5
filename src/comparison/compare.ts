import type { AdapterOptions, Placement } from "../adapters/index.ts";
import type { Backbone } from "../backbone/index.ts";
import { type LongCall, mean, type Progress, parseOptions, standardDeviation } from "../base/index.ts";
import type { Evaluation } from "../objective/index.ts";
import type { Scores } from "../scoring/index.ts";
import { parseSelector, select } from "../selection/index.ts";
import type { Task } from "../tasks/index.ts";
import {
  evaluate,
  fitTaskHead,
  type Head,
  TrainOptions,
  type TrainSettings,
  type TunedModel,
  train,
} from "../training/index.ts";

/**
 * The comparison that the demo shows and docs/experiments.md repeats over seeds. Few adapters get rank 32, one in every
 * sub-layer rank 8 (on the embedded model 21,000 against 46,000 parameters).
 */
export const STANDARD_ROWS = ["none", "gga:3@r32", "random:3@r32", "first:3@r32", "all:parallel@r8"] as const;

export interface CompareOptions extends LongCall {
  /**
   * Placements in the `--place` language. `none` is the linear head alone, not trained further; `random` rows
   * without a seed of their own are drawn `draws` times and averaged.
   */
  readonly rows: readonly string[];
  /** Draws of a `random` row; default 3. */
  readonly draws?: number;
  readonly scores?: Scores;
  readonly seed?: number;
  readonly adapter?: AdapterOptions;
  /** Training settings; the seed is `seed`. */
  readonly options?: Omit<TrainSettings, "seed">;
  /** Resident memory of the process in bytes, sampled after every step; without it rows carry none. */
  readonly memory?: () => number;
  /** Called when a row is done. */
  readonly onRow?: (row: ComparisonRow) => void;
}

/** One method in the table: means over its runs. */
export interface ComparisonRow {
  readonly row: string;
  readonly runs: readonly ComparisonRun[];
  readonly validation: number;
  readonly test: number;
  /** Sample standard deviation of test accuracy over the runs; undefined for one. */
  readonly testStd: number | undefined;
  readonly trainableParameters: number;
  readonly seconds: number;
  /** Peak resident memory of the process while the row ran, bytes. */
  readonly peakMemoryBytes: number | undefined;
}

export interface ComparisonRun {
  readonly placement: Placement;
  readonly validation: Evaluation;
  /** Evaluated once, on the parameters that validation chose. */
  readonly test: Evaluation;
  readonly seconds: number;
  readonly model: TunedModel;
}

/**
 * Train several placements on one task from the same head, data order and settings, and measure each on the test split
 * once, with the parameters that did best on validation.
 */
export async function compare(backbone: Backbone, task: Task, options: CompareOptions): Promise<ComparisonRow[]> {
  const { seed = 0, draws = 3, scores, memory, onRow } = options;
  const settings = parseOptions(TrainOptions, { ...options.options, seed }, "training options");
  const headBegun = performance.now();
  const head = await fitTaskHead(backbone, task, settings, progressOf(options));
  const headSeconds = (performance.now() - headBegun) / 1000;
  const rows: ComparisonRow[] = [];
  for (const row of options.rows) {
    const peak = peakOf(memory);
    const spec = parseSelector(row);
    const isDrawn = "selector" in spec && spec.selector === "random" && spec.seed === undefined;
    const runs: ComparisonRun[] = [];
    for (let draw = 0; draw < (isDrawn ? draws : 1); draw++) {
      // A draw of its own for every seed and repetition; GGA's ties are drawn as everywhere else.
      const drawSeed = isDrawn ? 1000 * seed + draw : seed;
      const { placement } = select(row, { states: backbone.states.length, scores, seed: drawSeed });
      runs.push(await runOnce(backbone, task, placement, { ...options, settings, head, headSeconds, peak }));
    }
    rows.push(summary(row, runs, peak.value()));
    onRow?.(rows.at(-1)!);
  }
  return rows;
}

interface RunContext extends CompareOptions {
  readonly settings: TrainOptions;
  readonly head: Head;
  readonly headSeconds: number;
  readonly peak: { sample(): void };
}

async function runOnce(
  backbone: Backbone,
  task: Task,
  placement: Placement,
  context: RunContext,
): Promise<ComparisonRun> {
  const { settings, head, headSeconds, adapter = {}, peak } = context;
  const { threads } = settings;
  const call = {
    ...progressOf(context),
    onProgress: (progress: Progress) => {
      peak.sample();
      context.onProgress?.(progress);
    },
  };
  if (placement.length === 0) {
    const model: TunedModel = {
      backbone,
      spec: { method: { kind: "adapters", placement, adapter }, goal: task.goal },
      tensors: head,
    };
    const validation = await evaluate(model, task.validation, { ...call, threads });
    const test = await evaluate(model, task.test, { ...call, threads });
    return { placement, validation, test, seconds: headSeconds, model };
  }
  const model = await train(backbone, task, placement, { ...call, adapter, head, options: settings });
  const test = await evaluate(model, task.test, { ...call, threads });
  return { placement, validation: model.validation, test, seconds: model.seconds + headSeconds, model };
}

function summary(row: string, runs: readonly ComparisonRun[], peak: number | undefined): ComparisonRow {
  const tests = runs.map((run) => run.test.value);
  return {
    row,
    runs,
    validation: mean(runs.map((run) => run.validation.value)),
    test: mean(tests),
    testStd: tests.length > 1 ? standardDeviation(tests) : undefined,
    trainableParameters: [...runs[0]!.model.tensors.values()].reduce((sum, { bytes }) => sum + bytes.byteLength / 4, 0),
    seconds: mean(runs.map((run) => run.seconds)),
    peakMemoryBytes: peak,
  };
}

function peakOf(memory: (() => number) | undefined) {
  let peak = memory?.();
  return {
    sample() {
      if (memory) peak = Math.max(peak ?? 0, memory());
    },
    value: () => peak,
  };
}

const progressOf = ({ signal, onProgress }: LongCall): LongCall => ({
  ...(signal && { signal }),
  ...(onProgress && { onProgress }),
});
