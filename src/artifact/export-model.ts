import { textInputNames } from "../backbone/index.ts";
import { checkGraph, type Graph, prune, type Shape, type Value } from "../graph/index.ts";
import { bakedModel } from "../methods/index.ts";
import { outputLevel, pooledSize } from "../objective/index.ts";
import { outputNames } from "../tasks/index.ts";
import type { TunedModel } from "../training/index.ts";

/** The name of an exported model's output: of a head, or the token features that embeddings are pooled from. */
export const LOGITS = "logits";
export const FEATURES = "last_hidden_state";
/** What the features of an embedding model are pooled to, [batch, d], of length 1. */
export const EMBEDDING = "sentence_embedding";

/**
 * A trained model as one plain ONNX graph: the backbone's own inputs, adapters baked in, and the output `logits`
 * [batch, outputs] ([batch, tokens, outputs] for `tokens`), or of embeddings `last_hidden_state` [batch, tokens, d] and
 * what it is pooled to, `sentence_embedding` [batch, d]. Made from the graph as it was read, never from a traced one:
 * dynamic axes stay dynamic.
 */
export function exportModel({ backbone, spec, tensors }: TunedModel): Graph {
  const { goal } = spec;
  const { g, features, output } = bakedModel(backbone, spec, tensors);
  const level = outputLevel(goal);
  const { input, hiddenSize, pooling } = backbone;
  const first = input.kind === "text" ? textInputNames(input)[0]! : input.name;
  const [batch = null, places = null] = backbone.graph.types.get(first)?.shape ?? [];
  const tokens = input.kind === "text" ? places : null;
  const made: (readonly [name: string, value: Value, shape: Shape])[] =
    level === "embedding"
      ? [
          [FEATURES, features, [batch, tokens, hiddenSize]],
          [EMBEDDING, output(), [batch, pooledSize(hiddenSize, pooling)]],
        ]
      : [[LOGITS, output(), [batch, ...(level === "token" ? [tokens] : []), outputNames(goal).length]]];
  const names = new Map(
    made.map(([name, value, shape]) => {
      const refined = g.refine(value, { dtype: value.dtype, shape });
      return [g.rename(refined, `graft/output/${name}`).name, name] as const;
    }),
  );
  const metadata = new Map(backbone.graph.metadata).set("graft.goal", JSON.stringify(goal));
  const graph = prune({ ...g.toGraph([...names.keys()]), metadata });
  return checkGraph(withNames(graph, names));
}

/** A graph with some values renamed; what has one of the new names already makes way. */
function withNames(graph: Graph, names: ReadonlyMap<string, string>): Graph {
  const moved = new Map(names);
  for (const name of names.values()) moved.set(name, `graft/inner/${name}`);
  const named = (name: string) => moved.get(name) ?? name;
  const byName = <T>(map: ReadonlyMap<string, T>) => new Map([...map].map(([name, value]) => [named(name), value]));
  return {
    ...graph,
    outputs: graph.outputs.map(named),
    nodes: graph.nodes.map((node) =>
      [...node.inputs, ...node.outputs].some((name) => moved.has(name))
        ? { ...node, inputs: node.inputs.map(named), outputs: node.outputs.map(named) }
        : node,
    ),
    initializers: byName(graph.initializers),
    types: byName(graph.types),
  };
}
