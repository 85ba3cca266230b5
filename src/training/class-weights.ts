import { labelsOf, type Task } from "../tasks/index.ts";
import type { TrainOptions } from "./options.ts";

/**
 * Weight of each class in the loss: `balanced` ones are inverse to its share of the training examples, 1 on average over
 * the examples; undefined where all weigh 1.
 */
export function classWeightsOf({ goal, train }: Task, kind: TrainOptions["classWeights"]): Float64Array | undefined {
  if (kind === "none" || goal.kind !== "classify") return undefined;
  const counts = new Float64Array(goal.classes.length);
  for (const label of labelsOf(train)) counts[label]!++;
  return counts.map((count) => (count === 0 ? 0 : train.count / (goal.classes.length * count)));
}
