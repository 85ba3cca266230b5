import type { Backbone } from "../backbone/index.ts";
import { GraftError, type LongCall, nameSeed, random } from "../base/index.ts";
import { tensorOf } from "../graph/index.ts";
import { headWidth } from "../methods/index.ts";
import { headParameters, outputLevel, pooledSize } from "../objective/index.ts";
import { layoutOf, packVectors } from "../parameters/index.ts";
import { type Goal, outputNames, type Task } from "../tasks/index.ts";
import { DEFAULT_HEAD_L2, extractFeatures, fitHead, type Head, type TunedModel } from "../training/index.ts";

export interface ProbeOptions extends LongCall {
  /** Probe examples, drawn from the training split; default the smaller of half of it and 2d. */
  readonly examples?: number;
  /**
   * The head whose loss is differentiated; default `fitted`: linear, L2-regularised, on training examples disjoint
   * from the probe (fitted on the probe it would separate it and leave no gradient). A `random` one is noise; `zero` is what
   * one that starts at 0 is after its first step on those examples, for at 0 itself it sends no gradient back.
   */
  readonly head?: "fitted" | "random" | "zero" | Head;
  /**
   * A model with trained adapters: the gradients are those of edges added to them, behind its own head (`head` is not looked
   * at). Edges that are in place get one too, which means nothing.
   */
  readonly after?: TunedModel;
  /** L2 penalty of a fitted head, as `FitHeadOptions.l2`; default 0.01. */
  readonly headL2?: number;
  /** Of the draw of the probe, and of a random head; default 0. */
  readonly seed?: number;
  /** Threads of the runtime; default its own choice, all cores. */
  readonly threads?: number;
}

/** What is differentiated: some training examples behind a head. */
export interface Probe {
  readonly indices: Uint32Array;
  readonly head: Head;
  /** Where the head came from, e.g. `fitted`. */
  readonly headName: string;
}

/**
 * Draw the probe, and fit the head on the other training examples.
 * @throws GraftError EXAMPLES_OUT_OF_RANGE; PARAMETER_MISSING or PARAMETER_SHAPE for a head given
 */
export async function openProbe(backbone: Backbone, task: Task, options: ProbeOptions = {}): Promise<Probe> {
  const { seed = 0, examples = defaultExamples(task, backbone), head: given = "fitted" } = options;
  checkExamples(examples, task, options.after?.tensors ?? given);
  const { probe, rest } = probeOf(task, backbone, seed, examples);
  const { head, name } = await probeHead(backbone, task, rest, options);
  return { indices: probe, head, headName: name };
}

export const defaultExamples = ({ train }: Task, { hiddenSize }: Backbone): number =>
  Math.max(1, Math.min(Math.floor(train.count / 2), 2 * hiddenSize));

/** The training examples that are differentiated, and the rest. */
export function probeOf(task: Task, backbone: Backbone, seed: number, examples = defaultExamples(task, backbone)) {
  const order = random(seed, nameSeed("probe")).permutation(task.train.count);
  return { probe: order.slice(0, examples), rest: order.slice(examples) };
}

/** Throws EXAMPLES_OUT_OF_RANGE. */
export function checkExamples(examples: number, task: Task, head: NonNullable<ProbeOptions["head"]>): void {
  const { count } = task.train;
  const isFitted = head === "fitted" || head === "zero";
  const most = isFitted ? count - 1 : count;
  if (Number.isInteger(examples) && examples >= 1 && examples <= most) return;
  const fitted = isFitted ? ", and the head is fitted on those that are no probe" : "";
  throw new GraftError("EXAMPLES_OUT_OF_RANGE", {
    thing: `${examples} probe examples`,
    place: `task "${task.name}" has ${count} training examples${fitted}`,
    remedy: most < 1 ? "Score on a task with two or more" : `Choose a whole number from 1 to ${most}`,
  });
}

/**
 * The largest rank that gradients into a state can have: d, or the tokens that receive a gradient; behind a
 * post-norm backbone, whose last state a linear head over classes reads, classes − 1 for each part of the pooling, since
 * the cotangents of a softmax sum to 0.
 */
export function rankCap(
  { states, features, hiddenSize, pooling }: Backbone,
  goal: Goal,
  state: number,
  activeTokens: number,
): number {
  const parts = outputLevel(goal) === "token" ? 1 : pooledSize(hiddenSize, pooling) / hiddenSize;
  const isBehindClasses = goal.kind === "classify" || goal.kind === "tokens";
  const behindHead =
    isBehindClasses && states[state] === features ? parts * (goal.classes.length - 1) : Number.POSITIVE_INFINITY;
  return Math.min(activeTokens, hiddenSize, behindHead);
}

async function probeHead(backbone: Backbone, task: Task, rest: Uint32Array, options: ProbeOptions) {
  const { head = "fitted", headL2 = DEFAULT_HEAD_L2, seed = 0, threads, signal, onProgress } = options;
  const { goal } = task;
  const parameters = headParameters(headWidth(backbone, goal), outputNames(goal).length);
  if (options.after) {
    const { tensors } = options.after;
    return { head: new Map(parameters.map(({ name }) => [name, tensors.get(name)!])), name: "trained" };
  }
  if (typeof head !== "string") {
    packVectors(layoutOf(parameters), head); // checks it
    return { head, name: "given" };
  }
  if (parameters.length === 0) return { head: new Map() as Head, name: "no" };
  if (head === "random") return { head: randomHead(parameters[0]!.shape, seed), name: head };
  const features = await extractFeatures(backbone, goal, task.train, { indices: rest, threads, signal, onProgress });
  const steps = head === "zero" ? 1 : undefined;
  return { head: await fitHead(backbone.runtime, features, goal, { l2: headL2, steps, threads, signal }), name: head };
}

/** A random head. @param shape  [width, outputs] */
export function randomHead(shape: readonly number[], seed: number): Head {
  const draw = random(seed, nameSeed("random-head"));
  const [width, outputs] = shape as [number, number];
  const weight = Float32Array.from({ length: width * outputs }, () => draw.normal() / Math.sqrt(width));
  return new Map([
    ["head.weight", tensorOf("float32", [width, outputs], weight)],
    ["head.bias", tensorOf("float32", [outputs], new Float32Array(outputs))],
  ]);
}
