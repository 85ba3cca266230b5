import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import type * as Transformers from "@huggingface/transformers";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { quantizeExport } from "../../src/artifact/index.ts";
import { openBackbone, saveTrained } from "../../src/node.ts";
import type { Goal } from "../../src/tasks/index.ts";
import {
  answersTo,
  answersToPictures,
  GOALS,
  modelFor,
  softmax,
  TEXTS,
  textBackbone,
} from "../support/pipeline-models.ts";
import { writePicture } from "../support/write-picture.ts";
import { launchChromium, noChromium } from "./chromium.ts";
import { type Served, serve } from "./serve.ts";

/** Both sides compute in float32, with kernels of their own. */
const TOLERANCE = 1e-4;
/** Where one kernel's number is rounded to another byte than the other's, scores of these random adapters move so much. */
const ROUNDED = 0.1;

const folder = mkdtempSync(join(tmpdir(), "graft-pipelines-"));
let [browser, served, page]: [Browser?, Served?, Page?] = [];
/** What the page asked of anybody but the test's server. */
const abroad: string[] = [];

beforeAll(async () => {
  if (noChromium) return;
  const library = resolve("node_modules/@huggingface/transformers");
  symlinkSync(join(library, "dist"), join(folder, "library"));
  symlinkSync(join(library, "node_modules/onnxruntime-web/dist"), join(folder, "runtime"));
  writeFileSync(
    join(folder, "index.html"),
    '<!doctype html><title>a page</title><script type="module">import * as library from "./library/transformers.min.js"; globalThis.library = library;</script>',
  );
  served = await serve(folder);
  browser = await launchChromium();
  page = await browser.newPage();
  const { origin } = served;
  await page.route(
    (url) => url.origin !== origin && url.protocol.startsWith("http"),
    (route) => {
      abroad.push(route.request().url());
      return route.abort();
    },
  );
  await page.goto(`${origin}/index.html`);
  await page.waitForFunction("globalThis.library !== undefined");
}, 120_000);

beforeEach(({ skip }) => skip(noChromium !== undefined, noChromium));

afterAll(async () => {
  await browser?.close();
  await served?.close();
  rmSync(folder, { recursive: true });
});

/** Run a pipeline in the page, on WASM, the runtime's files and the model's from the test's server; tensors as lists. */
function inPage(task: string, model: string, input: unknown, options: object = {}): Promise<unknown> {
  return page!.evaluate(
    async (call) => {
      const { library } = globalThis as unknown as { library: typeof Transformers };
      const { env, pipeline } = library;
      Object.assign(env, {
        allowRemoteModels: false,
        allowLocalModels: true,
        useBrowserCache: false,
        useWasmCache: false,
      });
      Object.assign(env.backends.onnx.wasm!, { wasmPaths: `${location.origin}/runtime/`, numThreads: 1 });
      const run = (await pipeline(call.task as "feature-extraction", call.model, { device: "wasm" })) as unknown as (
        ...args: unknown[]
      ) => Promise<{ tolist?(): unknown }>;
      const found = await run(call.input, call.options);
      return found.tolist ? found.tolist() : found;
    },
    { task, model, input, options },
  );
}

const close = (
  found: readonly (readonly number[])[],
  expected: readonly (readonly number[])[],
  tolerance = TOLERANCE,
) => {
  const [a, b] = [found.flat(), expected.flat()];
  expect(a).toHaveLength(b.length);
  expect(Math.max(...b.map((value, k) => Math.abs(value - a[k]!)))).toBeLessThan(
    tolerance * Math.max(1, ...b.map(Math.abs)),
  );
};

type Scores = { label: string; score: number }[];
const scoresIn = ({ classes }: Goal & { classes: readonly string[] }, found: Scores) =>
  classes.map((name) => found.find(({ label }) => label === name)!.score);

test("texts in a page: classes, tags and embeddings are graft's, from model.onnx without being told", async () => {
  const backbone = await textBackbone(join(folder, "backbone"));
  const save = async (name: string, goal: Goal) => {
    const model = modelFor(backbone, goal);
    await saveTrained(model, join(folder, "models", name));
    return answersTo(model, TEXTS);
  };
  const classes = await save("classes", GOALS.classify);
  const scores = (await inPage("text-classification", "classes", TEXTS, { top_k: null })) as Scores[];
  close(
    scores.map((each) => scoresIn(GOALS.classify, each)),
    classes.map(softmax),
  );

  const tags = await save("tags", GOALS.tokens);
  const tokens = (await inPage("token-classification", "tags", TEXTS[1], { ignore_labels: [] })) as { score: number }[];
  const rows = Array.from({ length: tags[1]!.length / 3 }, (_, k) => softmax(tags[1]!.slice(3 * k, 3 * k + 3)));
  close([tokens.map(({ score }) => score)], [rows.slice(1, -1).map((row) => Math.max(...row))]);

  const vectors = await save("vectors", GOALS.triplet);
  const options = { pooling: backbone.pooling, normalize: true };
  close((await inPage("feature-extraction", "vectors", TEXTS, options)) as number[][], vectors);
  expect(abroad).toEqual([]);
});

test("q8 in a page: on WASM int8 weights answer as in Node, texts and pictures", async () => {
  const goal = GOALS.classify;
  const texts = modelFor(await textBackbone(join(folder, "backbone")), goal);
  await saveTrained(texts, join(folder, "models", "q8-texts"), undefined, "q8");
  const scores = (await inPage("text-classification", "q8-texts", TEXTS, { top_k: null })) as Scores[];
  close(
    scores.map((each) => scoresIn(goal, each)),
    (await answersTo(quantizeExport(texts), TEXTS)).map(softmax),
    ROUNDED,
  );
  const images = modelFor(await openBackbone("builtin:vit"), goal);
  await saveTrained(images, join(folder, "models", "q8-pictures"), undefined, "q8");
  const pixels = Uint8Array.from({ length: 3 * 32 * 32 }, (_, k) => 128 + 127 * Math.sin((k + 1) * 0.003));
  await writePicture(join(folder, "q8.png"), pixels, 32);
  const [found] = (await inPage("image-classification", "q8-pictures", [`${served!.origin}/q8.png`])) as Scores[];
  const expected = (await answersToPictures(quantizeExport(images), [pixels])).map(softmax);
  close([scoresIn(goal, found!)], expected, ROUNDED);
  expect(abroad).toEqual([]);
});

test("pictures in a page: every score is graft's", async () => {
  const backbone = await openBackbone("builtin:vit");
  const model = modelFor(backbone, GOALS.classify);
  await saveTrained(model, join(folder, "models", "pictures"));
  const pixels = Array.from({ length: 2 }, (_, seed) =>
    Uint8Array.from({ length: 3 * 32 * 32 }, (_, k) => 128 + 127 * Math.sin((k + 1) * (0.003 + 0.01 * seed))),
  );
  for (const [k, planes] of pixels.entries()) await writePicture(join(folder, `${k}.png`), planes, 32);
  const files = pixels.map((_, k) => `${served!.origin}/${k}.png`);
  const found = (await inPage("image-classification", "pictures", files)) as Scores[];
  const expected = (await answersToPictures(model, pixels)).map(softmax);
  close(
    found.map((each) => scoresIn(GOALS.classify, each)),
    expected,
  );
  expect(abroad).toEqual([]);
});
