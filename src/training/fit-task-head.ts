import type { Backbone } from "../backbone/index.ts";
import type { LongCall } from "../base/index.ts";
import type { Task } from "../tasks/index.ts";
import { classWeightsOf } from "./class-weights.ts";
import { extractFeatures } from "./features.ts";
import { fitHead, type Head } from "./fit-head.ts";
import type { TrainOptions } from "./options.ts";

/** The linear head that training starts from: fitted on the plain backbone's features of the training split. */
export async function fitTaskHead(
  backbone: Backbone,
  task: Task,
  options: Pick<TrainOptions, "headL2" | "threads" | "classWeights">,
  call: LongCall = {},
): Promise<Head> {
  if (task.goal.kind === "triplet" || task.goal.kind === "pair_score") return new Map();
  const { headL2, threads } = options;
  const classWeights = classWeightsOf(task, options.classWeights);
  const features = await extractFeatures(backbone, task.goal, task.train, { ...call, threads, classWeights });
  return fitHead(backbone.runtime, features, task.goal, { l2: headL2, threads, signal: call.signal });
}
