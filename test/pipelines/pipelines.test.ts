import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as transformers from "@huggingface/transformers";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type ExportDtype, quantizeExport, usageLines } from "../../src/artifact/index.ts";
import type { Backbone } from "../../src/backbone/index.ts";
import { openBackbone, saveTrained } from "../../src/node.ts";
import type { Goal, ImageSplit } from "../../src/tasks/index.ts";
import { openGeneratedTask } from "../../src/tasks/index.ts";
import type { TunedModel } from "../../src/training/index.ts";
import {
  answersTo,
  answersToPictures,
  GOALS,
  modelFor,
  sigmoid,
  softmax,
  TEXTS,
  textBackbone,
} from "../support/pipeline-models.ts";
import { writePicture } from "../support/write-picture.ts";

/** Both sides compute in float32, with other kernels fused. */
const TOLERANCE = 1e-4;
/** Where one kernel's number is rounded to another byte than the other's, scores of these random adapters move so much. */
const ROUNDED = 0.1;

const folder = mkdtempSync(join(tmpdir(), "graft-pipelines-"));
let text: Backbone;

beforeAll(async () => {
  transformers.env.allowRemoteModels = false;
  transformers.env.useFSCache = false;
  text = await textBackbone(join(folder, "backbone"));
});
afterAll(() => rmSync(folder, { recursive: true }));

let count = 0;
async function saved(model: TunedModel, dtype?: ExportDtype): Promise<string> {
  const out = join(folder, `out ${count++}`);
  await saveTrained(model, out, undefined, dtype);
  return out;
}

/** Run the lines a user is told to run, and catch what they print. */
async function runUsage(lines: readonly string[]): Promise<unknown> {
  const code = lines.map((line) =>
    line.replace(/^import (\{.*\}) from "@huggingface\/transformers";$/, "const $1 = library;"),
  );
  expect(code[0]).toContain("= library");
  let printed: unknown;
  const AsyncFunction = (async () => undefined).constructor as FunctionConstructor;
  const run = new AsyncFunction("library", "console", code.join("\n"));
  await run(transformers, { log: (value: unknown) => (printed = value) });
  return printed;
}

const close = (found: unknown, expected: readonly (readonly number[])[], tolerance = TOLERANCE) => {
  const [a, b] = [(found as number[][]).flat(), expected.flat()];
  expect(a).toHaveLength(b.length);
  const worst = Math.max(...b.map((value, k) => Math.abs(value - a[k]!)));
  expect(worst).toBeLessThan(tolerance * Math.max(1, ...b.map(Math.abs)));
};

type Scores = { label: string; score: number }[];
const scoresIn = (goal: Goal & { classes: readonly string[] }, found: Scores) =>
  goal.classes.map((name) => found.find(({ label }) => label === name)!.score);

const SAMPLES = ["a text", "another one"];

describe("texts", () => {
  test.each([
    ["classify", softmax],
    ["multi_label", sigmoid],
  ] as const)("%s: every score, whatever the length and the batch", async (kind, probabilities) => {
    const goal = GOALS[kind];
    const model = modelFor(text, goal);
    const out = await saved(model);
    const expected = (await answersTo(model, TEXTS)).map(probabilities);
    const run = await transformers.pipeline("text-classification", out);
    const batch = (await run([...TEXTS], { top_k: null as never })) as unknown as Scores[];
    close(
      batch.map((scores) => scoresIn(goal, scores)),
      expected,
    );
    for (const [k, each] of TEXTS.entries()) {
      const alone = (await run(each, { top_k: null as never })) as unknown as Scores;
      close([scoresIn(goal, alone)], [expected[k]!]);
    }
    const printed = (await runUsage(usageLines(model, out))) as (Scores[number] | Scores)[];
    const [first] = (await answersTo(model, SAMPLES)).map(probabilities);
    const best = goal.classes[first!.indexOf(Math.max(...first!))];
    expect([printed[0]].flat()[0]!.label).toBe(best);
  });

  test("q8: the quantised file is loaded without being told, and answers as graft does with int8 weights", async () => {
    const goal = GOALS.classify;
    const model = modelFor(text, goal);
    const out = await saved(model, "q8");
    const sizes = ["model", "model_quantized"].map((name) => readFileSync(join(out, "onnx", `${name}.onnx`)).length);
    expect(sizes[1]).toBeLessThan(sizes[0]!);
    const [float, int8] = await Promise.all([answersTo(model, TEXTS), answersTo(quantizeExport(model), TEXTS)]);
    const scores = async (options: object) => {
      const run = await transformers.pipeline("text-classification", out, options);
      const found = (await run([...TEXTS], { top_k: null as never })) as unknown as Scores[];
      return found.map((each) => scoresIn(goal, each));
    };
    const found = await scores({});
    close(found, int8.map(softmax), ROUNDED);
    close(await scores({ dtype: "fp32" }), float.map(softmax));
    expect(() => close(found, float.map(softmax))).toThrow(); // They are two files.
  });

  test("pairs of texts", async () => {
    const goal = GOALS.classify;
    const model = modelFor(text, goal);
    const out = await saved(model);
    const [logits] = await answersTo(model, ["a text"], ["its pair"]);
    const best = goal.classes[logits!.indexOf(Math.max(...logits!))];
    expect(await runUsage(usageLines(model, out, { pair: true }))).toEqual([best]);
    const tokenize = await transformers.AutoTokenizer.from_pretrained(out);
    const run = await transformers.AutoModelForSequenceClassification.from_pretrained(out);
    const options = { text_pair: ["its pair", "a longer other one"], padding: true, truncation: true };
    const found = await run(await tokenize(["a text", "another"], { ...options, return_token_type_ids: true }));
    close(found.logits.tolist(), await answersTo(model, ["a text", "another"], options.text_pair));
  });

  test("regress: the lines of the card give numbers in their own units", async () => {
    const model = modelFor(text, GOALS.regress);
    close(await runUsage(usageLines(model, await saved(model))), await answersTo(model, SAMPLES));
  });

  test("tokens: the class of every token, at batch 1 and 5", async () => {
    const goal = GOALS.tokens;
    const model = modelFor(text, goal);
    const out = await saved(model);
    const run = await transformers.pipeline("token-classification", out);
    const found = await run([...TEXTS], { ignore_labels: [] });
    const answers = await answersTo(model, TEXTS);
    for (const [k, each] of TEXTS.entries()) {
      const { ids } = text.tokenizer!.encode(each);
      const rows = [...ids].map((_, token) => softmax(answers[k]!.slice(3 * token, 3 * token + 3)));
      const expected = rows.slice(1, -1).map((row) => ({
        label: goal.classes[row.indexOf(Math.max(...row))],
        score: Math.max(...row),
      }));
      for (const tokens of [found[k]!, await run(each, { ignore_labels: [] })] as {
        entity: string;
        score: number;
      }[][]) {
        // The pipeline takes the piece it cut at for a word, where the graph has put the end of the text.
        expect(tokens.length - expected.length).toBe(each === TEXTS.at(-1) ? 1 : 0);
        const shown = tokens.slice(0, expected.length);
        expect(shown.map(({ entity }) => entity)).toEqual(expected.map(({ label }) => label));
        close([shown.map(({ score }) => score)], [expected.map(({ score }) => score)]);
      }
    }
    expect(await runUsage(usageLines(model, out))).toHaveLength(2);
  });

  test.each(["mean", "cls", "last", "cls+mean"] as const)("embeddings, pooled by %s", async (pooling) => {
    const model = modelFor({ ...text, pooling }, GOALS.triplet);
    const out = await saved(model);
    close(await runUsage(usageLines(model, out)), await answersTo(model, SAMPLES));
    const pipelines = pooling === "mean" || pooling === "cls";
    expect(usageLines(model, out)[0]!.includes("{ pipeline }")).toBe(pipelines);
    if (pipelines) {
      const run = await transformers.pipeline("feature-extraction", out);
      const found = await run([...TEXTS], { pooling, normalize: true });
      close(found.tolist(), await answersTo(model, TEXTS));
    }
    expect(JSON.parse(readFileSync(join(out, "1_Pooling/config.json"), "utf8"))).toMatchObject({
      word_embedding_dimension: 16,
      pooling_mode_cls_token: pooling.startsWith("cls"),
      pooling_mode_mean_tokens: pooling.endsWith("mean"),
      pooling_mode_lasttoken: pooling === "last",
    });
  });
});

describe("pictures", () => {
  let image: Backbone;
  const task = openGeneratedTask("count", { trainSize: 1, validationSize: 1, testSize: 5 });
  const pictures = Array.from({ length: 5 }, (_, k) => (task.test as ImageSplit).pixels(k));
  beforeAll(async () => {
    image = await openBackbone("builtin:vit");
    await writePicture(join(folder, "picture.png"), pictures[0]!, 32);
  });
  const files = () => pictures.map((_, k) => join(folder, `${k}.png`));
  const usage = (model: TunedModel, out: string) =>
    usageLines(model, out).map((line) => line.replace("picture.jpg", join(folder, "picture.png")));

  test("classify: every score at the model's own size, at batch 1 and 5", async () => {
    await Promise.all(files().map((file, k) => writePicture(file, pictures[k]!, 32)));
    const goal = GOALS.classify;
    const model = modelFor(image, goal);
    const out = await saved(model);
    const expected = (await answersToPictures(model, pictures)).map(softmax);
    const run = await transformers.pipeline("image-classification", out);
    const batch = (await run(files())) as unknown as Scores[];
    close(
      batch.map((scores) => scoresIn(goal, scores)),
      expected,
    );
    close([scoresIn(goal, (await run(files()[1]!)) as Scores)], [expected[1]!]);
    const printed = (await runUsage(usage(model, out))) as Scores[];
    close([scoresIn(goal, printed[0]!)], [expected[0]!]);
  });

  test("q8: pictures", async () => {
    const model = modelFor(image, GOALS.classify);
    const run = await transformers.pipeline("image-classification", await saved(model, "q8"));
    const found = (await run(files())) as unknown as Scores[];
    const expected = await answersToPictures(quantizeExport(model), pictures);
    close(
      found.map((scores) => scoresIn(GOALS.classify, scores)),
      expected.map(softmax),
      ROUNDED,
    );
  });

  test("multi_label, regress and embeddings: the lines of the card", async () => {
    for (const [goal, asShown] of [
      [GOALS.multi_label, sigmoid],
      [GOALS.regress, (row: readonly number[]) => row],
      [GOALS.triplet, (row: readonly number[]) => row],
    ] as const) {
      const model = modelFor(image, goal);
      const found = await runUsage(usage(model, await saved(model)));
      close(found, (await answersToPictures(model, pictures.slice(0, 1))).map(asShown));
    }
  });
});
