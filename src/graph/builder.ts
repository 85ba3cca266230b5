import { GraftError } from "../base/index.ts";
import type { BuilderCore, Value } from "./builder-core.ts";
import { constantOf } from "./constants.ts";
import { inferTypes } from "./infer/infer-types.ts";
import { smallIntegers } from "./infer/rule.ts";
import { type Operators, operators } from "./operators.ts";
import { RANDOM_OPERATORS } from "./random-operators.ts";
import { tensorBytes } from "./reread.ts";
import type { Attribute, Dim, Graph, Node, Tensor, ValueType } from "./types.ts";

export type Builder = BuilderCore & Operators;

/** The opset new graphs are written in, and the lowest that a graph to be built upon may have. */
export const BUILD_OPSET = 20;

/** Constants up to this many bytes are merged by content. */
const MERGE_BYTES = 1024;

/**
 * Start building, on top of `base` if given (which is not modified).
 * @throws GraftError OPSET if `base` is older than opset 20: `upgrade` it first
 */
export function createBuilder(base?: Graph): Builder {
  const opset = base?.opsets.get("") ?? BUILD_OPSET;
  if (opset < BUILD_OPSET)
    throw new GraftError("OPSET", {
      thing: `graph "${base?.name}"`,
      place: `it is written in opset ${opset}, new nodes in ${BUILD_OPSET}`,
      remedy: "`upgrade` it first",
    });
  const opsets = new Map(base?.opsets ?? [["", BUILD_OPSET]]);
  const inputs = [...(base?.inputs ?? [])];
  const initializers = new Map(base?.initializers);
  const types = new Map(base?.types);
  const nodes: Node[] = [...(base?.nodes ?? [])];
  const taken = new Set<string>([...inputs, ...initializers.keys(), ...nodes.flatMap((node) => node.outputs)]);
  const calls = new Map<string, readonly string[]>();
  const smallConstants = new Map<string, string>();
  let counter = 0;

  /** Values that `Constant` nodes make; read like initializers, but not merged with them. */
  const nodeConstants = new Map<string, Tensor>();

  for (const node of nodes) {
    const constant = constantOf(node);
    if (constant) nodeConstants.set(node.outputs[0] ?? "", constant);
    const key = callKey(node);
    if (key !== undefined && !calls.has(key)) calls.set(key, node.outputs);
  }
  for (const [name, tensor] of initializers) {
    const key = constantKey(tensor);
    if (key !== undefined && !smallConstants.has(key)) smallConstants.set(key, name);
  }

  function fresh(stem: string): string {
    while (true) {
      const name = `graft/${stem}_${counter++}`;
      if (!taken.has(name)) return name;
    }
  }

  function claim(name: string): string {
    if (taken.has(name))
      throw new GraftError("VALUE_TAKEN", {
        thing: `value "${name}"`,
        place: `graph "${base?.name ?? ""}" has one of that name already`,
        remedy: "Choose another name",
      });
    taken.add(name);
    return name;
  }

  function typeOf(name: string): ValueType | undefined {
    const constant = tensorBehind(name);
    return constant ? { dtype: constant.dtype, shape: constant.shape } : types.get(name);
  }

  function tensorBehind(name: string): Tensor | undefined {
    return initializers.get(name) ?? nodeConstants.get(name);
  }

  function value(name: string): Value {
    if (!taken.has(name))
      throw new GraftError("VALUE_UNKNOWN", {
        thing: `value "${name}"`,
        place: `graph "${base?.name ?? ""}" has no such value`,
        remedy: "`graft inspect` lists the model's inputs and states",
      });
    const type = typeOf(name);
    return { name, dtype: type?.dtype ?? "float32", shape: type?.shape };
  }

  const output = (name: string): Value => (name === "" ? { name, dtype: "float32", shape: undefined } : value(name));

  function emit(node: Node): readonly Value[] {
    const key = callKey(node);
    const found = key === undefined ? undefined : calls.get(key);
    if (found) return found.map(output);
    const outputs = node.outputs.map((name) => (name.startsWith("?") ? fresh(node.op) : name));
    for (const name of outputs) if (name !== "") claim(name);
    if (node.domain !== "" && !opsets.has(node.domain)) opsets.set(node.domain, 1);
    const inferred = inferTypes(node.domain === "" ? node.op : "", {
      attributes: node.attributes,
      inputs: node.inputs.map((name) => (name === "" ? undefined : typeOf(name))),
      numbers: (k) => {
        const tensor = tensorBehind(node.inputs[k] ?? "");
        return tensor && smallIntegers(tensor);
      },
      outputCount: outputs.length,
    });
    outputs.forEach((name, k) => {
      const type = inferred[k];
      if (type && name !== "") types.set(name, type);
    });
    const made = { ...node, name: node.name || outputs.find((name) => name !== "") || "", outputs };
    nodes.push(made);
    const constant = constantOf(made);
    if (constant) nodeConstants.set(outputs[0]!, constant);
    if (key !== undefined) calls.set(key, outputs);
    return outputs.map(output);
  }

  const core: BuilderCore = {
    value,
    has: (name) => taken.has(name),
    input(name, dtype, shape) {
      inputs.push(claim(name));
      types.set(name, { dtype, shape });
      return value(name);
    },
    constant(tensor, name) {
      const key = name === undefined ? constantKey(tensor) : undefined;
      const known = key === undefined ? undefined : smallConstants.get(key);
      if (known !== undefined) return value(known);
      const own = claim(name === undefined || taken.has(name) ? fresh(name ?? "constant") : name);
      initializers.set(own, tensor);
      if (key !== undefined) smallConstants.set(key, own);
      return value(own);
    },
    constantOf: ({ name }) => tensorBehind(name),
    op: (op, args, attributes, options) => core.ops(op, args, 1, attributes, options)[0]!,
    ops(op, args, count, attributes = {}, { domain = "", outputs, name = "" } = {}) {
      const last = args.findLastIndex((arg) => arg !== undefined);
      return emit({
        op,
        domain,
        name,
        inputs: args.slice(0, last + 1).map((arg) => arg?.name ?? ""),
        outputs: outputs ?? Array.from({ length: count }, (_, k) => `?${k}`),
        attributes,
      });
    },
    rename(source, name) {
      nodes.push({ op: "Identity", domain: "", name, inputs: [source.name], outputs: [claim(name)], attributes: {} });
      types.set(name, { dtype: source.dtype, ...(source.shape && { shape: source.shape }) });
      return value(name);
    },
    refine(target, type) {
      if (!initializers.has(target.name)) types.set(target.name, type);
      return value(target.name);
    },
    opset,
    numbersOf(target) {
      const tensor = tensorBehind(target.name);
      const numbers = tensor && smallIntegers(tensor);
      if (numbers) return numbers;
      throw new GraftError("NOT_CONSTANT", {
        thing: `value "${target.name}"`,
        place: "an operator needs it as constant integers, but it is computed",
        remedy: "`trace` the graph with bound input shapes first",
      });
    },
    nodes: () => nodes,
    toGraph: (outputs) => ({
      name: base?.name ?? "graft",
      metadata: base?.metadata ?? new Map(),
      ...(base?.origin && { origin: base.origin }),
      opsets,
      inputs: [...inputs],
      outputs: [...outputs],
      nodes: [...nodes],
      initializers: new Map(initializers),
      types: new Map(types),
    }),
  };
  return { ...core, ...operators(core) };
}

/**
 * The dimensions of a value whose shape is fully known.
 * @throws GraftError SHAPE_UNKNOWN if any dimension is open: the graph has to be traced first
 */
export function staticShape(value: Value): readonly number[] {
  if (value.shape?.every((dim): dim is number => typeof dim === "number")) return value.shape as readonly number[];
  throw new GraftError("SHAPE_UNKNOWN", {
    thing: `value "${value.name}"`,
    place: `its shape [${value.shape?.map(showDim).join(", ") ?? "?"}] is not fixed`,
    remedy: "`trace` the graph with bound input shapes first",
  });
}

const showDim = (dim: Dim) => (dim === null ? "?" : String(dim));

function callKey(node: Node): string | undefined {
  // Two equal calls that draw are two draws; Dropout draws when it trains.
  if (RANDOM_OPERATORS.has(node.op) || node.op === "Dropout") return undefined;
  const attributes: string[] = [];
  for (const name of Object.keys(node.attributes).sort()) {
    const key = attributeKey(node.attributes[name]!);
    if (key === undefined) return undefined;
    attributes.push(`${name}=${key}`);
  }
  return JSON.stringify([node.domain, node.op, node.inputs, attributes, node.outputs.length]);
}

function attributeKey(attribute: Attribute): string | undefined {
  if (attribute.type === "opaque") return undefined;
  if (attribute.type === "tensor") return constantKey(attribute.value);
  // String tells infinities, NaN and -0 apart from null and 0, which JSON does not.
  const exact = (_: string, value: unknown) =>
    typeof value === "number" ? (Object.is(value, -0) ? "-0" : String(value)) : value;
  return `${attribute.type}:${JSON.stringify(attribute.value, exact)}`;
}

function constantKey(tensor: Tensor): string | undefined {
  const { dtype, shape, strings } = tensor;
  if (strings || tensorBytes(tensor) > MERGE_BYTES) return undefined;
  return `${dtype}[${shape}]${String.fromCharCode(...tensor.bytes)}`;
}
