import { attribute, float } from "../attributes.ts";
import type { Builder } from "../builder.ts";
import type { Value } from "../builder-core.ts";
import type { Attributes, Node } from "../types.ts";
import { type Rewrite, rankOf, unsupportedForm } from "./rewrite.ts";

/** z = α · A'B', each operand's last two axes, or its first axis and the last but one, exchanged on request */
export const FusedMatMul: Rewrite = (g, { node, inputs: [a, b] }) => {
  const flag = (name: string) => attribute(node, name, "int", 0) === 1;
  const product = g.matmul(
    arranged(g, node, a!, flag("transA"), flag("transBatchA")),
    arranged(g, node, b!, flag("transB"), flag("transBatchB")),
  );
  const alpha = attribute(node, "alpha", "float", 1);
  return [alpha === 1 ? product : g.mul(product, g.scalar(alpha))];
};

/** The last two axes exchanged; before that, with `batch`, the first axis moved behind the batch axes. */
function arranged(g: Builder, node: Node, x: Value, swap: boolean, batch: boolean): Value {
  if (!swap && !batch) return x;
  const axes = Array.from({ length: rankOf(node, x) }, (_, k) => k);
  if (axes.length < 2) return x;
  const moved = batch ? [...axes.slice(1, -1), axes[0]!, axes.at(-1)!] : axes;
  return g.transpose(x, swap ? [...moved.slice(0, -2), moved.at(-1)!, moved.at(-2)!] : moved);
}

/** Gemm, then its activation */
export const FusedGemm: Rewrite = (g, { node, inputs }) => {
  const own = Object.entries(node.attributes).filter(([name]) => !name.startsWith("activation"));
  const product = g.op("Gemm", inputs, Object.fromEntries(own));
  const parameter = (name: string) => (node.attributes[name] ? attribute(node, name, "float") : undefined);
  return [activate(g, node, product, [parameter("activation_alpha"), parameter("activation_beta")])];
};

/** Conv, plus Z where given, then its activation */
export const FusedConv: Rewrite = (g, { node, inputs: [x, weights, bias, other] }) => {
  const own = Object.entries(node.attributes).filter(([name]) => !name.startsWith("activation"));
  const product = g.op("Conv", [x, weights, bias], Object.fromEntries(own));
  const found = node.attributes.activation_params;
  const parameters = found?.type === "floats" ? found.value : [];
  return [activate(g, node, other ? g.add(product, other) : product, parameters)];
};

/** Activations that may be fused, and the names of their two parameters. */
const ACTIVATIONS: Readonly<Record<string, readonly string[]>> = {
  Elu: ["alpha"],
  HardSigmoid: ["alpha", "beta"],
  HardSwish: [],
  LeakyRelu: ["alpha"],
  Relu: [],
  Selu: ["alpha", "gamma"],
  Sigmoid: [],
  Softplus: [],
  Softsign: [],
  Tanh: [],
  ThresholdedRelu: ["alpha"],
};

function activate(g: Builder, node: Node, x: Value, parameters: readonly (number | undefined)[]): Value {
  const op = attribute(node, "activation", "string", "");
  if (op === "") return x;
  if (op === "Clip") return g.op("Clip", [x, ...parameters.map((bound) => g.scalar(bound!))]);
  const names = ACTIVATIONS[op];
  if (!names) throw unsupportedForm(node, `with the activation ${op}`);
  const attributes: Attributes = Object.fromEntries(
    names.flatMap((name, k) => (parameters[k] === undefined ? [] : [[name, float(parameters[k])] as const])),
  );
  return g.op(op, [x], attributes);
}
