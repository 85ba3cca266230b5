import { readFile } from "node:fs/promises";
import fc from "fast-check";
import { expect, test } from "vitest";
import { openImages } from "../tasks/index.node.ts";
import { fitImage, type ImageSize, imagesAt } from "../tasks/index.ts";
import { parsePreprocessor } from "./preprocessor.ts";

const FOLDER = "test/fixtures/pixels";

interface Recorded {
  readonly pictures: readonly string[];
  readonly configs: readonly object[];
  /** pixel_values [3, height, width] of the picture "waves", at some places. */
  readonly normalized: readonly { config: object; shape: number[]; at: number[]; values: number[] }[];
}

const recorded: Recorded = JSON.parse(await readFile(`${FOLDER}/pixels.json`, "utf8"));
const bytes = await readFile(`${FOLDER}/pixels.bin`);

/** Each configuration with where its pictures' bytes start. */
let offset = 0;
const cases = recorded.configs.map((config) => {
  const settings = parsePreprocessor(JSON.stringify(config), "recorded");
  const size = sizeOf(settings.imageSize!);
  const start = offset;
  offset += recorded.pictures.length * 3 * size.height * size.width;
  return { name: JSON.stringify(config), target: { ...size, resize: settings.resize }, start };
});

function sizeOf(size: number | ImageSize): ImageSize {
  return typeof size === "number" ? { height: size, width: size } : size;
}

const files = recorded.pictures.map((name) => `${FOLDER}/${name}.png`);

test("every recorded byte belongs to a case", () => {
  expect(cases.length).toBeGreaterThan(10);
  expect(offset).toBe(bytes.length);
});

test.each(cases)("$name gives Python's pixels to the bit", async ({ target, start }) => {
  const ours = await openImages(files, target);
  const length = 3 * target.height * target.width;
  const differences = recorded.pictures.map((name, k) => {
    const theirs = bytes.subarray(start + k * length, start + (k + 1) * length);
    return [name, Math.max(...Array.from(ours.pixels(k), (value, at) => Math.abs(value - theirs[at]!)))];
  });
  expect(differences).toEqual(recorded.pictures.map((name) => [name, 0]));
});

test.each(recorded.normalized)("$config gives Python's pixel_values", async ({ config, shape, at, values }) => {
  const { imageSize, resize, mean, std } = parsePreprocessor(JSON.stringify(config), "recorded");
  const [, height, width] = shape as [number, number, number];
  // Of a class's own size the model says nothing here, as a model of fixed size would.
  if (imageSize !== undefined) expect(sizeOf(imageSize)).toEqual({ height, width });
  const split = await openImages([`${FOLDER}/waves.png`], { height, width, resize });
  const ours = imagesAt(split, [0], { height, width, batchSize: 1, mean: mean!, std: std! });
  const scale = Math.max(1, ...values.map(Math.abs)); // float32 of numbers up to 255
  for (const [k, place] of at.entries()) expect(Math.abs(ours[place]! - values[k]!) / scale).toBeLessThan(1e-6);
});

test("a class that is not known does what the file says, and no more", () => {
  const parse = (config: object) => parsePreprocessor(JSON.stringify(config), "x.json");
  expect(parse({ image_processor_type: "OwnImageProcessor" })).toEqual({});
  expect(parse({ image_processor_type: "OwnImageProcessor", size: 32 })).toEqual({
    imageSize: 32,
    resize: { mode: "exact", share: { height: 1, width: 1 }, filter: "bilinear" },
  });
  expect(parse({ size: [32, 48], do_resize: null })).toMatchObject({ imageSize: { height: 32, width: 48 } });
  expect(parse({ do_resize: false, do_center_crop: true, crop_size: 32 })).toEqual({
    imageSize: 32,
    resize: { mode: "crop" },
  });
  expect(parse({ do_resize: false })).toEqual({});
});

test("a Fast class and an old name mean the same class", () => {
  const parse = (config: object) => parsePreprocessor(JSON.stringify(config), "x.json");
  const slow = parse({ image_processor_type: "CLIPImageProcessor" });
  expect(slow.resize).toEqual({ mode: "shortest-edge", share: 1, filter: "bicubic" });
  expect(parse({ image_processor_type: "CLIPImageProcessorFast" })).toEqual(slow);
  expect(parse({ feature_extractor_type: "CLIPFeatureExtractor" })).toEqual(slow);
});

test("sizes that no picture can have are refused by key", () => {
  const parse = (config: object) => () => parsePreprocessor(JSON.stringify(config), "x.json");
  expect(parse({ size: { longest_edge: 224 } })).toThrow(/x\.json: size: must be a number, /);
  expect(parse({ resample: 9 })).toThrow(/x\.json: resample: /);
});

test("a picture of one colour stays that colour, whatever the filter and sizes", () => {
  const side = fc.integer({ min: 1, max: 40 });
  const filter = fc.constantFrom("nearest", "box", "bilinear", "hamming", "bicubic", "lanczos" as const);
  fc.assert(
    fc.property(side, side, side, filter, fc.integer({ min: 0, max: 255 }), (height, width, to, filter, color) => {
      const pixels = new Uint8Array(3 * height * width).fill(color);
      const target = { height: to, width: to, resize: { mode: "shortest-edge", share: 1, filter } as const };
      expect(new Set(fitImage(pixels, { height, width }, target))).toEqual(new Set([color]));
    }),
    { seed: 1, numRuns: 60 },
  );
});
