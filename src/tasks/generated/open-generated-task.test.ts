import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { random } from "../../base/index.ts";
import { labelsOf } from "../task.ts";
import { scatter } from "./count.ts";
import { openGeneratedTask, taskNames } from "./open-generated-task.ts";

const small = { trainSize: 60, validationSize: 40, testSize: 50 };

test.each(taskNames)("%s: image k depends on seed, split and k alone", (name) => {
  const task = openGeneratedTask(name, small);
  const larger = openGeneratedTask(name, { trainSize: 80 });
  const last = Buffer.from(task.train.pixels(59));
  expect(last.equals(larger.train.pixels(59))).toBe(true);
  expect(labelsOf(larger.train).subarray(0, 60)).toEqual(labelsOf(task.train));
  expect(last.equals(task.split("train", 60).pixels(59))).toBe(true);
  expect(last.equals(openGeneratedTask(name, { ...small, seed: 1 }).train.pixels(59))).toBe(false);
});

test.each(taskNames)("%s: classes are balanced and no image is in two splits", (name) => {
  const task = openGeneratedTask(name, small);
  const seen = new Set<string>();
  for (const split of [task.train, task.validation, task.test, task.split("extra", 30)]) {
    const counts = task.goal.classes.map((_, label) => labelsOf(split).filter((other) => other === label).length);
    expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1);
    for (let k = 0; k < split.count; k++) seen.add(createHash("sha1").update(split.pixels(k)).digest("hex"));
  }
  expect(seen.size).toBe(60 + 40 + 50 + 30);
});

test("count: objects lie apart from each other and wholly in the picture", () => {
  for (let count = 3; count <= 10; count++) {
    for (let seed = 0; seed < 8; seed++) {
      const discs = scatter(count, random(seed, count));
      expect(discs).toHaveLength(count);
      discs.forEach((one, k) => {
        expect(Math.min(one.x, one.y, 32 - one.x, 32 - one.y)).toBeGreaterThanOrEqual(one.radius);
        for (const other of discs.slice(0, k)) {
          expect(Math.hypot(one.x - other.x, one.y - other.y)).toBeGreaterThan(one.radius + other.radius);
        }
      });
    }
  }
});

test("location: the label is where the figure is found in the pixels", () => {
  const { train } = openGeneratedTask("location", { trainSize: 200 });
  let near = 0;
  for (let k = 0; k < train.count; k++) {
    const figure = figureOf(train.pixels(k));
    let [sum, count] = [0, 0];
    figure.forEach((is, p) => {
      if (is) [sum, count] = [sum + (p % 32) + 0.5, count + 1];
    });
    const bin = Math.floor(((sum / count - 7) / 18) * 16); // centres lie from 7 to 25
    if (Math.abs(bin - labelsOf(train)[k]!) <= 1) near++;
  }
  expect(near / train.count).toBeGreaterThan(0.9); // a heart's centroid is off its centre; clouds mislead a threshold
});

test("odd-one-out: the figure least like the others is where the label says", () => {
  const { train } = openGeneratedTask("odd-one-out", { trainSize: 200 });
  let hits = 0;
  for (let k = 0; k < train.count; k++) {
    const figure = figureOf(train.pixels(k));
    const compactness = [0, 1, 2, 3].map((quarter) => compactnessIn(figure, quarter));
    const sorted = [...compactness].sort((a, b) => a - b);
    const median = (sorted[1]! + sorted[2]!) / 2;
    const distance = compactness.map((value) => Math.abs(value - median));
    if (distance.indexOf(Math.max(...distance)) === labelsOf(train)[k]) hits++;
  }
  expect(hits / train.count).toBeGreaterThan(0.5); // chance is 0.25; one number cannot tell all shapes apart
});

test("an unknown task is refused and a near name suggested", () => {
  expect(() => openGeneratedTask("orientaton")).toThrow(/task "orientaton".*did you mean "orientation"\?/);
  expect(() => openGeneratedTask("toString")).toThrow(/Known: count, location/);
  expect(() => openGeneratedTask("count", { trainSize: 0 })).toThrow(/train size 0/);
});

/** The smaller of the two sides that a threshold on grey (Otsu's) parts the picture into. */
function figureOf(pixels: Uint8Array): boolean[] {
  const grey = Array.from({ length: 1024 }, (_, p) =>
    Math.round(0.299 * pixels[p]! + 0.587 * pixels[1024 + p]! + 0.114 * pixels[2048 + p]!),
  );
  const histogram = new Array<number>(256).fill(0);
  for (const value of grey) histogram[value]!++;
  const all = grey.reduce((sum, value) => sum + value, 0);
  let [best, threshold, below, sumBelow] = [-1, 0, 0, 0];
  for (let t = 1; t < 256; t++) {
    below += histogram[t - 1]!;
    sumBelow += histogram[t - 1]! * (t - 1);
    if (below === 0 || below === 1024) continue;
    const between = below * (1024 - below) * (sumBelow / below - (all - sumBelow) / (1024 - below)) ** 2;
    if (between > best) [best, threshold] = [between, t];
  }
  const low = grey.map((value) => value < threshold);
  return low.filter(Boolean).length < 512 ? low : low.map((is) => !is);
}

/** Area over squared radius of gyration of the figure in one quarter: the same at any size and orientation. */
function compactnessIn(figure: readonly boolean[], quarter: number): number {
  const points = figure.flatMap((is, p) => {
    const [x, y] = [p % 32, Math.floor(p / 32)];
    return is && (x >= 16 ? 1 : 0) + (y >= 16 ? 2 : 0) === quarter ? [[x, y] as const] : [];
  });
  const n = points.length || 1;
  const [mx, my] = [0, 1].map((axis) => points.reduce((sum, point) => sum + point[axis]!, 0) / n) as [number, number];
  const gyration = points.reduce((sum, [x, y]) => sum + (x - mx) ** 2 + (y - my) ** 2, 0) / n;
  return n / (gyration + 1);
}
