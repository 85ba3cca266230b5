import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import type * as Transformers from "@huggingface/transformers";
import type { Browser, Page } from "playwright-core";
import sharp from "sharp";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
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
import { launchChromium, noChromium } from "./chromium.ts";
import { type Served, serve } from "./serve.ts";

/** Both sides compute in float32, with kernels of their own. */
const TOLERANCE = 1e-4;

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

const close = (found: readonly (readonly number[])[], expected: readonly (readonly number[])[]) => {
  const [a, b] = [found.flat(), expected.flat()];
  expect(a).toHaveLength(b.length);
  expect(Math.max(...b.map((value, k) => Math.abs(value - a[k]!)))).toBeLessThan(
    TOLERANCE * Math.max(1, ...b.map(Math.abs)),
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

test("pictures in a page: every score is graft's", async () => {
  const backbone = await openBackbone("builtin:vit");
  const model = modelFor(backbone, GOALS.classify);
  await saveTrained(model, join(folder, "models", "pictures"));
  const pixels = Array.from({ length: 2 }, (_, seed) =>
    Uint8Array.from({ length: 3 * 32 * 32 }, (_, k) => 128 + 127 * Math.sin((k + 1) * (0.003 + 0.01 * seed))),
  );
  for (const [k, planes] of pixels.entries()) {
    const data = Uint8Array.from(planes, (_, at) => planes[(at % 3) * 1024 + Math.floor(at / 3)]!);
    await sharp(data, { raw: { width: 32, height: 32, channels: 3 } })
      .png()
      .toFile(join(folder, `${k}.png`));
  }
  const files = pixels.map((_, k) => `${served!.origin}/${k}.png`);
  const found = (await inPage("image-classification", "pictures", files)) as Scores[];
  const expected = (await answersToPictures(model, pixels)).map(softmax);
  close(
    found.map((each) => scoresIn(GOALS.classify, each)),
    expected,
  );
  expect(abroad).toEqual([]);
});
