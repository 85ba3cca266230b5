import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { type Summary, summaryError, summaryOf } from "../../../test/support/fixtures.ts";
import { differentiate } from "../../autodiff/index.ts";
import { decodeSafetensors } from "../../formats/index.ts";
import {
  checkGraph,
  createBuilder,
  type DataType,
  decodeModel,
  elementCount,
  encodeModel,
  type Graph,
  prune,
  staticShape,
  type Tensor,
  tensorOf,
  tensorValues,
} from "../../graph/index.ts";
import { nodeRuntime } from "../../runtime/node.ts";
import { trace } from "../../trace/index.ts";
import { findStates } from "../find-states.ts";
import { AUTHORED_TYPES, authorFromSafetensors } from "./index.ts";

interface Listed {
  readonly dtype: DataType;
  readonly shape: readonly number[];
  readonly data: readonly number[];
}

/** What transformers computed (bench/peers/make-fixtures/authored.py). */
interface Reference {
  readonly class: string;
  readonly image: number | null;
  readonly runs: readonly {
    readonly inputs: Readonly<Record<string, Listed>>;
    readonly last_hidden_state: Listed;
    readonly pooler_output?: Listed;
    readonly hidden: readonly Summary[];
    /** Of the sum of w[k] · y[k]² over last_hidden_state's flat index k, w[k] = (k mod 5 + 1) / 5. */
    readonly gradients: readonly Summary[];
  }[];
}

const root = new URL("../../../test/fixtures/authored/", import.meta.url);
const names = readdirSync(root).sort();
// A copy: a Buffer's own slice() shares its memory.
const read = (name: string, file: string) => Uint8Array.from(readFileSync(new URL(`${name}/${file}`, root)));
const json = (name: string, file: string) => JSON.parse(new TextDecoder().decode(read(name, file)));
const reference = (name: string): Reference => json(name, "reference.json");

function tensorsOf(name: string): Map<string, Tensor> {
  const files = readdirSync(new URL(name, root)).filter((file) => file.endsWith(".safetensors"));
  return new Map(files.flatMap((file) => [...decodeSafetensors(read(name, file)).tensors]));
}

const author = (name: string) =>
  authorFromSafetensors(json(name, "config.json"), tensorsOf(name), { imageSize: reference(name).image ?? undefined });

async function run(graph: Graph, inputs: Reference["runs"][0]["inputs"]) {
  const session = await nodeRuntime.open(graph, { threads: 1 });
  const feeds = Object.fromEntries(
    Object.entries(inputs).map(([key, { dtype, shape, data }]) => [
      key,
      { dtype, shape, data: tensorValues(tensorOf(dtype as "float32", shape, data)) },
    ]),
  );
  const found = await session.run(feeds);
  await session.release();
  return found;
}

const largestError = (found: ArrayLike<number>, { data }: Listed) =>
  Math.max(...data.map((value, k) => Math.abs(value - (found[k] ?? Number.NaN))));

test("every family has a fixture", () => {
  const covered = new Set(names.map((name) => json(name, "config.json").model_type));
  // CamemBERT differs from RoBERTa by name alone.
  expect([...covered, "camembert"].sort()).toEqual([...AUTHORED_TYPES].sort());
});

describe.each(names)("%s", (name) => {
  const { runs } = reference(name);
  const graph = author(name);

  test("computes what transformers computes, at both sizes of the batch", async () => {
    checkGraph(graph);
    expect(runs).toHaveLength(2);
    for (const { inputs, last_hidden_state, pooler_output } of runs) {
      expect(graph.inputs).toEqual(Object.keys(inputs));
      expect(graph.outputs).toEqual(["last_hidden_state", ...(pooler_output ? ["pooler_output"] : [])]);
      const found = await run(graph, inputs);
      for (const [output, expected] of Object.entries({ last_hidden_state, pooler_output })) {
        if (!expected) continue;
        expect(found[output]!.shape).toEqual(expected.shape);
        expect(largestError(found[output]!.data as Float32Array, expected)).toBeLessThan(1e-4);
      }
    }
  });

  const { inputs, hidden, gradients } = runs[0]!;
  const shapes = Object.fromEntries(Object.entries(inputs).map(([input, { shape }]) => [input, shape]));

  test("has 2L + 1 hidden states, and every second is one of transformers' own", async () => {
    const traced = await trace(graph, shapes, nodeRuntime);
    const { states, blocks } = findStates(traced);
    expect([blocks, states.length]).toEqual([hidden.length - 1, 2 * (hidden.length - 1) + 1]);
    const found = await run({ ...traced, outputs: states }, inputs);
    hidden.forEach((expected, k) => {
      const values = found[states[2 * k]!]!.data as Float32Array;
      expect(summaryError(summaryOf(values), expected), `block ${k}`).toBeLessThan(1e-4);
    });
  });

  test("has the gradients at them that PyTorch has", async () => {
    const traced = await trace(graph, shapes, nodeRuntime);
    const { states } = findStates(traced);
    const g = createBuilder(traced);
    const y = g.value("last_hidden_state");
    const shape = staticShape(y);
    const weights = Float32Array.from({ length: elementCount(shape) }, (_, k) => ((k % 5) + 1) / 5);
    const weighted = g.mul(g.mul(y, y), g.constant(tensorOf("float32", shape, weights)));
    const loss = g.reduceSum(weighted, [0, 1, 2], false);
    const every = gradients.map((_, k) => g.value(states[2 * k]!));
    const found = differentiate(g, loss, every).map((gradient) => gradient.name);
    const values = await run(prune(g.toGraph(found)), inputs);
    gradients.forEach((expected, k) => {
      const data = values[found[k]!]!.data as Float32Array;
      expect(summaryError(summaryOf(data), expected), `block ${k}`).toBeLessThan(1e-3);
    });
  });

  test("is written and read like any model", () => {
    const again = decodeModel(encodeModel(graph).bytes);
    expect([again.inputs, again.outputs, again.types.get("last_hidden_state")]).toEqual([
      graph.inputs,
      graph.outputs,
      graph.types.get("last_hidden_state"),
    ]);
    expect(again.types.get("last_hidden_state")!.shape).toHaveLength(3);
  });
});

describe("what cannot be authored is refused in one line", () => {
  const config = json("bert", "config.json");
  const tensors = tensorsOf("bert");
  const without = (name: string) => new Map([...tensors].filter(([key]) => key !== name));
  const query = "encoder.layer.1.attention.self.query.weight";
  const cases: [string, unknown, ReadonlyMap<string, Tensor>, string, RegExp][] = [
    [
      "another family",
      { model_type: "t5" },
      tensors,
      "MODEL_TYPE",
      /model_type "t5": .*It builds bert, roberta, .*dinov2/,
    ],
    ["no family", {}, tensors, "MODEL_TYPE", /config\.json: it has no model_type/],
    ["a family named like a method", { model_type: "toString" }, tensors, "MODEL_TYPE", /"toString"/],
    ["no object", null, tensors, "MODEL_TYPE", /it has no model_type/],
    [
      "a missing tensor",
      config,
      without(query),
      "WEIGHTS",
      /tensor "encoder\.layer\.1\.attention\.self\.query\.weight": .*did you mean/,
    ],
    ["a block too many", { ...config, num_hidden_layers: 3 }, tensors, "WEIGHTS", /tensor "encoder\.layer\.2\./],
    ["no tensors", config, new Map(), "WEIGHTS", /no such tensor among their 0/],
    [
      "another width",
      { ...config, hidden_size: 8 },
      tensors,
      "WEIGHTS",
      /it is \[24, 16\], config\.json makes it \[any, 8\]/,
    ],
    [
      "an odd number of heads",
      { ...config, num_attention_heads: 3 },
      tensors,
      "CONFIG",
      /16 does not divide into 3 heads/,
    ],
    ["a decoder", { ...config, is_decoder: true }, tensors, "CONFIG", /looks back only/],
    ["relative positions", { ...config, position_embedding_type: "relative_key" }, tensors, "CONFIG", /relative_key/],
    ["an unknown activation", { ...config, hidden_act: "mish" }, tensors, "CONFIG", /"mish".*gelu_new/],
    ["a size that is no number", { ...config, hidden_size: "16" }, tensors, "CONFIG", /hidden_size: /],
  ];
  test.each(cases)("%s", (_, json, given, code, message) => {
    expect(() => authorFromSafetensors(json, given)).toThrow(
      expect.objectContaining({ code, message: expect.stringMatching(message) }),
    );
  });

  test("a picture smaller than a patch", () => {
    const author = () => authorFromSafetensors(json("vit", "config.json"), tensorsOf("vit"), { imageSize: 3 });
    expect(author).toThrow(/smaller than a patch of 4 × 4/);
  });
});

test("layer norms may have the names of the first checkpoints", () => {
  const old = new Map(
    [...tensorsOf("bert")].map(([name, tensor]) => [
      name.replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias", "LayerNorm.beta"),
      tensor,
    ]),
  );
  expect([...old.keys()].filter((name) => name.endsWith("gamma"))).toHaveLength(5);
  expect(authorFromSafetensors(json("bert", "config.json"), old)).toEqual(author("bert"));
});
