import { GraftError } from "../base/index.ts";
import { type Builder, describeNode, type Node, staticShape, usedValues, type Value } from "../graph/index.ts";
import { ruleOf } from "./rules/index.ts";
import { computeAgain, computedValues, cutsOf, zeroAfter } from "./segments.ts";

export interface DifferentiateOptions {
  /**
   * Drop what the forward pass makes between places where little is read across, such as hidden states, and make it again
   * when the gradient arrives there (Chen et al. 2016): less memory for another forward pass. Default false.
   */
  readonly recompute?: boolean;
}

/**
 * Append the gradient of `loss` to the graph under construction (reverse mode).
 *
 * Only nodes on a path from a `wrt` value to the loss are differentiated, so an operator without a rule is an error
 * only where a gradient must pass. `wrt` values may lie on one another's paths (hidden states do): each receives the
 * gradient of the loss with respect to that value, everything downstream following it. Whole numbers and truth values
 * end a path, unless they are activations a quantiser made: those pass a gradient straight through, as if nothing had been
 * rounded. Step functions (Floor, Sign …) pass a gradient of zero. Nothing is computed for operands that no `wrt`
 * value reaches; `prune` removes what the gradients asked for do not read.
 *
 * @param loss  a scalar
 * @param wrt   floating-point values: inputs, initializers or intermediate ones
 * @returns     one gradient per `wrt`, of its shape; zeros where the loss does not depend on it
 * @throws GraftError NO_GRADIENT_RULE naming operator and node; LOSS_NOT_SCALAR; SHAPE_UNKNOWN on an untraced graph
 */
export function differentiate(
  g: Builder,
  loss: Value,
  wrt: readonly Value[],
  { recompute = false }: DifferentiateOptions = {},
): readonly Value[] {
  if (staticShape(loss).some((dim) => dim !== 1))
    throw new GraftError("LOSS_NOT_SCALAR", {
      thing: `loss "${loss.name}"`,
      place: `it has shape [${loss.shape}]`,
      remedy: "Reduce it to one number before differentiating",
    });
  const path = nodesBetween(g, wrt, loss);
  const cotangents = new Map<string, Value>([[loss.name, g.filled(staticShape(loss), 1, loss.dtype)]]);
  const accumulate = (name: string, term: Value) => {
    const sum = cotangents.get(name);
    cotangents.set(name, sum ? g.add(sum, term) : term);
  };

  const cuts = recompute ? cutsOf(g, path.nodes) : [];
  const computed = recompute ? computedValues(g) : new Set<string>();
  const trained = new Set(wrt.map(({ name }) => name));
  const pending = new Set(trained);
  let use: (name: string) => Value = g.value;
  /** The gradient arrives at the end of the segment of nodes `from` to `to`. */
  const enter = (from: number, to: number) => {
    const nodes = path.nodes.slice(from, to + 1);
    const read = new Set(path.nodes.slice(to + 1).flatMap(usedValues));
    const crossing = nodes.flatMap(({ outputs }) => outputs).filter((name) => read.has(name) && cotangents.has(name));
    const done = [...pending].filter((name) => cotangents.has(name) && !crossing.includes(name));
    for (const name of done) pending.delete(name);
    // The runtime would compute these last, and hold all they are computed from until then: the gradient waits for them.
    const zeros = done.map((name) => zeroAfter(g, cotangents.get(name)!));
    if (zeros.length > 0) for (const name of crossing) accumulate(name, zeros.reduce(g.add));
    use = g.value;
    if (crossing.length === 0) return;
    const waits = (name: string) => computed.has(name) && !trained.has(name) && isFloat(g.value(name));
    use = computeAgain(g, nodes, (name) => read.has(name), waits, zeroAfter(g, cotangents.get(crossing[0]!)!));
  };

  for (const [at, node] of [...path.nodes.entries()].reverse()) {
    const cut = cuts.lastIndexOf(at);
    if (cut >= 0) enter(cut === 0 ? 0 : cuts[cut - 1]! + 1, at);
    const outgoing = node.outputs.map((name) => cotangents.get(name));
    if (outgoing.every((cotangent) => cotangent === undefined)) continue;
    const wanted = node.inputs.map((name) => path.active.has(name));
    const incoming = vjp(g, node, outgoing, wanted, use);
    node.inputs.forEach((name, k) => {
      const term = incoming[k];
      if (term && wanted[k]) accumulate(name, term);
    });
  }
  return wrt.map((value) => cotangents.get(value.name) ?? g.filled(staticShape(value), 0, value.dtype));
}

function vjp(
  g: Builder,
  node: Node,
  cotangents: readonly (Value | undefined)[],
  wanted: readonly boolean[],
  use: (name: string) => Value,
) {
  const rule = ruleOf(node);
  const opset = g.opset;
  if (!rule || opset < rule.opset[0] || opset > rule.opset[1])
    throw new GraftError("NO_GRADIENT_RULE", {
      thing: describeNode(node),
      place: rule
        ? `its gradient rule covers opsets ${rule.opset.join(" to ")}, the graph is written in ${opset}`
        : "a gradient has to pass it, but the operator has no gradient rule",
      remedy: "Place adapters behind it, or add a rule (docs/architecture.md says where)",
    });
  return rule.vjp(g, {
    node,
    inputs: node.inputs.map((name) => (name === "" ? undefined : use(name))),
    outputs: node.outputs.map((name) => (name === "" ? { name, dtype: "float32", shape: undefined } : use(name))),
    cotangents,
    wanted,
  });
}

/** Nodes that lie on a path from any of `sources` to `target`, in order, and the floating-point values on such paths. */
function nodesBetween(g: Builder, sources: readonly Value[], target: Value): { nodes: Node[]; active: Set<string> } {
  const active = new Set(sources.map((value) => value.name));
  const reached: Node[] = [];
  for (const node of g.nodes()) {
    // What a subgraph captures counts too: a gradient may not be lost silently inside an If or a Loop.
    if (!usedValues(node).some((name) => active.has(name))) continue;
    reached.push(node);
    node.outputs.forEach((name, k) => {
      if (name !== "" && carries(g, node, k, active)) active.add(name);
    });
  }
  const needed = new Set([target.name]);
  const nodes: Node[] = [];
  for (const node of reached.reverse()) {
    if (!node.outputs.some((name) => needed.has(name))) continue;
    nodes.push(node);
    for (const name of usedValues(node)) needed.add(name);
  }
  return { nodes: nodes.reverse(), active };
}

/** Operators whose first result is an activation in whole numbers; what else they make (its scale) counts as constant. */
const QUANTIZERS = new Set(["QuantizeLinear", "DynamicQuantizeLinear"]);
/** Operators that make such activations of such activations. */
const WHOLE = new Set("MatMulInteger QLinearMatMul Reshape Transpose Squeeze Unsqueeze Flatten Identity".split(" "));

/** Whether a gradient can flow back from an output of a node that reads active values. */
function carries(g: Builder, node: Node, output: number, active: ReadonlySet<string>): boolean {
  if (QUANTIZERS.has(node.op)) return output === 0;
  if (isFloat(g.value(node.outputs[output]!))) return true;
  return WHOLE.has(node.op) && node.inputs.some((name) => active.has(name) && !isFloat(g.value(name)));
}

const isFloat = ({ dtype }: Value) =>
  dtype === "float32" || dtype === "float64" || dtype === "float16" || dtype === "bfloat16";
