import type { Backbone } from "../backbone/index.ts";
import { GraftError, type LongCall } from "../base/index.ts";
import { asFloat32 } from "../graph/index.ts";
import { type Evaluation, evaluateOutputs, outputLevel } from "../objective/index.ts";
import { type Goal, outputNames, type Task } from "../tasks/index.ts";
import {
  classWeightsOf,
  extractFeatures,
  type Features,
  fitHead,
  type Head,
  type TrainOptions,
} from "../training/index.ts";
import { nearestNeighbours, normalizedRows } from "./nearest-neighbours.ts";

/** What the frozen model can do without adapters. */
export interface BaseMeasure {
  readonly name: "nearest neighbours" | "linear head" | "as it is";
  readonly validation: Evaluation;
  readonly test: Evaluation;
}

export interface Base {
  readonly measures: readonly BaseMeasure[];
  /** The fitted head, which training starts from; empty for embeddings. */
  readonly head: Head;
  readonly seconds: number;
}

/**
 * Measure the base before anything is trained: nearest neighbours and a linear head on frozen features, or embeddings as
 * they are. Neighbours are counted on validation; test is met once by each.
 */
export async function measureBase(
  backbone: Backbone,
  task: Task,
  options: MeasureOptions,
  call: LongCall = {},
): Promise<Base> {
  const begun = performance.now();
  const { goal } = task;
  const { headL2, threads } = options;
  const featuresOf = readFeatures(backbone, task, options, call);
  const [validation, test] = [await featuresOf("validation"), await featuresOf("test")];
  const measured = (name: BaseMeasure["name"], outputs: (features: Features) => Float32Array): BaseMeasure => ({
    name,
    validation: evaluateOutputs(goal, task.validation, outputs(validation)),
    test: evaluateOutputs(goal, task.test, outputs(test)),
  });
  const seconds = () => (performance.now() - begun) / 1000;
  if (outputLevel(goal) === "embedding")
    return { measures: [measured("as it is", normalizedRows)], head: new Map(), seconds: seconds() };
  const train = await featuresOf("train");
  const head = await fitHead(backbone.runtime, train, goal, { l2: headL2, threads, signal: call.signal });
  const measures = [measured("linear head", (features) => headOutputs(features, goal, head))];
  if (hasNeighbours(goal)) {
    const { answer } = neighboursOf(task, train, validation);
    measures.unshift(measured("nearest neighbours", answer));
  }
  return { measures, head, seconds: seconds() };
}

/** Whether nearest neighbours can answer: tokens and embeddings are too many, or have no target of their own. */
export const hasNeighbours = (goal: Goal): boolean => outputLevel(goal) === "example";

/**
 * Nearest neighbours alone, as `measureBase` has them.
 * @throws GraftError METHOD_UNSUITED where the goal has none
 */
export async function measureNeighbours(backbone: Backbone, task: Task, options: MeasureOptions, call: LongCall = {}) {
  checkNeighbours(task);
  const begun = performance.now();
  const featuresOf = readFeatures(backbone, task, options, call);
  const [train, validation, test] = [
    await featuresOf("train"),
    await featuresOf("validation"),
    await featuresOf("test"),
  ];
  const { k, answer } = neighboursOf(task, train, validation);
  const testOutputs = answer(test);
  return {
    k,
    validation: evaluateOutputs(task.goal, task.validation, answer(validation)),
    test: evaluateOutputs(task.goal, task.test, testOutputs),
    testOutputs,
    seconds: (performance.now() - begun) / 1000,
  };
}

/** Throws METHOD_UNSUITED for a goal that nearest neighbours cannot answer. */
export function checkNeighbours({ name, goal }: Task): void {
  if (hasNeighbours(goal)) return;
  throw new GraftError("METHOD_UNSUITED", {
    thing: "nearest neighbours",
    place: `task "${name}" asks for ${goal.kind === "tokens" ? "tags of tokens" : "embeddings"}`,
    remedy: "Leave knn out",
  });
}

type MeasureOptions = Pick<TrainOptions, "headL2" | "threads" | "classWeights">;

/** Features of the plain backbone by split, training examples with their weights. */
function readFeatures(
  backbone: Backbone,
  task: Task,
  { threads, classWeights: weighting }: MeasureOptions,
  call: LongCall,
) {
  const classWeights = classWeightsOf(task, weighting);
  return (name: "train" | "validation" | "test") =>
    extractFeatures(backbone, task.goal, task[name], {
      ...call,
      threads,
      classWeights: name === "train" ? classWeights : undefined,
    });
}

/** As many neighbours as do best on validation, their mean targets as a model's outputs. */
function neighboursOf({ goal, validation: split }: Task, train: Features, validation: Features) {
  const logits = answersOf(goal);
  const score = (answers: Float32Array) => evaluateOutputs(goal, split, logits(answers)).value;
  const { k, answer } = nearestNeighbours(train, validation, score);
  return { k, answer: (features: Features) => logits(answer(features)) };
}

/** Mean targets as a model's outputs: shares of neighbours as logits, so that a half is the threshold; numbers as they are. */
function answersOf(goal: Goal): (means: Float32Array) => Float32Array {
  if (goal.kind === "regress") return (means) => means;
  const inside = (share: number) => Math.min(1 - EDGE, Math.max(EDGE, share));
  if (goal.kind === "multi_label")
    return (means) => means.map((share) => Math.log(inside(share)) - Math.log(1 - inside(share)));
  return (means) => means.map((share) => Math.log(inside(share)));
}

/** Shares of neighbours are kept this far from 0 and 1, whose logits are infinite. */
const EDGE = 1e-3;

/** Features times head, as `linearHead` computes them. */
function headOutputs({ data, count, width }: Features, goal: Goal, head: Head): Float32Array {
  const [weight, bias] = [asFloat32(head.get("head.weight")!), asFloat32(head.get("head.bias")!)];
  const outputs = outputNames(goal).length;
  const rows = new Float32Array(count * outputs);
  for (let row = 0; row < count; row++) {
    for (let k = 0; k < outputs; k++) {
      let sum = bias[k]!;
      for (let j = 0; j < width; j++) sum += data[row * width + j]! * weight[j * outputs + k]!;
      rows[row * outputs + k] = goal.kind === "regress" ? sum * goal.scale[k]! + goal.center[k]! : sum;
    }
  }
  return rows;
}
