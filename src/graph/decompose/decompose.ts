import { type Builder, createBuilder } from "../builder.ts";
import type { Value } from "../builder-core.ts";
import { inferTypes } from "../infer/infer-types.ts";
import { smallIntegers } from "../infer/rule.ts";
import { sortNodes } from "../sort-nodes.ts";
import type { Graph, Node, Shape, ValueType } from "../types.ts";
import { unsupportedForm } from "./rewrite.ts";
import { rewriteOf } from "./rewrites.ts";
import { widenHalves } from "./widen-halves.ts";

/**
 * Take a graph apart into what graft can look into and differentiate: fused operators (ONNX Runtime's own of
 * `com.microsoft`, and the attention, norm and rotary operators that ONNX has since opset 23) become standard operators
 * of opset 20, and what is kept in 16-bit floating point is computed in float32 (`widenHalves`). Quantised operators stay
 * as they are. Values keep their names, dynamic axes stay dynamic.
 * @param graph  opset 20 or newer: `upgrade` it first
 * @returns      the argument if nothing is fused or half-precision
 * @throws       GraftError FUSED_UNSUPPORTED naming operator and node, for a form that has no rewrite (a decoder's cache, packed
 *               sequences …) or whose layout does not follow from the file; OPSET; HALF_SUBGRAPH
 */
export function decompose(graph: Graph): Graph {
  const wide = widenHalves(graph);
  if (!wide.nodes.some(rewriteOf)) return wide;
  const g = createBuilder(wide);
  const count = wide.nodes.length;
  const names = new Map<string, string>(); // a new value → the output of a fused node that it is
  const nodeNames = new Map<Node, string>();
  const copies: Node[] = [];
  for (const node of wide.nodes) {
    const rewrite = rewriteOf(node);
    if (rewrite === undefined) {
      learnTypes(g, wide, node);
      continue;
    }
    const before = g.nodes().length;
    const results = rewrite(g, { node, inputs: node.inputs.map((name) => (name === "" ? undefined : g.value(name))) });
    const added = g.nodes().slice(before);
    added.forEach((made, k) => {
      nodeNames.set(made, `${node.name || node.outputs[0]}/${k}_${made.op}`);
    });
    const own = new Set(added.flatMap(({ outputs }) => outputs));
    node.outputs.forEach((name, k) => {
      if (name === "") return;
      const result = results[k];
      if (result === undefined) throw unsupportedForm(node, `for its output ${k} ("${name}")`);
      if (!wide.types.get(name)?.shape) g.refine(g.value(name), typeOf(result));
      if (own.has(result.name) && !names.has(result.name)) names.set(result.name, name);
      else copies.push(copyOf(result, name));
    });
  }
  const renamed = (name: string) => names.get(name) ?? name;
  const nodes = g.nodes().flatMap((node, k) => {
    if (k < count) return rewriteOf(node) ? [] : [node];
    const name = nodeNames.get(node) ?? node.name;
    return [{ ...node, name, inputs: node.inputs.map(renamed), outputs: node.outputs.map(renamed) }];
  });
  return tidied(g.toGraph(wide.outputs), [
    ...nodes,
    ...copies.map((copy) => ({ ...copy, inputs: copy.inputs.map(renamed) })),
  ]);
}

const typeOf = ({ dtype, shape }: Value): ValueType => ({ dtype, ...(shape && { shape }) });

const copyOf = (value: Value, name: string): Node => ({
  op: "Identity",
  domain: "",
  name,
  inputs: [value.name],
  outputs: [name],
  attributes: {},
});

/** In order, without types of values and operator sets that are gone. */
function tidied(graph: Graph, nodes: readonly Node[]): Graph {
  const known = new Set([...graph.inputs, ...graph.initializers.keys(), ...nodes.flatMap(({ outputs }) => outputs)]);
  const domains = new Set(["", ...nodes.map(({ domain }) => domain)]);
  return sortNodes({
    ...graph,
    nodes,
    types: new Map([...graph.types].filter(([name]) => known.has(name))),
    opsets: new Map([...graph.opsets].filter(([domain]) => domains.has(domain))),
  });
}

/** Types that follow for the outputs of a node that stays, where the file does not give them. */
function learnTypes(g: Builder, graph: Graph, node: Node): void {
  if (node.outputs.every((name) => name === "" || graph.types.get(name)?.shape)) return;
  const inputs = node.inputs.map((name) => (name === "" ? undefined : g.value(name)));
  const inferred = inferTypes(node.domain === "" ? node.op : "", {
    attributes: node.attributes,
    inputs: inputs.map((value) => value && typeOf(value)),
    numbers: (k) => {
      const tensor = inputs[k] && g.constantOf(inputs[k]);
      return tensor && smallIntegers(tensor);
    },
    outputCount: node.outputs.length,
  });
  node.outputs.forEach((name, k) => {
    const type = inferred[k];
    if (name === "" || type === undefined || graph.types.get(name)?.shape) return;
    g.refine(g.value(name), { dtype: type.dtype, shape: type.shape ?? rankAlone(node, inputs) });
  });
}

/** The number of dimensions, where it follows and no size does. */
function rankAlone(node: Node, inputs: readonly (Value | undefined)[]): Shape | undefined {
  const open = (rank: number) => new Array<null>(rank).fill(null);
  if (node.op === "Transpose" && node.attributes.perm?.type === "ints") return open(node.attributes.perm.value.length);
  if (node.op !== "Reshape" && node.op !== "Expand") return undefined;
  const rank = inputs[1]?.shape?.[0];
  return typeof rank === "number" && node.op === "Reshape" ? open(rank) : undefined;
}
