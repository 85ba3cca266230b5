import type { LongCall } from "../base/index.ts";
import {
  constantsToInitializers,
  type DataType,
  decompose,
  elementCount,
  type Graph,
  prune,
  type Shape,
  upgrade,
  type ValueType,
} from "../graph/index.ts";
import type { Runtime } from "../runtime/index.ts";
import { bindShapes, type InputSizes, trace } from "../trace/index.ts";
import { type FoundStates, findStates } from "./find-states.ts";
import { indexGraph } from "./graph-index.ts";
import { ancestors } from "./residual-steps.ts";

/** What `graft inspect --json` prints. */
export interface InspectJson {
  readonly schema: 1;
  readonly name: string;
  /** 2L + 1. */
  readonly states: number;
  readonly blocks: number;
  readonly hiddenSize: number;
  readonly normPosition: "pre" | "post";
  /** Tokens at the sizes it was traced with, and how many of the first ones come from no input. */
  readonly tokens: number;
  readonly prefixTokens: number;
  /** Elements of all frozen floating-point or quantised tensors that the outputs need. */
  readonly parameters: number;
  readonly inputs: readonly { readonly name: string; readonly dtype: DataType; readonly shape: Shape }[];
  readonly outputs: readonly { readonly name: string; readonly dtype: DataType; readonly shape: Shape }[];
  /** Operator set of the file as it was read. */
  readonly opset: number;
  /** Edges an adapter may take, by kind; `total` is n². */
  readonly edges: EdgeCounts;
  /** Entry k leads from state k to state k + 1. */
  readonly subLayers: readonly { readonly kind: "attention" | "feed-forward"; readonly parameters: number }[];
}

export interface EdgeCounts {
  readonly total: number;
  readonly sequential: number;
  readonly parallel: number;
  readonly longRange: number;
  readonly recurrent: number;
}

export interface Description {
  readonly json: InspectJson;
  /** The same as a tree for people, without colours; lines end in "\n". */
  readonly text: string;
}

export interface InspectOptions extends LongCall {
  /** What the description calls the model; default the graph's own name. */
  readonly name?: string;
  /** Sizes for dimensions the file leaves open; default batch 2, sequence 8, pictures of 224 × 224. */
  readonly sizes?: Partial<InputSizes>;
}

/** Other input sizes do not change what is found. Two tell the batch from sizes of 1. */
const DEFAULT_SIZES = { batch: 2, sequence: 8, image: { height: 224, width: 224 } } as const;

/**
 * Find and describe the hidden states of any encoder, pictures or text.
 * @param graph  as read; any opset from 7 on
 * @throws       GraftError of `bindShapes`, `upgrade`, `decompose`, `trace` and `findStates`
 */
export async function inspectGraph(graph: Graph, runtime: Runtime, options: InspectOptions = {}): Promise<Description> {
  const shapes = bindShapes(graph, openSizes(graph, options.sizes ?? {}));
  const { signal, onProgress } = options;
  const traced = await trace(decompose(upgrade(graph)), shapes, runtime, { signal });
  onProgress?.({ phase: "open model", done: 1, total: 1, unit: "steps" });
  return describeBackbone(options.name ?? graph.name, graph, traced, findStates(traced));
}

/** Sizes asked for, else what the file fixes, else the defaults. */
function openSizes(graph: Graph, asked: Partial<InputSizes>): InputSizes {
  const fixed = (rank: number[], axis: number) =>
    graph.inputs
      .map((name) => graph.types.get(name)?.shape)
      .filter((shape) => shape !== undefined && rank.includes(shape.length))
      .map((shape) => shape![axis])
      .find((dim) => typeof dim === "number") as number | undefined;
  return {
    batch: asked.batch ?? fixed([1, 2, 3, 4], 0) ?? DEFAULT_SIZES.batch,
    sequence: asked.sequence ?? fixed([2, 3], 1) ?? DEFAULT_SIZES.sequence,
    image: asked.image ?? {
      height: fixed([4], 2) ?? DEFAULT_SIZES.image.height,
      width: fixed([4], 3) ?? DEFAULT_SIZES.image.width,
    },
  };
}

/** Describe a backbone whose states are known. `graph` is as read, `traced` what the states were found in. */
export function describeBackbone(name: string, graph: Graph, traced: Graph, found: FoundStates): Description {
  const size = (names: Iterable<string>) =>
    [...names].reduce((sum, weight) => sum + elementCount(traced.initializers.get(weight)!.shape), 0);
  const whole = prune(constantsToInitializers(graph));
  const parameters = [...whole.initializers.values()]
    .filter(({ dtype, shape }) => isWeight(dtype) && elementCount(shape) > 1)
    .reduce((sum, { shape }) => sum + elementCount(shape), 0);
  const described = (value: string) => {
    const type: ValueType | undefined = graph.types.get(value);
    return { name: value, dtype: type?.dtype ?? ("float32" as const), shape: type?.shape ?? [] };
  };
  const json: InspectJson = {
    schema: 1,
    name,
    states: found.states.length,
    blocks: found.blocks,
    hiddenSize: found.hiddenSize,
    normPosition: found.normPosition,
    tokens: found.tokens,
    prefixTokens: found.prefixTokens,
    parameters,
    inputs: graph.inputs.map(described),
    outputs: graph.outputs.map(described),
    opset: graph.opsets.get("") ?? 0,
    edges: countEdges(found.states.length),
    subLayers: found.subLayers.map(({ kind, weights }) => ({ kind, parameters: size(weights) })),
  };
  const before = size(embeddingWeights(traced, found.states[0]!));
  return { json, text: tree(json, before, sharedBlocks(found), found.features !== found.states.at(-1)) };
}

const isWeight = (dtype: DataType) => !["int64", "int32", "bool", "string"].includes(dtype);

/** n² edges of n hidden states, by kind (docs/method.md): (i, i), (i, i + 1), (i, j) further on, and (i, j) back. */
export function countEdges(states: number): EdgeCounts {
  return {
    total: states ** 2,
    sequential: states,
    parallel: states - 1,
    longRange: ((states - 1) * (states - 2)) / 2,
    recurrent: (states * (states - 1)) / 2,
  };
}

function embeddingWeights(traced: Graph, state: string): readonly string[] {
  return [...ancestors(indexGraph(traced), [state], () => false)].filter((name) => {
    const tensor = traced.initializers.get(name);
    return tensor !== undefined && isWeight(tensor.dtype) && elementCount(tensor.shape) > 1;
  });
}

/** Blocks that use the weights of an earlier block (ALBERT): block → the first one with them. */
function sharedBlocks({ subLayers, blocks }: FoundStates): ReadonlyMap<number, number> {
  const first = new Map<string, number>();
  const shared = new Map<number, number>();
  for (let block = 0; block < blocks; block++) {
    const key = subLayers
      .slice(2 * block, 2 * block + 2)
      .flatMap(({ weights }) => weights)
      .join("\n");
    const earlier = first.get(key);
    if (earlier === undefined) first.set(key, block);
    else shared.set(block, earlier);
  }
  return shared;
}

function tree(json: InspectJson, before: number, shared: ReadonlyMap<number, number>, normed: boolean): string {
  const { hiddenSize: d, edges, subLayers, prefixTokens } = json;
  const tokens = hasOpenLength(json) ? "tokens" : json.tokens;
  const counted = (n: number) => n.toLocaleString("en-US");
  const width = Math.max(...subLayers.map(({ parameters }) => counted(parameters).length), counted(before).length);
  const number = (n: number) => counted(n).padStart(width);
  const digits = String(json.states - 1).length;
  const step = (k: number) => `${String(k).padStart(digits)} → ${String(k + 1).padStart(digits)}`;
  const of = prefixTokens > 0 ? ` (${prefixTokens} of them prefix tokens)` : "";
  const lines = [
    `${json.name}: ${json.blocks} ${json.normPosition}-norm blocks, ${json.states} hidden states, ${counted(json.parameters)} parameters, opset ${json.opset}`,
    ...json.inputs.map((value) => `├─ input ${showValue(value)}`),
    `├─ embeddings → state 0, [batch, ${tokens}, ${d}]${of}  ${counted(before)} parameters`,
  ];
  for (let block = 0; block < json.blocks; block++) {
    const earlier = shared.get(block);
    lines.push(`├─ block ${block}${earlier === undefined ? "" : ` (the weights of block ${earlier})`}`);
    for (const k of [2 * block, 2 * block + 1]) {
      const { kind, parameters } = subLayers[k]!;
      lines.push(`│  ${k % 2 ? "└" : "├"}─ state ${step(k)}  ${kind.padEnd(12)}  ${number(parameters)} parameters`);
    }
  }
  lines.push(
    `├─ features: ${normed ? "norm of " : ""}state ${json.states - 1}, [batch, ${tokens}, ${d}]`,
    ...json.outputs.map((value) => `├─ output ${showValue(value)}`),
    `└─ edges: ${counted(edges.total)} = ${edges.sequential} sequential + ${edges.parallel} parallel + ${counted(
      edges.longRange,
    )} long-range + ${counted(edges.recurrent)} recurrent`,
  );
  return `${lines.join("\n")}\n`;
}

/** Whether the number of tokens depends on what is fed: texts [batch, tokens], or pictures of any size. */
const hasOpenLength = ({ inputs }: InspectJson): boolean =>
  inputs.some(({ shape }) =>
    (shape.length === 4 ? shape.slice(2) : shape.slice(1)).some((dim) => typeof dim !== "number"),
  );

const showValue = ({ name, dtype, shape }: InspectJson["inputs"][number]) =>
  `${name}: ${dtype} [${shape.map((dim) => dim ?? "?").join(", ")}]`;
