import type { Backbone } from "../backbone/index.ts";
import { GraftError } from "../base/index.ts";
import {
  asFloat32,
  byteLength,
  elementCount,
  type Graph,
  type Node,
  prune,
  replay,
  type Tensor,
} from "../graph/index.ts";
import { frozenTensor, withTensors } from "./frozen-tensors.ts";
import type { WeightsMethod } from "./method.ts";
import type { MethodKind } from "./method-kind.ts";

const PREFIX = "weights.";

const SAID = {
  all: "all weights",
  biases: "all biases (BitFit)",
  norms: "gains and biases of all norms",
} as const satisfies Record<WeightsMethod["which"], string>;

/**
 * The model's own weights: all in floating point that the features depend on (full fine-tuning), every bias (BitFit, Ben Zaken
 * et al. 2022), or the gains and biases of norms. Training starts from the file's numbers, and what is exported is the file with
 * others in their place.
 */
export const weightsMethod: MethodKind<WeightsMethod> = {
  check(backbone, { which }) {
    const quantized = which === "all" ? quantizedWeight(backbone) : undefined;
    if (quantized !== undefined)
      throw new GraftError("METHOD_QUANTIZED", {
        thing: "full fine-tuning",
        place: `"${backbone.name}" keeps weights in whole numbers, such as "${quantized}"`,
        remedy:
          "Use the model's float file (--dtype fp32), or a method that leaves its matrices as they are (lora:q,v)",
      });
    if (namesOf(backbone, which).length > 0) return;
    throw new GraftError("METHOD_EMPTY", {
      thing: SAID[which],
      place: `none were found in "${backbone.name}"`,
      remedy: "Use another method: lora:q,v, or adapters (--place)",
    });
  },
  parameters: (backbone, { which }) =>
    namesOf(backbone, which).map((name) => {
      const { shape } = frozenTensor(backbone.graph, name)!;
      return { name: PREFIX + name, shape, decay: shape.length > 1 };
    }),
  start: (backbone, { which }) =>
    new Map(namesOf(backbone, which).map((name) => [PREFIX + name, frozenTensor(backbone.graph, name)!])),
  insert: (g, graph, backbone, { which }, tensors) =>
    replay(g, graph, new Map(namesOf(backbone, which).map((name) => [name, tensors.get(PREFIX + name)!]))),
  merge: (graph, backbone, { which }, tensors) =>
    withTensors(graph, new Map(namesOf(backbone, which).map((name) => [name, tensors.get(PREFIX + name)!]))),
  describe: ({ which }) => SAID[which],
};

/** The weights that the features depend on, by value name, in the order they are read. */
function namesOf(backbone: Backbone, which: WeightsMethod["which"]): readonly string[] {
  const graph = prune({ ...backbone.graph, outputs: [backbone.features] });
  if (which === "norms") {
    const read = new Set(graph.nodes.flatMap(({ inputs }) => inputs));
    return backbone.norms.filter((name) => read.has(name) && isWeight(graph, name));
  }
  const readers = which === "biases" ? biasInputs : weightInputs;
  const computed = new Set(graph.inputs);
  const found = new Set<string>();
  for (const node of withoutAngles(graph, backbone.features)) {
    for (const name of readers(node, (input) => computed.has(input))) found.add(viewed(graph, name));
    if (node.inputs.some((name) => computed.has(name))) for (const name of node.outputs) computed.add(name);
  }
  return [...found].filter((name) => isWeight(graph, name) && (which === "all" || isRow(graph, name)));
}

/**
 * Nodes that the features depend on but through a sine or cosine, or a resizing: what is behind those are frequencies of positions,
 * and position embeddings that are fitted to a picture's size, which pass no gradient.
 */
function withoutAngles(graph: Graph, features: string): readonly Node[] {
  const needed = new Set([features]);
  return graph.nodes
    .toReversed()
    .filter((node) => {
      if (!node.outputs.some((name) => needed.has(name)) || /^(Sin|Cos|Resize|Upsample)$/.test(node.op)) return false;
      for (const name of node.inputs) needed.add(name);
      return true;
    })
    .reverse();
}

/** Inputs that say how, not what: sizes, bounds, and scales of resizing. */
const SETTINGS = /^(Resize|Upsample|Clip|Range|ConstantOfShape|Pow|Cast|OneHot|QuantizeLinear|DequantizeLinear)$/;

const weightInputs = ({ op, inputs }: Node): readonly string[] => (SETTINGS.test(op) ? [] : inputs);

/** Operators whose input of that number is a bias. */
const BIASES: Readonly<Record<string, number>> = { Gemm: 2, Conv: 2, ConvTranspose: 2, LayerNormalization: 2 };

function biasInputs({ op, inputs }: Node, isData: (name: string) => boolean): readonly string[] {
  const at = BIASES[op];
  if (at !== undefined) return inputs[at] ? [inputs[at]] : [];
  return op === "Add" && inputs.some(isData) ? inputs.filter((name) => !isData(name)) : [];
}

const VIEWS = /^(Slice|Split|Reshape|Squeeze|Unsqueeze|Identity|Transpose)$/;

/** The weight that a value is a part or another view of. */
function viewed(graph: Graph, name: string): string {
  const node = graph.nodes.find(({ op, outputs }) => VIEWS.test(op) && outputs.includes(name));
  return node ? viewed(graph, node.inputs[0]!) : name;
}

/** Floating-point numbers that were trained, as it seems: more than one, and no mask of infinities. */
function isWeight(graph: Graph, name: string): boolean {
  const tensor = name === "" ? undefined : frozenTensor(graph, name);
  if (tensor === undefined || elementCount(tensor.shape) < 2) return false;
  const known = finite.get(tensor) ?? isFirstRowFinite(tensor);
  finite.set(tensor, known);
  return known;
}

/** Weights are asked about again and again, and may have to be read from their file for it. */
const finite = new WeakMap<Tensor, boolean>();

function isFirstRowFinite({ dtype, shape, bytes }: Tensor): boolean {
  const length = shape.at(-1)!;
  const row = { dtype, shape: [length], bytes: bytes.subarray(0, byteLength(dtype, length)) };
  return asFloat32(row).every((x) => Math.abs(x) < 1e30);
}

const isRow = (graph: Graph, name: string) =>
  frozenTensor(graph, name)!
    .shape.slice(0, -1)
    .every((size) => size === 1);

function quantizedWeight({ graph, features }: Backbone): string | undefined {
  const { initializers } = prune({ ...graph, outputs: [features] });
  return [...initializers].find(([, { dtype, shape }]) => /^u?int[48]$/.test(dtype) && elementCount(shape) > 1)?.[0];
}
