import type { Backbone } from "../backbone/index.ts";
import { createBuilder, type Graph, prune } from "../graph/index.ts";
import { learningRateOf, type TunedSpec, tunedOutput, tunedParameters, upToFeatures } from "../methods/index.ts";
import { type LossOptions, lossOf, targetShapes } from "../objective/index.ts";
import { declareParameters, layoutOf, type ParameterLayout } from "../parameters/index.ts";
import type { TrainOptions } from "./options.ts";
import { buildStepGraph, type StepGraph } from "./step-graph.ts";

/** The sizes of a step's batch. */
export interface StepSizes {
  readonly batchSize: number;
  /** Texts an example consists of; default 1. */
  readonly views?: number;
  /** Tokens a row, for texts. */
  readonly tokens?: number;
}

/** The parameters of a tuned model, laid out; the head learns at a rate of its own. */
export function tunedLayout(backbone: Backbone, spec: TunedSpec, options: TrainOptions): ParameterLayout {
  const headScale = options.headLearningRate / (options.learningRate ?? learningRateOf(spec.method, backbone));
  return layoutOf(
    tunedParameters(backbone, spec).map((parameter) =>
      parameter.name.startsWith("head.") ? { ...parameter, learningRateScale: headScale } : parameter,
    ),
  );
}

/**
 * The training step of a method and the head on a backbone.
 * @param traced  the backbone's graph at the step's sizes, shapes static
 */
export function tunedStep(
  backbone: Backbone,
  traced: Graph,
  spec: TunedSpec,
  options: TrainOptions,
  sizes: StepSizes = options,
): StepGraph {
  const layout = tunedLayout(backbone, spec, options);
  const graph = upToFeatures(backbone, traced);
  const g = createBuilder(graph);
  const declared = declareParameters(g, layout);
  const output = tunedOutput(g, backbone, graph, spec, declared.tensors);
  const shapes = targetShapes(spec.goal, sizes);
  const targets = shapes.targets && g.input("targets", "float32", shapes.targets);
  const weights = g.input("weights", "float32", shapes.weights);
  const loss = lossOf(g, spec.goal, output, targets, weights, sizes.views ?? 1, options satisfies LossOptions);
  // `auto` is settled by who knows the free memory; without that it is `off`.
  return buildStepGraph(g, layout, declared, loss, {}, { recompute: options.recompute === "on" });
}

/** Name of the forward graph's output, whatever the goal. */
export const OUTPUT = "graft/output";

/** The forward pass alone, with the parameter vectors as inputs and `OUTPUT` as output: validation during training. */
export function tunedForward(backbone: Backbone, spec: TunedSpec, layout: ParameterLayout): Graph {
  const graph = upToFeatures(backbone, backbone.graph);
  const g = createBuilder(graph);
  const { tensors } = declareParameters(g, layout);
  return prune(g.toGraph([g.rename(tunedOutput(g, backbone, graph, spec, tensors), OUTPUT).name]));
}
