import { type ClassifierSpec, classifier, classifierParameters, upToFeatures } from "../adapters/index.ts";
import type { Backbone } from "../backbone/index.ts";
import { createBuilder, type Graph, prune } from "../graph/index.ts";
import { crossEntropy } from "../objective/index.ts";
import { declareParameters, layoutOf, type ParameterLayout } from "../parameters/index.ts";
import type { TrainOptions } from "./options.ts";
import { buildStepGraph, type StepGraph } from "./step-graph.ts";

/** The parameters of a classifier, laid out; the head learns at a rate of its own. */
export function classifierLayout(backbone: Backbone, spec: ClassifierSpec, options: TrainOptions): ParameterLayout {
  const headScale = options.headLearningRate / options.learningRate;
  return layoutOf(
    classifierParameters(backbone, spec).map((parameter) =>
      parameter.name.startsWith("head.") ? { ...parameter, learningRateScale: headScale } : parameter,
    ),
  );
}

/**
 * The training step of a classifier on a frozen backbone.
 * @param traced  the backbone's graph at the step's batch size, shapes static
 */
export function classifierStep(
  backbone: Backbone,
  traced: Graph,
  spec: ClassifierSpec,
  options: TrainOptions,
): StepGraph {
  const layout = classifierLayout(backbone, spec, options);
  const graph = upToFeatures(backbone, traced);
  const g = createBuilder(graph);
  const declared = declareParameters(g, layout);
  const logits = classifier(g, backbone, graph, spec, declared.tensors);
  const targets = g.input("targets", "float32", [options.batchSize, spec.classes.length]);
  const weights = g.input("weights", "float32", [options.batchSize]);
  const loss = crossEntropy(g, logits, targets, weights, options.labelSmoothing);
  const { weightDecay, clipNorm } = options;
  return buildStepGraph(g, layout, declared, loss, { weightDecay, clipNorm });
}

/** The forward pass alone, with the parameter vectors as inputs and `logits` as output: validation during training. */
export function classifierForward(backbone: Backbone, spec: ClassifierSpec, layout: ParameterLayout): Graph {
  const graph = upToFeatures(backbone, backbone.graph);
  const g = createBuilder(graph);
  const { tensors } = declareParameters(g, layout);
  const logits = classifier(g, backbone, graph, spec, tensors);
  return prune(g.toGraph([g.rename(logits, "logits").name]));
}
