import type { Attribute, Graph, Tensor } from "./types.ts";

/**
 * SHA-256 of a graph's structure and weights, hex: the same for the same model however its file was encoded (raw or
 * typed fields, inside or external). Names count.
 */
export async function hashGraph(graph: Graph): Promise<string> {
  const lines: string[] = [`inputs ${graph.inputs}`, `outputs ${graph.outputs}`];
  for (const name of [...graph.initializers.keys()].sort())
    lines.push(`weight ${name} ${await hashTensor(graph.initializers.get(name)!)}`);
  for (const node of graph.nodes) {
    const attributes = await Promise.all(
      Object.keys(node.attributes)
        .sort()
        .map(async (name) => `${name}=${await describeAttribute(node.attributes[name]!)}`),
    );
    lines.push(`node ${node.domain}.${node.op}(${node.inputs}) -> ${node.outputs} [${attributes.join("; ")}]`);
  }
  return sha256(new TextEncoder().encode(lines.join("\n")));
}

/** Frozen weights are in graph after graph. */
const known = new WeakMap<Tensor, Promise<string>>();

function hashTensor(tensor: Tensor): Promise<string> {
  const hash = known.get(tensor) ?? hashContent(tensor);
  known.set(tensor, hash);
  return hash;
}

async function hashContent({ dtype, shape, bytes, strings = [] }: Tensor): Promise<string> {
  const texts = strings.map((text) => new TextDecoder().decode(text));
  return `${dtype}[${shape}] ${await sha256(bytes)} ${JSON.stringify(texts)}`;
}

async function describeAttribute(attribute: Attribute): Promise<string> {
  if (attribute.type === "tensor") return hashTensor(attribute.value);
  return attribute.type === "opaque" ? "opaque" : JSON.stringify(attribute.value);
}

async function sha256(bytes: Uint8Array): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", bytes as Uint8Array<ArrayBuffer>);
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
