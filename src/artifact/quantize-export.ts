import type { Backbone } from "../backbone/index.ts";
import { GraftError } from "../base/index.ts";
import {
  asFloat32,
  attribute,
  type Graph,
  int,
  type Node,
  prune,
  type Tensor,
  tensorOf,
  usedValues,
} from "../graph/index.ts";
import { bakedModel, HEAD_ALONE, headWidth } from "../methods/index.ts";
import { headParameters } from "../objective/index.ts";
import { outputNames } from "../tasks/index.ts";
import type { TunedModel } from "../training/index.ts";

/** How the weights of exported files are kept: `q8` is int8 (see `quantizeWeights`), adapters and head float all the same. */
export type ExportDtype = "fp32" | "q8";

/**
 * Seven bits of a weight's eight: products with bytes are summed in pairs in 16 bits by processors without VNNI and by
 * WebAssembly's relaxed SIMD, and 2 · 255 · 63 is below 2¹⁵. MiniLM's embeddings lose 0.002 of their cosine by it.
 */
const WEIGHT_LIMIT = 63;
/** Rows of a table are looked up, not multiplied. */
const ROW_LIMIT = 127;

/**
 * The model as it is exported, with int8 weights: products with a weight and look-ups in a table change (see
 * `quantizeWeights`), convolutions and norms do not. What a method trained beside the model's weights stays float, as does the
 * head; what it trained in them is in them.
 * @throws GraftError NOTHING_TO_QUANTIZE where the backbone has no such weights, as when it is quantised already
 */
export function quantizeExport({ backbone, spec, tensors }: TunedModel): TunedModel {
  checkQuantizable(backbone);
  const { g, features } = bakedModel(backbone, spec, tensors);
  const graph = quantizeWeights(prune(g.toGraph([features.name])), (name) => tensors.has(name));
  const head = headParameters(headWidth(backbone, spec.goal), outputNames(spec.goal).length);
  return {
    backbone: { ...backbone, graph, features: features.name },
    spec: { method: HEAD_ALONE, goal: spec.goal },
    tensors: new Map(head.map(({ name }) => [name, tensors.get(name)!])),
  };
}

/** To be known before hours of training. Throws as `quantizeExport` does. */
export function checkQuantizable({ name, graph }: Backbone): void {
  if (weightsOf(graph).size > 0) return;
  throw new GraftError("NOTHING_TO_QUANTIZE", {
    thing: `model "${name}"`,
    place: "it has no product with float weights; a quantised file keeps its own",
    remedy: "Leave --out-dtype out",
  });
}

/**
 * Graph pass: x · W → (round(x / s) + 128) · W₈ · s · t, each row (token) of x with a scale s of its own, found while it runs,
 * and each column of W with its t. So what a token becomes does not depend on others in its batch, as it does with
 * DynamicQuantizeLinear, and large features of one token do not coarsen the rest. Tables that are looked up in have int8 rows.
 * Other uses of a weight keep it float. Names of values stay.
 * @param isKept  initializers that stay float; default none
 * @returns the argument if nothing changes
 */
export function quantizeWeights(graph: Graph, isKept: (name: string) => boolean = () => false): Graph {
  const weights = weightsOf(graph, isKept);
  if (weights.size === 0) return graph;
  const initializers = new Map([...graph.initializers, ...CONSTANTS]);
  for (const [name, weight] of weights)
    for (const [part, tensor] of Object.entries(quantized(weight)))
      initializers.set(`${PREFIX}${name}/${part}`, tensor);
  const bytes = new Set<string>(); // Values that are products' left sides more than once are turned into bytes once.
  const nodes = graph.nodes.flatMap((node) => {
    const { along } = weights.get(node.inputs[weightAt(node)] ?? "") ?? {};
    if (along === undefined) return [node];
    if (along === "rows") return lookUp(node);
    const [x] = node.inputs as [string];
    const isNew = !bytes.has(x);
    bytes.add(x);
    return [...(isNew ? asBytes(x) : []), ...product(node)];
  });
  return prune({ ...graph, nodes, initializers });
}

const PREFIX = "graft/int8/";
const name = (of: string, part: string) => `${PREFIX}${of}/${part}`;
const CONSTANTS: ReadonlyMap<string, Tensor> = new Map([
  [`${PREFIX}last_axis`, tensorOf("int64", [1], [-1])],
  [`${PREFIX}127`, tensorOf("float32", [], [127])],
  [`${PREFIX}128`, tensorOf("float32", [], [128])],
  [`${PREFIX}zero_point`, tensorOf("uint8", [], [128])],
  [`${PREFIX}tiny`, tensorOf("float32", [], [1e-20])], // A row of zeros has a scale, too.
]);

interface Weight {
  readonly tensor: Tensor;
  /** What has one scale. */
  readonly along: "columns" | "rows";
}

const isProduct = ({ op, domain }: Node) => op === "MatMul" && domain === "";
const isLookUp = (node: Node) => node.op === "Gather" && node.domain === "" && attribute(node, "axis", "int", 0) === 0;
/** Which of a node's inputs can be a weight that is quantised. */
const weightAt = (node: Node): number => (isProduct(node) ? 1 : isLookUp(node) ? 0 : -1);

/** Float matrices all of whose users multiply by them, or look up in them: by the name their users read. */
function weightsOf(graph: Graph, isKept: (name: string) => boolean = () => false): ReadonlyMap<string, Weight> {
  const isMatrix = ({ dtype, shape }: Tensor) => isFloat(dtype) && shape.length === 2 && shape[1]! > 1;
  const matrices = new Map([...graph.initializers].filter(([name, tensor]) => isMatrix(tensor) && !isKept(name)));
  for (const { op, inputs, outputs } of graph.nodes) {
    // Half precision keeps its bits behind a Cast.
    const half = op === "Cast" ? matrices.get(inputs[0]!) : undefined;
    if (half) matrices.set(outputs[0]!, half);
  }
  const users = new Map<string, { readonly node: Node; readonly at: number }[]>();
  for (const node of graph.nodes)
    for (const [at, input] of usedValues(node).entries()) users.set(input, [...(users.get(input) ?? []), { node, at }]);
  const weights = new Map<string, Weight>();
  for (const [input, tensor] of matrices) {
    const uses = users.get(input) ?? [];
    if (uses.length === 0 || graph.outputs.includes(input) || uses.some(({ node, at }) => at !== weightAt(node)))
      continue;
    if (uses.every(({ node }) => isProduct(node))) weights.set(input, { tensor, along: "columns" });
    else if (uses.every(({ node }) => isLookUp(node))) weights.set(input, { tensor, along: "rows" });
  }
  return weights;
}

const isFloat = (dtype: Tensor["dtype"]) => dtype === "float32" || dtype === "float16" || dtype === "bfloat16";

/** Symmetric: the largest number of a column (or row) is ± the limit. */
function quantized({ tensor, along }: Weight): { int8: Tensor; scale: Tensor } {
  const [rows, columns] = tensor.shape as [number, number];
  const values = asFloat32(tensor);
  const limit = along === "columns" ? WEIGHT_LIMIT : ROW_LIMIT;
  const group = (k: number) => (along === "columns" ? k % columns : Math.floor(k / columns));
  const scale = new Float32Array(along === "columns" ? columns : rows);
  for (let k = 0; k < values.length; k++) scale[group(k)] = Math.max(scale[group(k)]!, Math.abs(values[k]!) / limit);
  const int8 = new Int8Array(values.length);
  for (let k = 0; k < values.length; k++) int8[k] = Math.round(values[k]! / (scale[group(k)]! || 1));
  return {
    int8: tensorOf("int8", [rows, columns], int8),
    scale: tensorOf("float32", along === "columns" ? [columns] : [rows, 1], scale),
  };
}

const node = (op: string, inputs: readonly string[], output: string, attributes: Node["attributes"] = {}): Node => ({
  op,
  domain: "",
  name: "",
  inputs,
  outputs: [output],
  attributes,
});
const FLOAT = { to: int(1) };
const UINT8 = { to: int(2) };

/** x → bytes, and the scale of each row. */
const asBytes = (x: string): readonly Node[] => [
  node("Abs", [x], name(x, "size")),
  node("ReduceMax", [name(x, "size"), `${PREFIX}last_axis`], name(x, "largest")),
  node("Div", [name(x, "largest"), `${PREFIX}127`], name(x, "step")),
  node("Max", [name(x, "step"), `${PREFIX}tiny`], name(x, "scale")),
  node("Div", [x, name(x, "scale")], name(x, "steps")),
  node("Round", [name(x, "steps")], name(x, "rounded")),
  node("Add", [name(x, "rounded"), `${PREFIX}128`], name(x, "shifted")),
  node("Cast", [name(x, "shifted")], name(x, "bytes"), UINT8),
];

function product({ inputs, outputs }: Node): readonly Node[] {
  const [[x, w], [y]] = [inputs as [string, string], outputs as [string]];
  return [
    node("MatMulInteger", [name(x, "bytes"), name(w, "int8"), `${PREFIX}zero_point`], name(y, "sum")),
    node("Cast", [name(y, "sum")], name(y, "float"), FLOAT),
    node("Mul", [name(y, "float"), name(w, "scale")], name(y, "scaled")),
    node("Mul", [name(y, "scaled"), name(x, "scale")], y),
  ];
}

function lookUp({ inputs, outputs }: Node): readonly Node[] {
  const [[table, ids], [y]] = [inputs as [string, string], outputs as [string]];
  return [
    node("Gather", [name(table, "int8"), ids], name(y, "int8")),
    node("Cast", [name(y, "int8")], name(y, "float"), FLOAT),
    node("Gather", [name(table, "scale"), ids], name(y, "scale")),
    node("Mul", [name(y, "float"), name(y, "scale")], y),
  ];
}
