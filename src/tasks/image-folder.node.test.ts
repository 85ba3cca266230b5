import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { afterAll, beforeAll, expect, test } from "vitest";
import { drawEmojiFolder } from "../../test/support/emoji.ts";
import { decodeImage } from "./decode-image.node.ts";
import { outputNames } from "./goal.ts";
import { openImageFolder } from "./image-folder.node.ts";
import { labelsOf } from "./task.ts";

const size = { height: 8, width: 8 };
let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "graft-images-"));
  await drawEmojiFolder(join(root, "emoji"), { categories: ["Activities", "Food & Drink"], perCategory: 10 });
});
afterAll(() => rm(root, { recursive: true }));

/** A fresh folder with these files, each a picture of one colour unless it has content. */
async function folder(name: string, files: Record<string, Buffer | undefined>): Promise<string> {
  for (const [file, content] of Object.entries(files)) {
    const path = join(root, name, file);
    await mkdir(join(path, ".."), { recursive: true });
    await writeFile(path, content ?? (await plain("#336699").png().toBuffer()));
  }
  await mkdir(join(root, name), { recursive: true });
  return join(root, name);
}

const plain = (color: string, width = 8, height = 8) =>
  sharp({ create: { width, height, channels: 3, background: color } });

/** Channel values of a pixel at (x, y). */
const at = (pixels: Uint8Array, x: number, y: number) => [0, 1, 2].map((c) => pixels[c * 64 + y * 8 + x]);

test("emoji by category: missing splits come from train, class by class, and the notes say so", async () => {
  const seen: number[] = [];
  const task = await openImageFolder(join(root, "emoji"), {
    height: 32,
    width: 32,
    onProgress: ({ done, total }) => seen.push(done / total),
  });
  expect(outputNames(task.goal)).toEqual(["Activities", "Food & Drink"]);
  expect([task.train.count, task.validation.count, task.test.count]).toEqual([14, 2, 4]);
  for (const split of [task.train, task.validation, task.test]) {
    expect(labelsOf(split).filter((label) => label === 0)).toHaveLength(split.count / 2);
  }
  expect(task.notes).toEqual([
    "no val/ folder: 2 images of train/ serve as validation (seed 0)",
    "no test/ folder: 4 images of train/ serve as test (seed 0)",
  ]);
  expect(seen.at(-1)).toBe(1);
  // The ground is transparent in the file: white here. Every emoji has something on it.
  expect([0, 1, 2].map((c) => task.train.pixels(0)[c * 1024])).toEqual([255, 255, 255]);
  expect(Math.min(...task.train.pixels(0))).toBeLessThan(200);
  const again = await openImageFolder(join(root, "emoji"), { height: 32, width: 32 });
  expect(again.test.pixels(2)).toEqual(task.test.pixels(2));
  const other = await openImageFolder(join(root, "emoji"), { height: 32, width: 32, seed: 1 });
  expect(pixelsOf(other.test)).not.toEqual(pixelsOf(task.test));
});

test("folders of classes without train/ are split 80/10/10, and a note says so", async () => {
  const files = ["cat", "dog"].flatMap((name) => Array.from({ length: 20 }, (_, k) => `${name}/${k}.png`));
  const root = await folder("flat", Object.fromEntries(files.map((file) => [file, undefined])));
  await writeFile(join(root, "notes.txt"), "no class");
  const task = await openImageFolder(root, { ...size, seed: 3 });
  expect(outputNames(task.goal)).toEqual(["cat", "dog"]);
  for (const [split, count] of [
    [task.train, 16],
    [task.validation, 2],
    [task.test, 2],
  ] as const)
    for (const label of [0, 1]) expect(labelsOf(split).filter((each) => each === label)).toHaveLength(count);
  expect(task.notes).toEqual([
    "no train/ folder: the 2 folders are the classes, 4 images of them serve as validation and 4 as test (seed 3)",
  ]);
  const half = await folder("no train", { "cat/a.png": undefined, "test/cat/a.png": undefined });
  await expect(openImageFolder(half, size)).rejects.toThrow(/it has no folder train\//);
});

test("splits that are there are used as they are", async () => {
  const path = await folder("given", {
    "train/a/1.png": undefined,
    "train/b/1.PNG": undefined,
    "train/b/notes.txt": Buffer.from("no picture"),
    "train/.DS_Store": Buffer.from(""),
    "validation/b/1.webp": await plain("#ff0000").webp({ lossless: true }).toBuffer(),
    "test/a/1.jpeg": await plain("#00ff00").jpeg().toBuffer(),
    "test/b/1.jpg": await plain("#0000ff").jpeg().toBuffer(),
  });
  const task = await openImageFolder(path, size);
  expect([task.train.count, task.validation.count, task.test.count]).toEqual([2, 1, 2]);
  expect([...labelsOf(task.validation), ...labelsOf(task.test)]).toEqual([1, 0, 1]);
  expect(at(task.validation.pixels(0), 3, 3)).toEqual([255, 0, 0]);
  expect(task.notes).toEqual([]);
});

test("alpha, grey, 16 bits, CMYK and EXIF orientation come out as 8-bit RGB, upright", async () => {
  const files = await folder("formats", {
    "alpha.png": await sharp({
      create: { width: 8, height: 8, channels: 4, background: { r: 0, g: 0, b: 0, alpha: 0.5 } },
    })
      .png()
      .toBuffer(),
    "grey.png": await plain("#808080").toColourspace("b-w").png().toBuffer(),
    "grey-alpha.png": await sharp(Buffer.from([0, 255, 0, 0]), { raw: { width: 2, height: 1, channels: 2 } })
      .resize(8, 8, { kernel: "nearest", fit: "fill" })
      .png()
      .toBuffer(),
    "deep.png": await plain("#4080c0").toColourspace("rgb16").png().toBuffer(),
    "print.jpg": await plain("#ffffff").toColourspace("cmyk").jpeg({ quality: 100 }).toBuffer(),
    // Stored with red at the left; orientation 6 turns it clockwise: red at the top.
    "turned.png": await sharp({ create: { width: 8, height: 8, channels: 3, background: "#0000ff" } })
      .composite([{ input: await plain("#ff0000", 4, 8).png().toBuffer(), left: 0, top: 0 }])
      .withMetadata({ orientation: 6 })
      .png()
      .toBuffer(),
  });
  const decoded = (name: string) => decodeImage(join(files, name), size);
  for (const value of at(await decoded("alpha.png"), 4, 4)) expect(Math.abs(value! - 127.5)).toBeLessThan(1.5);
  expect((await sharp(join(files, "grey.png")).metadata()).channels).toBe(1);
  expect(at(await decoded("grey.png"), 4, 4)).toEqual([128, 128, 128]);
  expect((await sharp(join(files, "grey-alpha.png")).metadata()).hasAlpha).toBe(true);
  expect(at(await decoded("grey-alpha.png"), 1, 4)).toEqual([0, 0, 0]);
  expect(at(await decoded("grey-alpha.png"), 6, 4)).toEqual([255, 255, 255]);
  expect((await sharp(join(files, "deep.png")).metadata()).depth).toBe("ushort");
  expect(at(await decoded("deep.png"), 4, 4)).toEqual([0x40, 0x80, 0xc0]);
  expect((await sharp(join(files, "print.jpg")).metadata()).channels).toBe(4);
  for (const value of at(await decoded("print.jpg"), 4, 4)) expect(value).toBeGreaterThan(250);
  expect((await sharp(join(files, "turned.png")).metadata()).orientation).toBe(6);
  expect(at(await decoded("turned.png"), 1, 1)).toEqual([255, 0, 0]);
  expect(at(await decoded("turned.png"), 6, 1)).toEqual([255, 0, 0]);
  expect(at(await decoded("turned.png"), 1, 6)).toEqual([0, 0, 255]);
});

test("GIF (its first frame), AVIF and TIFF are read, and a picture of one pixel", async () => {
  const red = { r: 255, g: 0, b: 0 };
  const frames = Buffer.concat(
    ["#ff0000", "#0000ff"].map((color) => Buffer.alloc(192, Buffer.from(color.slice(1), "hex"))),
  );
  const moving = sharp(frames, { raw: { width: 8, height: 16, channels: 3, pageHeight: 8 } });
  const dot = sharp({ create: { width: 1, height: 1, channels: 3, background: red } });
  const path = await folder("kinds", {
    "train/a/moving.gif": await moving.gif({ delay: [100, 100] }).toBuffer(),
    "train/a/b.avif": await plain("#ff0000").avif({ lossless: true }).toBuffer(),
    "train/a/c.TIF": await plain("#ff0000").tiff({ compression: "lzw" }).toBuffer(),
    "train/a/dot.png": await dot.png().toBuffer(),
    "train/a/grey16.png": await plain("#808080").toColourspace("grey16").png().toBuffer(),
    "train/b/1.png": undefined,
    "train/b/old.bmp": Buffer.from("BM"),
    "train/b/phone.HEIC": Buffer.from(""),
    "train/b/phone2.heic": Buffer.from(""),
    "val/a/1.png": undefined,
    "test/a/1.png": undefined,
  });
  expect((await sharp(join(path, "train/a/moving.gif")).metadata()).pages).toBe(2);
  expect((await sharp(join(path, "train/a/grey16.png")).metadata()).depth).toBe("ushort");
  const task = await openImageFolder(path, size);
  expect(task.train.count).toBe(6);
  const corner = async (file: string) => at(await decodeImage(join(path, "train/a", file), size), 7, 7);
  for (const file of ["moving.gif", "c.TIF", "dot.png"])
    expect([file, ...(await corner(file))]).toEqual([file, 255, 0, 0]);
  for (const [k, value] of (await corner("b.avif")).entries())
    expect(Math.abs(value! - [255, 0, 0][k]!)).toBeLessThan(2);
  expect(await corner("grey16.png")).toEqual([128, 128, 128]);
  expect(task.notes).toEqual([
    "1 .bmp file left out: this kind cannot be read",
    "2 .heic files left out: this kind cannot be read",
  ]);
});

test("pictures are brought to their size as the model says", async () => {
  const two = sharp(Buffer.from([255, 255, 255, 0, 0, 0]), { raw: { width: 2, height: 1, channels: 3 } });
  const path = await folder("stretched", {});
  await two.toFile(join(path, "two.png"));
  const resize = { mode: "exact", share: { height: 1, width: 1 }, filter: "nearest" } as const;
  const stretched = await decodeImage(join(path, "two.png"), { ...size, resize });
  expect(Array.from({ length: 8 }, (_, x) => stretched[x])).toEqual([255, 255, 255, 255, 0, 0, 0, 0]);
});

test("a closed task has let its pictures go", async () => {
  const task = await openImageFolder(join(root, "emoji"), size);
  expect(task.test.pixels(3)).toHaveLength(192);
  task.close();
  expect(() => task.test.pixels(3)).toThrow(/closed/);
});

const bad: [what: string, files: Record<string, Buffer | undefined>, message: RegExp][] = [
  ["an empty folder", {}, /folder .*: it has no folder train\/\. Put images under train/],
  ["a train folder without classes", { "train/1.png": undefined }, /train: it has no class folders/],
  ["one class", { "train/a/1.png": undefined }, /one class only, "a"/],
  [
    "a class without images",
    { "train/a/1.png": undefined, "train/b/x.txt": Buffer.from("x") },
    /class folder .*b: it has no \.png/,
  ],
  [
    "a class only in test",
    { "train/a/1.png": undefined, "train/b/1.png": undefined, "test/c/1.png": undefined },
    /class "c": .*test has it, .*train does not\. .*train\/ has a, b/,
  ],
  [
    "too few images to split",
    { "train/a/1.png": undefined, "train/a/2.png": undefined, "train/b/1.png": undefined },
    /class "a" with 2 training images: .* none to train on/,
  ],
  [
    "an unreadable image",
    Object.fromEntries(
      ["a/1", "a/2", "a/3", "b/1", "b/2", "b/3"].map((name, k) => [
        `train/${name}.png`,
        k === 4 ? Buffer.from("not a picture") : undefined,
      ]),
    ),
    /image .*train.b.2\.png: it cannot be decoded/,
  ],
];
test.each(bad)("%s is refused, with thing, place and remedy", async (what, files, message) => {
  await expect(openImageFolder(await folder(what, files), size)).rejects.toThrow(message);
});

test("a path that is missing or a file is refused", async () => {
  await expect(openImageFolder(join(root, "nowhere"), size)).rejects.toThrow(/nowhere: there is no such folder/);
  const path = await folder("file", { x: Buffer.from("x") });
  await expect(openImageFolder(join(path, "x"), size)).rejects.toThrow(/it is a file, not a folder/);
});

test("a truncated image is refused, not half decoded", async () => {
  const path = await folder("cut", {});
  const noise = Buffer.from(Array.from({ length: 64 * 64 * 3 }, (_, k) => (k * 7919) % 251));
  const whole = await sharp(noise, { raw: { width: 64, height: 64, channels: 3 } })
    .jpeg()
    .toBuffer();
  await writeFile(join(path, "cut.jpg"), whole.subarray(0, whole.length / 2));
  await expect(decodeImage(join(path, "cut.jpg"), size)).rejects.toThrow(/cut\.jpg: it cannot be decoded/);
});

test("an aborted call stops with the signal's reason", async () => {
  const controller = new AbortController();
  const opening = openImageFolder(join(root, "emoji"), {
    ...size,
    signal: controller.signal,
    onProgress: ({ done }) => {
      if (done === 3) controller.abort(new Error("enough"));
      expect(done).toBeLessThan(9); // the other three workers finish the image in hand
    },
  });
  await expect(opening).rejects.toThrow("enough");
});

function pixelsOf(split: { count: number; pixels(k: number): Uint8Array }): number[] {
  return Array.from({ length: split.count }, (_, k) => [...split.pixels(k)]).flat();
}
