import { expect, test } from "vitest";
import { fixtureGraph, fixtureNames, fixtureRecord } from "../../test/support/fixtures.ts";
import { nodeRuntime } from "../runtime/node.ts";
import { openGraph } from "./index.ts";

const open = async (name: string) => {
  const { shape } = fixtureRecord(name).inputs.pixel_values ?? { shape: [] };
  return openGraph(fixtureGraph(name), nodeRuntime, { imageSize: shape[2] });
};
/** One file of each architecture; that names and order change nothing is tested of all in find-states.test.ts. */
const readable = fixtureNames()
  .filter((name) => {
    const { dynamic, inputs } = fixtureRecord(name);
    return dynamic && ("input_ids" in inputs || "pixel_values" in inputs);
  })
  .filter((name, _, all) => all.find((other) => other.split("-")[0] === name.split("-")[0]) === name);
const apart = ["q", "k", "v", "o"];
/** What each library's blocks are made of. */
const expected = (name: string) => {
  if (/^(timm|modernbert)/.test(name)) return ["qkv", "o", "fc1", "fc2"];
  return [...apart, "fc1", ...(name.startsWith("nomic") ? ["gate"] : []), "fc2"];
};

test.each(readable)("%s: the products of every block are found, whatever they are called", async (name) => {
  const { products, blocks, graph, norms, branches, states } = await open(name);
  for (let block = 0; block < blocks; block++) {
    const roles = products.filter((product) => product.block === block).map(({ role }) => role);
    expect(roles.sort()).toEqual(expected(name).sort());
  }
  const made = new Set(graph.nodes.flatMap(({ outputs }) => outputs));
  expect(branches).toHaveLength(states.length - 1);
  for (const value of [...branches, ...products.flatMap(({ input, output }) => [input, output])])
    expect(made).toContain(value);
  // Where the exporter kept PyTorch's names, they say the same.
  for (const { role, weight, bias } of products) {
    const said = /(query|key|value|q_proj|k_proj|v_proj|in_proj|qkv|Wqkv|fc1|fc2)/.exec(`${bias} ${weight}`)?.[0];
    if (said !== undefined) expect(SAME[said]).toContain(role);
  }
  // Every norm has a gain of its own; nothing else is one.
  expect(norms.length).toBeGreaterThanOrEqual(name.startsWith("albert") ? 6 : 7);
  const named = [...graph.initializers.keys()].filter((value) => /norm\w*\.(weight|bias)$/i.test(value));
  if (named.length > 0) expect(named).toEqual(expect.arrayContaining([...norms]));
});

const SAME: Readonly<Record<string, string>> = {
  query: "q",
  q_proj: "q",
  key: "k",
  k_proj: "k",
  value: "v",
  v_proj: "v",
  in_proj: "qkv",
  qkv: "qkv",
  Wqkv: "qkv",
  fc1: "fc1",
  fc2: "fc2",
};

test("q, k and v made at once lie one after another", async () => {
  for (const name of ["timm-vit-ts17", "timm-vit-dynamo18", "modernbert-ts14"]) {
    const { products, hiddenSize: d } = await open(name);
    for (const { parts } of products.filter(({ role }) => role === "qkv"))
      expect(parts).toEqual({ q: 0, k: d, v: 2 * d });
  }
});
