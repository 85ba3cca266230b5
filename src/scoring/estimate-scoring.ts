import type { Backbone } from "../backbone/index.ts";
import type { LongCall } from "../base/index.ts";
import { headWidth } from "../methods/index.ts";
import { outputNames, type Task } from "../tasks/index.ts";
import { type EdgeColumn, edgeColumns } from "./edge-gradients.ts";
import { probeOf, randomHead } from "./probe.ts";
import { probeBatch } from "./probe-pass.ts";
import { openSpectra } from "./spectra.ts";

export interface EstimateScoringOptions extends LongCall {
  /** As `ScoreOptions`. */
  readonly seed?: number;
  readonly threads?: number;
  /** Seconds of a forward pass of one example, and of fitting the head, as `estimateTraining` measured them. */
  readonly forwardSeconds: number;
  readonly headSeconds: number;
}

/**
 * Seconds that `scoreEdges` would take: two batches of the probe are timed, as long as its longest text, and the
 * singular values of the edges into one state.
 */
export async function estimateScoring(
  backbone: Backbone,
  task: Task,
  { forwardSeconds, headSeconds, seed = 0, threads, signal, onProgress }: EstimateScoringOptions,
): Promise<number> {
  const { probe } = probeOf(task, backbone, seed);
  const { train, goal } = task;
  const byLength = probe.slice();
  if (train.kind === "text") byLength.sort((a, b) => train.length(b) - train.length(a));
  const batch = probeBatch(backbone);
  const sample = byLength.slice(0, 2 * batch);
  const head =
    outputNames(goal).length === 0
      ? new Map()
      : randomHead([headWidth(backbone, goal), outputNames(goal).length], seed);

  const begun = performance.now();
  const times: number[] = [];
  let perColumn = 0;
  const spectra = await openSpectra(backbone, { threads });
  const visit = async (column: EdgeColumn) => {
    if (column.to > 0) return;
    const from = performance.now();
    await spectra.ofColumn(column, () => {});
    perColumn = performance.now() - from;
  };
  await edgeColumns(backbone, task, sample, head, visit, {
    threads,
    signal,
    onProgress: (progress) => {
      times.push(performance.now());
      onProgress?.(progress);
    },
  }).finally(() => spectra.close());
  // The first batch opens the graphs, too.
  const perBatch = times.length > 1 ? times[1]! - times[0]! : times[0]! - begun;
  const opening = Math.max(0, times[0]! - begun - perBatch);
  const milliseconds = opening + Math.ceil(probe.length / batch) * perBatch + backbone.states.length * perColumn;
  const rest = train.count - probe.length;
  return (
    milliseconds / 1000 +
    (goal.kind === "triplet" || goal.kind === "pair_score" ? 0 : rest * forwardSeconds + headSeconds)
  );
}
