import {
  AutoModel,
  AutoModelForImageClassification,
  AutoModelForSequenceClassification,
  AutoModelForTokenClassification,
} from "@huggingface/transformers";
import { describe, expect, test } from "vitest";
import { GOALS, modelFor } from "../../test/support/pipeline-models.ts";
import { tinyPostNorm } from "../../test/support/tiny-backbone.ts";
import { runOnce } from "../../test/support/tiny-runs.ts";
import { tinyBert, tinyTokenizer } from "../../test/support/tiny-text.ts";
import { createBuilder, type DataType } from "../graph/index.ts";
import { HEAD_ALONE, type Method } from "../methods/index.ts";
import type { Goal } from "../tasks/index.ts";
import { exportModel } from "./export-model.ts";
import { modelCard } from "./model-card.ts";
import { pipelineFiles } from "./pipeline-files.ts";
import { pipelineGraph } from "./pipeline-graph.ts";
import { KNOWN_TYPES, pipelineType } from "./pipeline-types.ts";
import { tokenizerConfig } from "./tokenizer-config.ts";

const bytes = (content: unknown) => new TextEncoder().encode(JSON.stringify(content));
const json = (content: string | Uint8Array | undefined) =>
  JSON.parse(typeof content === "string" ? content : new TextDecoder().decode(content));

describe("types", () => {
  const kinds: [keyof typeof KNOWN_TYPES, Goal, { supports(type: string): boolean }][] = [
    ["text", GOALS.classify, AutoModelForSequenceClassification],
    ["text", GOALS.tokens, AutoModelForTokenClassification],
    ["text", GOALS.triplet, AutoModel],
    ["image", GOALS.classify, AutoModelForImageClassification],
  ];
  test.each(kinds)("Transformers.js knows every type written, %s %#", (kind, goal, library) => {
    const own = KNOWN_TYPES[kind].map((type) => pipelineType(kind, goal, type).modelType);
    expect(own.length).toBeGreaterThan(5);
    expect(own.filter((type) => !library.supports(type))).toEqual([]);
    for (const other of ["nomic_bert", "clip_vision_model", "gpt2", undefined, "constructor"]) {
      const { modelType } = pipelineType(kind, goal, other);
      expect(modelType).toBe(kind === "text" ? "bert" : "vit");
    }
  });

  test("a type keeps its own name wherever the library has a class for it", () => {
    for (const [kind, goal, library] of kinds)
      for (const type of KNOWN_TYPES[kind])
        if (library.supports(type)) expect(pipelineType(kind, goal, type).modelType, `${goal.kind}`).toBe(type);
  });
});

test("config.json keeps the backbone's keys, replaces labels and how files are loaded", async () => {
  const config = {
    hidden_size: 16,
    id2label: { 0: "old" },
    num_labels: 1,
    model_type: "roberta",
    quantization_config: {},
    architectures: ["RobertaModel"],
  };
  const model = modelFor(await tinyBert(), GOALS.multi_label);
  expect(json(pipelineFiles(model, { config: bytes(config) }).get("config.json"))).toEqual({
    hidden_size: 16,
    model_type: "roberta",
    architectures: ["RobertaForSequenceClassification"],
    id2label: { 0: "urgent", 1: "angry", 2: "long" },
    label2id: { urgent: 0, angry: 1, long: 2 },
    num_labels: 3,
    problem_type: "multi_label_classification",
    "transformers.js_config": { dtype: "fp32" },
  });
  const embedding = json(
    pipelineFiles(modelFor(model.backbone, GOALS.triplet), { config: bytes(config) }).get("config.json"),
  );
  expect(Object.keys(embedding).filter((key) => /label|problem/.test(key))).toEqual([]);
  expect(() => pipelineFiles(model, { config: bytes("text") })).toThrow(/config\.json/);
});

test("a tokenizer's settings stay as they are, but for what Transformers.js would get wrong", () => {
  const file = { added_tokens: [{ id: 0, content: "[PAD]" }], model: { vocab: { "[PAD]": 0, a: 1 } } };
  const tokenizer = tinyTokenizer(); // 32 tokens, padding 0 on the right
  const own = { model_max_length: 32, pad_token: "[PAD]", other: 1 };
  expect(tokenizerConfig(own, file, tokenizer)).toBe(own);
  expect(tokenizerConfig({ ...own, model_max_length: 512 }, file, tokenizer)).toEqual(own);
  expect(tokenizerConfig({ ...own, pad_token: { content: "[PAD]", lstrip: false } }, file, tokenizer)).toEqual(own);
  expect(tokenizerConfig(undefined, file, tokenizer)).toEqual({
    tokenizer_class: "PreTrainedTokenizer",
    model_max_length: 32,
    pad_token: "[PAD]",
  });
  const left = { ...tokenizer, paddingSide: "left", padId: 1 } as const;
  expect(tokenizerConfig({ model_max_length: 32 }, file, left)).toMatchObject({ padding_side: "left", pad_token: "a" });
});

describe("inputs", () => {
  test("a picture's input of another name takes pixel_values", async () => {
    const model = modelFor(await tinyPostNorm(), GOALS.classify);
    const graph = pipelineGraph(model);
    expect([exportModel(model).inputs, graph.inputs]).toEqual([["image"], ["pixel_values"]]);
    const pixels = {
      dtype: "float32",
      shape: [1, 3, 8, 8],
      data: Float32Array.from({ length: 192 }, (_, k) => Math.sin(k)),
    } as const;
    expect(await runOnce(graph, { pixel_values: pixels })).toEqual(
      await runOnce(exportModel(model), { image: pixels }),
    );
  });

  test.each(["int32", "int64"] as const)(
    "texts of %s with positions take int64 ids and mask, and count positions",
    async (dtype) => {
      const backbone = await tinyBert();
      if (backbone.input.kind !== "text") throw new TypeError("unreachable");
      // Positions as an input that counts: added to the ids' features they would be missed if they were wrong.
      const shape = ["batch", "tokens"];
      const g = createBuilder();
      const [ids, mask, positions] = ["input_ids", "attention_mask", "position_ids"].map((name) =>
        g.input(name, dtype, shape),
      );
      const sum = g.unsqueeze(
        g.cast(g.add(g.mul(ids!, mask!), g.mul(positions!, g.scalar(100, dtype))), "float32"),
        [2],
      );
      const features = g.rename(g.concat(new Array(backbone.hiddenSize).fill(sum), -1), "features");
      const input = {
        kind: "text",
        ids: "input_ids",
        mask: "attention_mask",
        positions: "position_ids",
        dtype,
      } as const;
      const graph = g.toGraph([features.name]);
      const spec = { method: HEAD_ALONE, goal: GOALS.triplet };
      const model = { backbone: { ...backbone, graph, input, features: "features" }, spec, tensors: new Map() };
      const exported = pipelineGraph(model);
      expect([...exported.inputs].sort()).toEqual(["attention_mask", "input_ids"]);
      const whole = (values: readonly number[]) =>
        ({ dtype: "int64" as DataType, shape: [2, 3], data: BigInt64Array.from(values, BigInt) }) as never;
      const feeds = { input_ids: whole([7, 8, 9, 0, 5, 6]), attention_mask: whole([1, 1, 1, 0, 1, 1]) };
      const { last_hidden_state: found } = await runOnce(exported, feeds);
      const expected = [7, 108, 209, 0, 5, 106].flatMap((value) => new Array(backbone.hiddenSize).fill(value));
      expect([...found!]).toEqual(expected);
    },
  );
});

test("the card says data, placement, scores, cost and use", async () => {
  const model = modelFor(await tinyBert(), GOALS.classify);
  const info = {
    data: "tickets.csv, 800 rows",
    measures: [{ name: "accuracy", base: 0.81234, tuned: 0.9 }],
    seconds: 130,
    command: "graft train",
  };
  const card = modelCard(model, "./tickets", info);
  for (const part of [
    "tickets.csv, 800 rows",
    "`1-2@r2,3-0@r2,2-2@r2`",
    "| accuracy | 0.8123 | 0.9 |",
    "2 min",
    "`graft train`",
    '"./tickets"',
    "pipeline_tag: text-classification",
    "`billing`",
  ])
    expect(card).toContain(part);
  expect(card).not.toMatch(/undefined|NaN|\[object/);
  expect(card).not.toContain("placement.svg");
  expect(modelCard(model, "./tickets", { ...info, picture: "<svg/>" })).toContain("](placement.svg)");
});

test("a card says whether adapters were added or the model itself was tuned", async () => {
  const model = modelFor(await tinyBert(), GOALS.classify);
  const named = (method: Method) => modelCard({ ...model, spec: { ...model.spec, method } }, "./out");
  expect(named(model.spec.method)).toMatch(/weights of the model itself are unchanged.*\*\*Placement\*\*: `1-2@r2/s);
  const lora = named({ kind: "lora", targets: ["q", "v"] });
  expect(lora).toMatch(/fine-tuned by .*derived from that model.*\*\*Method\*\*: LoRA of rank 8 \(alpha 16\) on q, v/s);
  expect(lora).not.toContain("unchanged:");
});
