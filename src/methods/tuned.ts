import type { Backbone } from "../backbone/index.ts";
import { type Builder, createBuilder, type Graph, prune, type Tensor, type Value } from "../graph/index.ts";
import { headParameters, linearHead, normalized, outputLevel, pool, pooledSize } from "../objective/index.ts";
import type { Parameter } from "../parameters/index.ts";
import { type Goal, outputNames } from "../tasks/index.ts";
import type { Method } from "./method.ts";
import { kindOf } from "./method-kinds.ts";

/** What is trained on a backbone: what a method trains of it, and the head that the goal asks for. */
export interface TunedSpec {
  readonly method: Method;
  readonly goal: Goal;
}

/** Width of the vectors a head reads: pooled features, or those of a token. */
export const headWidth = ({ hiddenSize, pooling }: Pick<Backbone, "hiddenSize" | "pooling">, goal: Goal): number =>
  outputLevel(goal) === "token" ? hiddenSize : pooledSize(hiddenSize, pooling);

/** Every trainable tensor of a tuned model, the head's last. */
export function tunedParameters(backbone: Backbone, { method, goal }: TunedSpec): Parameter[] {
  return [
    ...kindOf(method).parameters(backbone, method),
    ...headParameters(headWidth(backbone, goal), outputNames(goal).length),
  ];
}

/** A backbone's graph, as read or traced, without the head it may have: names such as `logits` become free. */
export const upToFeatures = (backbone: Backbone, graph: Graph): Graph =>
  prune({ ...graph, outputs: [backbone.features] });

/** Name of the pooled features in every graph that has them, one no model's file uses. */
export const POOLED = "graft/pooled";

/** Pooled features of each example, or of each text where embeddings are compared; the mask leaves padding out. */
export function pooledFeatures(g: Builder, { input, pooling }: Backbone, features: Value): Value {
  const mask = input.kind === "text" && input.mask !== undefined ? g.value(input.mask) : undefined;
  return g.rename(pool(g, features, pooling, mask), POOLED);
}

/**
 * What a goal is answered with, from features.
 * @param features  [rows, tokens, d]
 * @param head      the tensors of `headParameters` by name
 * @returns         [rows, outputs]; of `tokens` [rows, tokens, outputs]; of embeddings [rows, d], of length 1
 */
export function goalOutput(
  g: Builder,
  backbone: Backbone,
  goal: Goal,
  features: Value,
  head: ReadonlyMap<string, Value>,
): Value {
  const level = outputLevel(goal);
  if (level === "token") return linearHead(g, goal, features, head);
  const pooled = pooledFeatures(g, backbone, features);
  return level === "embedding" ? normalized(g, pooled) : linearHead(g, goal, pooled, head);
}

/** Insert a spec's method into a builder that holds `graph` (`upToFeatures`). Returns the features it leads to. */
export function tunedFeatures(
  g: Builder,
  backbone: Backbone,
  graph: Graph,
  { method }: TunedSpec,
  tensors: ReadonlyMap<string, Value>,
): Value {
  return kindOf(method).insert(g, graph, backbone, method, tensors).get(backbone.features)!;
}

/** A tuned model's answer, `goalOutput` of `tunedFeatures`. */
export function tunedOutput(
  g: Builder,
  backbone: Backbone,
  graph: Graph,
  spec: TunedSpec,
  tensors: ReadonlyMap<string, Value>,
): Value {
  return goalOutput(g, backbone, spec.goal, tunedFeatures(g, backbone, graph, spec, tensors), tensors);
}

/**
 * A builder on the backbone's graph as read, with what was trained in it: what is evaluated and exported. Where the method
 * can be written into the weights themselves it is; else its parameters become constants, folded where that saves operations.
 * Either rounds otherwise than training does.
 */
export function bakedModel(backbone: Backbone, spec: TunedSpec, tensors: ReadonlyMap<string, Tensor>) {
  const graph = upToFeatures(backbone, backbone.graph);
  const kind = kindOf(spec.method);
  const merged = kind.merge?.(graph, backbone, spec.method, tensors);
  const folded = kind.fold?.(spec.method, tensors) ?? { method: spec.method, tensors };
  const g = createBuilder(merged ?? graph);
  const made = new Map<Tensor, Value>(); // a tensor that several names share is one constant
  const constants = new Map<string, Value>();
  for (const name of merged ? headNames(backbone, spec.goal) : folded.tensors.keys()) {
    const tensor = folded.tensors.get(name)!;
    const value = made.get(tensor) ?? g.constant(tensor, name);
    made.set(tensor, value);
    constants.set(name, value);
  }
  const features = merged
    ? g.value(backbone.features)
    : tunedFeatures(g, backbone, graph, { ...spec, method: folded.method }, constants);
  return { g, features, output: () => goalOutput(g, backbone, spec.goal, features, constants) };
}

const headNames = (backbone: Backbone, goal: Goal) =>
  headParameters(headWidth(backbone, goal), outputNames(goal).length).map(({ name }) => name);
