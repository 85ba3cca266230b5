import type { ImageInput, TextInput } from "../backbone/index.ts";
import { type Builder, checkGraph, createBuilder, type Graph, type Node, type Value } from "../graph/index.ts";
import type { Tokenizer } from "../text/index.ts";
import type { TunedModel } from "../training/index.ts";
import { exportModel } from "./export-model.ts";

/** Names and types that Transformers.js feeds. */
const PIXELS = "pixel_values";
const IDS = "input_ids";
const MASK = "attention_mask";
const TYPES = "token_type_ids";

/**
 * The exported model as Transformers.js feeds it: `pixel_values`, or `input_ids`, `attention_mask` and `token_type_ids` of
 * int64, as far as the model takes them. Positions, which it never feeds, are counted in the graph.
 *
 * Its tokenizers cut a long text behind the longest length, and with it the special tokens at the end, where Python and
 * graft cut the text in front of them: the graph puts those back.
 */
export function pipelineGraph(model: TunedModel): Graph {
  const graph = exportModel(model);
  const { input, tokenizer } = model.backbone;
  const front = createBuilder();
  const fed = input.kind === "image" ? imageFront(front, graph, input) : textFront(front, graph, { input, tokenizer });
  return fed.size === 0 ? graph : inFront(graph, front.toGraph([...fed.values()].map(({ name }) => name)), fed);
}

/** What each of the graph's inputs is made from; empty where all are fed as they are. */
type Fed = ReadonlyMap<string, Value>;

function imageFront(g: Builder, graph: Graph, { name }: ImageInput): Fed {
  if (name === PIXELS) return new Map();
  return new Map([[name, g.input(PIXELS, "float32", graph.types.get(name)!.shape!)]]);
}

function textFront(
  g: Builder,
  graph: Graph,
  { input, tokenizer }: { readonly input: TextInput; readonly tokenizer?: Tokenizer },
): Fed {
  const { shape } = graph.types.get(input.ids)!;
  const ids = g.input(IDS, "int64", shape!);
  const mask = input.mask === undefined ? undefined : g.input(MASK, "int64", shape!);
  const types = input.types === undefined ? undefined : g.input(TYPES, "int64", shape!);
  const position = () => g.sub(g.op("CumSum", [g.add(g.mul(ids, zero(g)), one(g)), one(g)]), one(g)); // [batch, tokens]
  const whole = tokenizer ? withEnding(g, { ids, mask, position }, tokenizer) : ids;
  const fed = new Map<string, Value>();
  const feed = (name: string | undefined, value: Value | undefined, role: string) => {
    if (name === undefined || value === undefined) return;
    const cast = g.cast(value, input.dtype);
    if (cast.name !== name || name !== role) fed.set(name, cast);
  };
  feed(input.ids, whole, IDS);
  feed(input.mask, mask, MASK);
  feed(input.types, types, TYPES);
  if (input.positions !== undefined) feed(input.positions, mask ? tokensBefore(g, mask) : position(), "");
  return fed;
}

/** Positions count from the first token, wherever the padding is. */
const tokensBefore = (g: Builder, mask: Value): Value =>
  g.op("Max", [g.sub(g.op("CumSum", [mask, one(g)]), one(g)), zero(g)]);

const one = (g: Builder): Value => g.scalar(1, "int64");
const zero = (g: Builder): Value => g.scalar(0, "int64");

/** Ids whose last ones are the tokenizer's special tokens, where a text is as long as texts may be. */
function withEnding(
  g: Builder,
  { ids, mask, position }: { readonly ids: Value; readonly mask?: Value; readonly position: () => Value },
  tokenizer: Tokenizer,
): Value {
  const ending = endingOf(tokenizer);
  if (!Number.isFinite(tokenizer.maxLength) || ending.length === 0) return ids;
  const end = (values: Value) => g.slice(values, 1, -1, Number.MAX_SAFE_INTEGER); // [batch, 1]
  const endsInToken = mask
    ? g.op("Equal", [end(mask), one(g)])
    : g.op("Not", [g.op("Equal", [end(ids), g.scalar(tokenizer.padId, "int64")])]);
  const isFull = g.op("And", [hasLength(g, ids, tokenizer.maxLength), endsInToken]);
  return ending.reduce((whole, id, k) => {
    const place = g.scalar(tokenizer.maxLength - ending.length + k, "int64");
    const isHere = g.op("And", [isFull, g.op("Equal", [position(), place])]);
    return g.where(isHere, g.scalar(id, "int64"), whole);
  }, ids);
}

const hasLength = (g: Builder, ids: Value, length: number): Value =>
  g.op("Equal", [g.slice(g.op("Shape", [ids]), 0, 1, 2), g.integers([length])]);

/** The special tokens behind a text. */
function endingOf(tokenizer: Tokenizer): readonly number[] {
  const { ids, words = new Int32Array() } = tokenizer.encodeWords(["a"]);
  const last = words.findLastIndex((word) => word >= 0);
  return last < 0 ? [] : [...ids.subarray(last + 1)];
}

/** A graph behind another one that makes its inputs. Both may have inputs of one name; all else stays apart. */
function inFront(graph: Graph, front: Graph, fed: Fed): Graph {
  const prefix = unusedPrefix(graph);
  const outer = (name: string) => (name === "" || front.inputs.includes(name) ? name : prefix + name);
  const frontNodes = front.nodes.map((node): Node => renamed(node, outer));
  const replaced = new Map<string, string>();
  const bridges: Node[] = [];
  for (const [name, { name: source }] of fed) {
    if (front.inputs.includes(name)) replaced.set(name, outer(source));
    else bridges.push({ op: "Identity", domain: "", name, inputs: [outer(source)], outputs: [name], attributes: {} });
  }
  const inputs = front.inputs.filter((name) => graph.inputs.includes(name) || isRead(name, front, fed));
  return checkGraph({
    ...graph,
    inputs: [...inputs, ...graph.inputs.filter((name) => !fed.has(name) && !inputs.includes(name))],
    nodes: [
      ...frontNodes,
      ...bridges,
      ...graph.nodes.map((node) => ({ ...node, inputs: node.inputs.map((name) => replaced.get(name) ?? name) })),
    ],
    initializers: new Map([
      ...graph.initializers,
      ...[...front.initializers].map(([name, tensor]) => [prefix + name, tensor] as const),
    ]),
    types: new Map([...graph.types, ...[...front.types].map(([name, type]) => [outer(name), type] as const)]),
  });
}

const renamed = (node: Node, outer: (name: string) => string): Node => ({
  ...node,
  name: outer(node.name),
  inputs: node.inputs.map(outer),
  outputs: node.outputs.map(outer),
});

const isRead = (name: string, front: Graph, fed: Fed): boolean =>
  front.nodes.some(({ inputs }) => inputs.includes(name)) || [...fed.values()].some((value) => value.name === name);

/** A model that was exported, trained on and exported again has a front already. */
function unusedPrefix({ nodes, initializers }: Graph): string {
  const names = [...initializers.keys(), ...nodes.flatMap(({ outputs }) => outputs)];
  for (let k = 1; ; k++) {
    const prefix = k === 1 ? "pipeline/" : `pipeline${k}/`;
    if (!names.some((name) => name.startsWith(prefix))) return prefix;
  }
}
