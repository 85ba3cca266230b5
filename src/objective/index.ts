export { type Answer, answerOf, type LikelyClass } from "./answers.ts";
export {
  type Evaluation,
  evaluateOutputs,
  exampleScores,
  isHigher,
  isShare,
  metricName,
  scoreLogits,
} from "./evaluation.ts";
export { headParameters, linearHead, normalized, type Pooling, pool, pooledSize } from "./head.ts";
export { crossEntropy } from "./losses.ts";
export { type Metric, measureAll } from "./measure-all.ts";
export { type Interval, meanInterval } from "./metrics/index.ts";
export {
  firstToken,
  type LossOptions,
  lossOf,
  type OutputLevel,
  outputLevel,
  type TargetBatch,
  targetShapes,
  targetsAt,
} from "./objective.ts";
export { standings } from "./standings.ts";
