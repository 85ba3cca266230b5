import { GraftError, type LongCall } from "../base/index.ts";
import { methodOf } from "../methods/index.ts";
import { metricName } from "../objective/index.ts";
import { isInformed, isTaskSelector, parseMethod } from "../selection/index.ts";
import { hashTask } from "../tasks/index.ts";
import { estimateTraining, TrainOptions } from "../training/index.ts";
import { openPruner } from "./pruners/pruners.ts";
import { type Openers, openStudyTask } from "./run-one.ts";
import { plannedTrainings } from "./run-study.ts";
import type { StudySettings } from "./settings.ts";
import { openSpace } from "./space.ts";
import type { StudyRecord } from "./storage/storage.ts";

/** A study that may be made, and what it will take. */
export interface NewStudy {
  readonly record: StudyRecord;
  /** Undefined where only the study's hours end it. */
  readonly trainings: number | undefined;
  /** Of one training of a middling candidate, by steps that were timed. */
  readonly secondsEach: number;
}

/**
 * Look at everything a study names before it is made: the model, the data of each task and seed, the space.
 * @throws GraftError of the openers, `openSpace`, `openSampler`, `parseMethod` of a baseline
 */
export async function newStudy(
  settings: StudySettings,
  name: string,
  openers: Openers,
  { signal, onProgress, onNote = () => {} }: LongCall & { readonly onNote?: (text: string) => void } = {},
): Promise<NewStudy> {
  const { model, dtype, tasks, seeds, trainSize, measureSize } = settings;
  const backbone = await openers.backbone({ model, dtype }, onNote);
  const space = openSpace(settings.space, { states: backbone.states.length });
  openPruner(settings.pruner);
  for (const text of settings.baselines) checkBaseline(text);
  const data: Record<string, string[]> = {};
  const metrics: Record<string, string> = {};
  let secondsEach = 0;
  for (const [at, task] of tasks.entries()) {
    data[task] = [];
    for (let seed = 0; seed < seeds; seed++) {
      signal?.throwIfAborted();
      const opened = await openStudyTask(openers, backbone, { task, seed, trainSize, measureSize });
      data[task].push(await hashTask(opened.task));
      metrics[task] = metricName(opened.task.goal);
      if (at === 0 && seed === 0) {
        const middle = space.edges.slice(0, space.count[1]).map((edge) => ({ ...edge, rank: space.ranks[0]! }));
        const options = TrainOptions.parse({ ...settings.training, threads: settings.training.threads ?? 1, seed });
        const estimate = await estimateTraining(backbone, opened.task, methodOf(backbone, middle), { options, signal });
        secondsEach = estimate.secondsTraining;
      }
      onProgress?.({ phase: "data", done: at * seeds + seed + 1, total: tasks.length * seeds, unit: "tasks" });
    }
  }
  const about = { name: backbone.name, hash: backbone.hash, states: backbone.states.length };
  const record = { name, settings, backbone: about, data, metrics, createdAt: Date.now(), secondsEach };
  return { record, trainings: plannedTrainings(record), secondsEach };
}

/** Workers have no scores: only a sampler is given them. And a run is one training, of a method that is known before it. */
function checkBaseline(text: string): void {
  const spec = parseMethod(text);
  if (!isInformed(spec)) return;
  const isOnTask = "place" in spec && isTaskSelector(spec.place);
  throw new GraftError("BAD_STUDY", {
    thing: `baseline "${text}"`,
    place: isOnTask
      ? "it scores or trains on the way to choose, and a run of a study is one training"
      : "it chooses by scores, which baselines are not given",
    remedy: isOnTask
      ? `Let \`graft select --place ${text} --task NAME\` choose, and name the edges that it prints`
      : "Write `sampler: scores`, whose first trial is GGA's choice, or name its edges",
  });
}
