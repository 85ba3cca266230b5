import { scalarTensor, tensorOf } from "./tensors.ts";
import type { Graph, Node, Tensor } from "./types.ts";

const nodeConstants = new WeakMap<readonly Node[], ReadonlyMap<string, Tensor>>();

/** The tensor a value always has, from an initializer or a `Constant` node; undefined when it is computed or fed. */
export function constantTensor(graph: Graph, name: string): Tensor | undefined {
  const stored = graph.initializers.get(name);
  if (stored !== undefined) return stored;
  let constants = nodeConstants.get(graph.nodes);
  if (constants === undefined) {
    constants = new Map(
      graph.nodes.flatMap((node) => {
        const tensor = constantOf(node);
        return tensor === undefined ? [] : [[node.outputs[0] ?? "", tensor] as const];
      }),
    );
    nodeConstants.set(graph.nodes, constants);
  }
  return constants.get(name);
}

/** The tensor a `Constant` node makes; undefined for other nodes and for sparse constants. */
export function constantOf(node: Node): Tensor | undefined {
  if (node.op !== "Constant" || node.domain !== "") return undefined;
  for (const [name, attribute] of Object.entries(node.attributes)) {
    switch (`${name}: ${attribute.type}`) {
      case "value: tensor":
        return attribute.value as Tensor;
      case "value_float: float":
        return scalarTensor("float32", attribute.value as number);
      case "value_floats: floats":
        return listTensor("float32", attribute.value as readonly number[]);
      case "value_int: int":
        return scalarTensor("int64", attribute.value as number);
      case "value_ints: ints":
        return listTensor("int64", attribute.value as readonly number[]);
      case "value_string: string":
        return stringTensor([], [attribute.value as string]);
      case "value_strings: strings": {
        const strings = attribute.value as readonly string[];
        return stringTensor([strings.length], strings);
      }
    }
  }
  return undefined;
}

function listTensor(dtype: "float32" | "int64", values: readonly number[]): Tensor {
  return tensorOf(dtype, [values.length], values);
}

function stringTensor(shape: readonly number[], strings: readonly string[]): Tensor {
  const encoder = new TextEncoder();
  return { dtype: "string", shape, bytes: new Uint8Array(0), strings: strings.map((text) => encoder.encode(text)) };
}
