import { asNumbers, attribute, elementCount, type Graph, type Node } from "../graph/index.ts";
import { type GraphIndex, isWeightedProduct } from "./graph-index.ts";
import { pathNodes, type ResidualStep } from "./residual-steps.ts";

/** What a product is for in its sub-layer; `qkv` (or `kv`, `qk`) makes several at once, of a gated feed-forward layer `gate` passes the activation. */
export type ProductRole = "q" | "k" | "v" | "qkv" | "kv" | "qk" | "qv" | "o" | "fc1" | "gate" | "fc2";

/** A product x · W of a sub-layer's activations with a frozen matrix. */
export interface FrozenProduct {
  /** Counted from 0. */
  readonly block: number;
  readonly role: ProductRole;
  /** Name of its node in the file, perhaps empty. */
  readonly node: string;
  /** Value names: x [.., size in], W, and the result in floating point [.., size out], its bias added if it has one. */
  readonly input: string;
  readonly weight: string;
  readonly bias?: string;
  readonly output: string;
  /** Whether W lies as [size out, size in]. */
  readonly isTransposed: boolean;
  readonly inSize: number;
  readonly outSize: number;
  /** Where in the result of several at once each begins, all equally wide; absent if they do not lie one after another. */
  readonly parts?: Readonly<Record<string, number>>;
}

/**
 * The products with frozen matrices in a residual stream's sub-layers, each with its role found by structure: what leads
 * to the left operand of an attention's logits is q, to the right one k, to what the softmax mixes v, what follows is o.
 * @param graph  the traced graph as it is, of which `index` shows quantised values as the floating-point ones they stand for
 */
export function findProducts(index: GraphIndex, graph: Graph, stream: readonly ResidualStep[]): FrozenProduct[] {
  const originals = new Map(graph.nodes.flatMap((node) => node.outputs.map((name) => [name, node] as const)));
  return stream.flatMap((step, k) => {
    const products = step.nodes.filter((node) => isSite(index, node));
    const role = step.attended === undefined ? feedForwardRoles(index, products) : attentionRoles(index, step);
    return products.flatMap((node) => {
      const [input, weight] = node.inputs as [string, string];
      const result = floatResult(index, originals.get(node.outputs[0]!)!);
      const found = role(node);
      if (result === undefined || found === undefined) return [];
      const biased = node.op === "Gemm" ? { output: result, bias: node.inputs[2] || undefined } : biasOf(index, result);
      const made = {
        block: Math.floor(k / 2),
        ...found,
        node: node.name,
        input,
        weight,
        ...biased,
        isTransposed: node.op === "Gemm" && attribute(node, "transB", "int", 0) === 1,
        inSize: index.shape(input).at(-1)!,
        outSize: index.shape(result).at(-1)!,
      };
      return [made];
    });
  });
}

/** Activations times one matrix; not an Einsum or a convolution, nor a product that comes out in whole numbers of a scale of its own. */
function isSite(index: GraphIndex, node: Node): boolean {
  if (!isWeightedProduct(index, node) || !/^(MatMul|Gemm)$/.test(node.op)) return false;
  const [x, weight] = node.inputs as [string, string];
  if (!index.isData(x) || index.isData(weight)) return false;
  if (node.op === "MatMul") return true;
  const isOne = (name: string) => attribute(node, name, "float", 1) === 1;
  return attribute(node, "transA", "int", 0) === 0 && isOne("alpha") && isOne("beta");
}

/** The sum with a constant row that alone reads a value. */
function biasOf(index: GraphIndex, result: string): { readonly output: string; readonly bias?: string } {
  const [node, other] = index.consumers(result);
  if (node?.op !== "Add" || other !== undefined) return { output: result };
  const bias = node.inputs.find((name) => name !== result);
  const size = index.shape(result).at(-1)!;
  if (bias === undefined || index.isData(bias) || elementCount(index.shape(bias)) !== size) return { output: result };
  return { output: node.outputs[0]!, bias };
}

/** A quantised product's whole numbers, once they are scaled; undefined for those that never are. */
function floatResult(index: GraphIndex, node: Node): string | undefined {
  const result = node.outputs[0]!;
  if (node.op === "QLinearMatMul") return undefined;
  if (node.op !== "MatMulInteger") return result;
  const only = (name: string, op: string) => {
    const [reader, other] = index.consumers(name);
    return reader?.op === op && other === undefined ? reader.outputs[0] : undefined;
  };
  const wide = only(result, "Cast");
  return wide === undefined ? undefined : only(wide, "Mul");
}

interface Found {
  readonly role: ProductRole;
  readonly parts?: Readonly<Record<string, number>>;
}
type RoleOf = (node: Node) => Found | undefined;

const reaches = (index: GraphIndex, from: string, to: string) =>
  from === to || pathNodes(index, from, to) !== undefined;

function feedForwardRoles(index: GraphIndex, products: readonly Node[]): RoleOf {
  const last = products.at(-1);
  // What passes the activation takes the longer way.
  const first = products
    .filter((node) => node !== last && reaches(index, node.outputs[0]!, last!.inputs[0]!))
    .map((node) => ({ node, length: pathNodes(index, node.outputs[0]!, last!.inputs[0]!)?.length ?? 0 }))
    .sort((a, b) => a.length - b.length)
    .map(({ node }) => node);
  return (node) => {
    if (node === last) return { role: "fc2" };
    const at = first.indexOf(node);
    return at === 0 ? { role: "fc1" } : at === 1 ? { role: "gate" } : undefined;
  };
}

const isMix = ({ op }: Node) => op === "MatMul" || op === "Einsum";

function attentionRoles(index: GraphIndex, { source, nodes }: ResidualStep): RoleOf {
  const inside = new Set([source, ...nodes.flatMap((node) => node.outputs)]);
  const softmax = nodes.find(({ op }) => op === "Softmax")!;
  const mixes = nodes.filter((node) => isMix(node) && node.inputs.every((name) => inside.has(name)));
  const before = mixes.find((node) => reaches(index, node.outputs[0]!, softmax.inputs[0]!));
  const after = mixes.find((node) => node.inputs.some((name) => reaches(index, softmax.outputs[0]!, name)));
  if (before === undefined || after === undefined) return () => undefined;
  const value = after.inputs.find((name) => !reaches(index, softmax.outputs[0]!, name));
  const operands = { q: before.inputs[0], k: before.inputs[1], v: value };
  const rolesOf = (name: string) =>
    Object.entries(operands).flatMap(([role, operand]) =>
      operand !== undefined && reaches(index, name, operand) ? [role] : [],
    );
  return (node) => {
    const result = node.outputs[0]!;
    if (reaches(index, after.outputs[0]!, node.inputs[0]!)) return { role: "o" };
    const roles = rolesOf(result);
    if (roles.length === 0) return undefined;
    const role = roles.join("") as ProductRole;
    return roles.length === 1 ? { role } : { role, parts: partsOf(index, result, roles, rolesOf) };
  };
}

/**
 * Where q, k and v begin in the last axis of what makes them at once, as the nodes behind it cut them: a Split or Slices
 * along it, or along an axis that a Reshape made of its more significant part.
 */
function partsOf(
  index: GraphIndex,
  product: string,
  roles: readonly string[],
  rolesOf: (name: string) => readonly string[],
): Readonly<Record<string, number>> | undefined {
  const width = index.shape(product).at(-1)!;
  const size = width / roles.length;
  let at = product;
  let axis = index.shape(product).length - 1;
  // How many columns a step along `axis` is.
  let stride = 1;
  while (true) {
    const readers = index.consumers(at);
    const cut = readers.flatMap((node) => pieces(index, node, axis));
    if (cut.length > 0) {
      const starts = cut.flatMap(({ output, start }) => {
        const found = rolesOf(output);
        return found.length === 1 ? [[found[0]!, start * stride] as const] : [];
      });
      const parts = Object.fromEntries(starts);
      const isWhole = starts.length === roles.length && roles.every((role) => (parts[role] ?? 0.5) % size === 0);
      return isWhole ? parts : undefined;
    }
    const [node, other] = readers;
    if (node === undefined || other !== undefined) return undefined;
    const next = node.outputs[0]!;
    const [from, to] = [index.shape(at), index.shape(next)];
    if (node.op === "Reshape" && stride === 1) {
      // [.., 3·h·s] → [.., 3, h, s]: its first new axis counts the parts.
      const found = to.findIndex((length, k) => length === roles.length && elementCount(to.slice(k)) === width);
      if (found < 0) return undefined;
      axis = found;
      stride = size;
    } else if (node.op === "Transpose") {
      const perm = node.attributes.perm?.type === "ints" ? node.attributes.perm.value : from.map((_, k) => k).reverse();
      axis = perm.indexOf(axis);
    } else if (node.op === "Unsqueeze" || node.op === "Squeeze") {
      axis = axisAfter(index, node, axis, from, to);
    } else if (!/^(Add|Identity|Cast)$/.test(node.op)) return undefined;
    at = next;
  }
}

function axisAfter(
  index: GraphIndex,
  node: Node,
  axis: number,
  from: readonly number[],
  to: readonly number[],
): number {
  const rank = Math.max(from.length, to.length);
  const changed = (integersOf(index, node.inputs[1]) ?? []).map((k) => (k < 0 ? k + rank : k)).sort((a, b) => a - b);
  if (node.op === "Unsqueeze") return changed.reduce((at, k) => (k <= at ? at + 1 : at), axis);
  return axis - changed.filter((k) => k < axis).length;
}

/** What a node cuts out of its input along an axis: each result, and the index it begins at. */
function pieces(index: GraphIndex, node: Node, axis: number): { output: string; start: number }[] {
  const rank = index.shape(node.inputs[0]!).length;
  const isAxis = (k: number | undefined) => k !== undefined && (k < 0 ? k + rank : k) === axis;
  if (node.op === "Split" && isAxis(attribute(node, "axis", "int", 0))) {
    let start = 0;
    return node.outputs.map((output) => {
      const piece = { output, start };
      start += index.shape(output)[axis]!;
      return piece;
    });
  }
  if (node.op === "Slice" && isAxis(integersOf(index, node.inputs[3])?.[0] ?? 0)) {
    const start = integersOf(index, node.inputs[1])?.[0];
    return start === undefined ? [] : [{ output: node.outputs[0]!, start }];
  }
  if (node.op === "Gather" && isAxis(attribute(node, "axis", "int", 0))) {
    const [start, more] = integersOf(index, node.inputs[1]) ?? [];
    return start === undefined || more !== undefined ? [] : [{ output: node.outputs[0]!, start }];
  }
  return [];
}

function integersOf(index: GraphIndex, name: string | undefined): readonly number[] | undefined {
  const tensor = name === undefined ? undefined : index.graph.initializers.get(name);
  return tensor && Array.from(asNumbers(tensor));
}
