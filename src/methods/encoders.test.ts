import { describe, expect, test } from "vitest";
import { deployedGraph, deployedNames, deployedRecord } from "../../test/support/deployed-fixtures.ts";
import { fixtureGraph, fixtureRecord, recordedFeeds } from "../../test/support/fixtures.ts";
import { relativeError, runOnce, trainedTensors } from "../../test/support/tiny-runs.ts";
import { type Backbone, openGraph } from "../backbone/index.ts";
import { createBuilder, prune } from "../graph/index.ts";
import { nodeRuntime } from "../runtime/node.ts";
import { selectMethod } from "../selection/index.ts";
import { startTensors, tunedParameters, upToFeatures } from "./index.ts";
import { kindOf } from "./method-kinds.ts";

/** Exporters' files: post-norm and pre-norm, q, k and v apart and at once, weights in a Gemm, shared, in 16 bits, quantised. */
const names = [
  "bert-dynamo18",
  "vit-ts17",
  "timm-vit-ts17",
  "albert-ts14",
  "deberta-v2-dynamo18",
  "nomicbert-ts17",
  "bert-fused",
  "vit-float16",
  "bert-int8",
  "vit-4bit",
];
const isDeployed = (name: string) => deployedNames().includes(name);
const isQuantized = (name: string) => /int8|4bit|qdq/.test(name);

async function open(name: string) {
  const record = isDeployed(name) ? deployedRecord(name) : fixtureRecord(name);
  const graph = isDeployed(name) ? deployedGraph(name) : fixtureGraph(name);
  const backbone = await openGraph(graph, nodeRuntime, { imageSize: record.inputs.pixel_values?.shape[2] });
  const plain = upToFeatures(backbone, backbone.graph);
  const feeds = Object.fromEntries(Object.entries(recordedFeeds(record)).filter(([key]) => plain.inputs.includes(key)));
  return { backbone, plain, feeds };
}

const methodsFor = (name: string) => [
  "lora:all@r2",
  "lora:q,v@r2",
  "apla:3",
  "houlsby@r2",
  "adaptformer@r2",
  "adapter+@r2",
  "norms",
  "bitfit",
  ...(isQuantized(name) ? [] : ["full", "dora:q,v,fc1@r2"]),
];

describe.each(names)("%s", (name) => {
  test("no method changes a bit before training, and what is merged answers as what was trained", async () => {
    const { backbone, plain, feeds } = await open(name);
    const expected = (await runOnce(plain, feeds))[backbone.features];
    for (const text of methodsFor(name)) {
      const { method } = selectMethod(text, backbone);
      const kind = kindOf(method);
      const start = startTensors(backbone, method, 1);
      const run = async (tensors: typeof start) => {
        const g = createBuilder(plain);
        const constants = new Map([...tensors].map(([key, tensor]) => [key, g.constant(tensor, key)]));
        const features = kind.insert(g, plain, backbone, method, constants).get(backbone.features)!;
        return (await runOnce(prune(g.toGraph([g.rename(features, "tuned").name])), feeds)).tuned!;
      };
      expect(await run(start), text).toEqual(expected);
      if (kind.merge === undefined || text === "full") continue;
      const trained = trainedTensors(tunedParameters(backbone, { method, goal: { kind: "triplet" } }), 4);
      const merged = kind.merge(plain, backbone, method, trained);
      const isBeside =
        /^(lora|dora|apla)/.test(text) && (isQuantized(name) || (name.startsWith("deberta") && text !== "apla:3"));
      expect(merged === undefined, text).toBe(isBeside);
      if (merged === undefined) continue;
      expect(merged.nodes.length).toBeLessThanOrEqual(plain.nodes.length);
      const answers = (await runOnce(merged, feeds))[backbone.features]!;
      expect(relativeError(answers, await run(trained)), text).toBeLessThan(1e-5);
    }
  });
});

test.each(["full", "dora:q"])("%s on whole numbers is refused, and what can be done is said", async (text) => {
  const { backbone } = await open("bert-int8");
  expect(() => selectMethod(text, backbone)).toThrow(expect.objectContaining({ code: "METHOD_QUANTIZED" }));
  expect(() => selectMethod(text, backbone)).toThrow(/--dtype fp32/);
});

const namesOf = (backbone: Backbone, text: string) =>
  tunedParameters(backbone, { method: selectMethod(text, backbone).method, goal: { kind: "triplet" } })
    .map(({ name }) => name)
    .filter((name) => name.endsWith("down"));

describe("targets", () => {
  test("are roles, roles of a block, or names of the file with stars", async () => {
    const { backbone } = await open("bert-dynamo18");
    expect(namesOf(backbone, "lora:q,1.fc2")).toEqual(["lora.0.q.down", "lora.1.q.down", "lora.1.fc2.down"]);
    const [first] = backbone.products;
    expect(namesOf(backbone, `lora:${first!.weight}`)).toEqual([`lora.0.${first!.role}.down`]);
    expect(namesOf(backbone, "lora:1.*")).toHaveLength(6);
    expect(namesOf(backbone, "lora:all")).toHaveLength(12);
  });

  test("take q and v out of what makes q, k and v at once, or all of it", async () => {
    const { backbone } = await open("timm-vit-ts17");
    expect(namesOf(backbone, "lora:q,v")).toEqual(["0.q", "0.v", "1.q", "1.v"].map((site) => `lora.${site}.down`));
    expect(namesOf(backbone, "lora:qkv,q")).toEqual(["lora.0.qkv.down", "lora.1.qkv.down"]);
  });

  test("that blocks share are trained once", async () => {
    const { backbone } = await open("albert-ts14");
    expect(namesOf(backbone, "lora:q")).toEqual(["lora.0.q.down"]);
    expect(namesOf(backbone, "lora:1.q")).toEqual(["lora.0.q.down"]);
  });

  test.each([
    ["lora:query", /target "query".*There are q, k, v, o, fc1, fc2, all, of one block as 0\.q/s],
    ["lora:q,7.v", /target "7\.v".*did you mean "\d\.v"/s],
    ["page:9", /target "9\.fc2"/],
  ])("%s: none of that name is an error that lists those there are", async (text, message) => {
    const { backbone } = await open("bert-dynamo18");
    expect(() => selectMethod(text, backbone)).toThrow(expect.objectContaining({ code: "TARGET_UNKNOWN" }));
    expect(() => selectMethod(text, backbone)).toThrow(message);
  });

  test("that cannot be told apart are refused by name", async () => {
    const { backbone } = await open("timm-vit-ts17");
    const products = backbone.products.map(({ parts: _, ...product }) => product);
    expect(() => selectMethod("lora:q", { ...backbone, products })).toThrow(/one matrix .* makes qkv at once/);
  });

  test("of a model where none was found are refused with what can be done instead", async () => {
    const { backbone } = await open("timm-vit-ts17");
    expect(() => selectMethod("lora:q", { ...backbone, products: [] })).toThrow(
      /no product .* was found .*Use adapters/,
    );
  });
});
