import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as transformers from "@huggingface/transformers";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { preprocessorConfig } from "../../src/artifact/preprocessor-config.ts";
import type { ImageInput } from "../../src/backbone/index.ts";
import { parsePreprocessor } from "../../src/backbone/preprocessor.ts";
import { type Backbone, openBackbone, saveTrained } from "../../src/node.ts";
import { openImages } from "../../src/tasks/index.node.ts";
import { type ImageSplit, openGeneratedTask, type Resize } from "../../src/tasks/index.ts";
import { answersToPictures, GOALS, modelFor, softmax } from "../support/pipeline-models.ts";
import { writePicture } from "../support/write-picture.ts";

const folder = mkdtempSync(join(tmpdir(), "graft-pictures-"));
/** Width and height: upright, wide, a pixel too wide, square. */
const SHAPES = [
  [96, 64],
  [50, 200],
  [33, 32],
  [128, 128],
] as const;
const files = Array.from({ length: 24 }, (_, k) => join(folder, `${k}.png`));
let image: Backbone;

beforeAll(async () => {
  transformers.env.allowRemoteModels = false;
  transformers.env.useFSCache = false;
  image = await openBackbone("builtin:vit");
  const { test: pictures } = openGeneratedTask("count", { trainSize: 1, validationSize: 1, testSize: files.length });
  for (const [k, file] of files.entries())
    await writePicture(file, (pictures as ImageSplit).pixels(k), 32, SHAPES[k % SHAPES.length]);
});
afterAll(() => rmSync(folder, { recursive: true }));

/** Mean distance of pixels in steps of 1/255, largest one of scores, and how many pictures get the same class. */
async function agreement(resize: Resize) {
  const input = { ...(image.input as ImageInput), resize };
  const model = modelFor({ ...image, input }, GOALS.classify);
  const out = join(folder, JSON.stringify(resize).replaceAll(/\W+/g, "-"));
  await saveTrained(model, out);
  const split = await openImages(files, input);
  const ours = await answersToPictures(
    model,
    files.map((_, k) => split.pixels(k)),
  );
  const prepare = await transformers.AutoProcessor.from_pretrained(out);
  let pixels = 0;
  for (const [k, file] of files.entries()) {
    const { pixel_values } = await prepare(await transformers.load_image(file));
    expect(pixel_values.dims).toEqual([1, 3, 32, 32]);
    const bytes = Array.from(pixel_values.data as Float32Array, (value) => (value * 0.5 + 0.5) * 255);
    const sum = bytes.reduce((total, value, at) => total + Math.abs(value - split.pixels(k)[at]!), 0);
    pixels += sum / bytes.length / files.length;
  }
  const run = await transformers.pipeline("image-classification", out);
  type Scores = { label: string; score: number }[];
  const found = (await run(files, { top_k: null as never })) as unknown as Scores[];
  const theirs = found.map((scores) => GOALS.classify.classes.map((name) => scoreOf(scores, name)));
  const expected = ours.map(softmax);
  const best = (row: readonly number[]) => row.indexOf(Math.max(...row));
  expect(new Set(expected.map(best)).size).toBeGreaterThan(1);
  return {
    pixels,
    scores: Math.max(...expected.flatMap((row, k) => row.map((score, at) => Math.abs(score - theirs[k]![at]!)))),
    same: expected.filter((row, k) => best(row) === best(theirs[k]!)).length,
  };
}

const scoreOf = (scores: readonly { label: string; score: number }[], name: string) =>
  scores.find(({ label }) => label === name)!.score;

describe("larger pictures of any shape in pipeline()", () => {
  const whole = { height: 1, width: 1 };
  const part = { height: 32 / 37, width: 32 / 40 };
  test.each<[Resize, { pixels: number; same: number }]>([
    // Nothing is resampled: what is left is float32.
    [{ mode: "crop" }, { pixels: 1e-4, same: 24 }],
    // Pillow's Lanczos and sharp's agree to 0.6 where they shrink, and differ by 6 where they enlarge (33 × 32).
    [
      { mode: "exact", share: whole, filter: "lanczos" },
      { pixels: 0.6, same: 23 },
    ],
    [
      { mode: "exact", share: part, filter: "lanczos" },
      { pixels: 2.5, same: 22 },
    ],
    [
      { mode: "shortest-edge", share: 32 / 36, filter: "lanczos" },
      { pixels: 2.5, same: 22 },
    ],
    // 3.6 with Transformers.js' bilinear; what is left is the rounding of its crop.
    [{ mode: "cover" }, { pixels: 3, same: 20 }],
    // It picks single pixels where Pillow averages: the difference is Transformers.js', on its own models too.
    [
      { mode: "exact", share: whole, filter: "bilinear" },
      { pixels: 5, same: 20 },
    ],
    [
      { mode: "shortest-edge", share: 32 / 36, filter: "bicubic" },
      { pixels: 5, same: 20 },
    ],
  ])("%j", async (resize, limits) => {
    const found = await agreement(resize);
    expect(found.pixels).toBeLessThan(limits.pixels);
    if (resize.mode === "crop") expect(found.scores).toBeLessThan(1e-4);
    expect(found.same).toBeGreaterThanOrEqual(limits.same);
  });
});

const recorded: { configs: object[] } = JSON.parse(readFileSync("test/fixtures/pixels/pixels.json", "utf8"));

test.each(recorded.configs)("what is written for %j reads as the same", async (config) => {
  const { imageSize = 24, ...settings } = parsePreprocessor(JSON.stringify(config), "recorded");
  const size = typeof imageSize === "number" ? { height: imageSize, width: imageSize } : imageSize;
  const input = { kind: "image", name: "x", mean: [0.1, 0.2, 0.3], std: [1, 2, 3], ...size, ...settings } as const;
  const written = JSON.stringify(preprocessorConfig(input));
  const { imageSize: readSize, ...read } = parsePreprocessor(written, "written");
  expect(read).toEqual({ mean: input.mean, std: input.std, resize: input.resize });
  expect(typeof readSize === "number" ? { height: readSize, width: readSize } : readSize).toEqual(size);
  // Transformers.js makes pictures of that size, too. Where it would have to pad and cut at once it fails.
  if (JSON.stringify(config).includes('"shortest_edge":19')) return;
  const out = join(folder, "written");
  mkdirSync(out, { recursive: true });
  writeFileSync(join(out, "preprocessor_config.json"), written);
  const prepare = await transformers.AutoImageProcessor.from_pretrained(out);
  for (const file of files.slice(0, 4))
    expect((await prepare(await transformers.load_image(file))).pixel_values.dims).toEqual([
      1,
      3,
      size.height,
      size.width,
    ]);
});
