import { expect, test } from "vitest";
import { createCanvas } from "./canvas.ts";
import { drawShape, type Shape } from "./shape.ts";

/** Area and centroid of a white shape on black, pixels. */
function measure(shape: Shape, pose: { x: number; y: number; radius: number; rotation: number }) {
  const canvas = createCanvas(64, 64);
  drawShape(canvas, shape, pose, [255, 255, 255]);
  let [area, x, y] = [0, 0, 0];
  for (let p = 0; p < 64 * 64; p++) {
    const share = canvas.data[p]! / 255;
    area += share;
    x += share * ((p % 64) + 0.5);
    y += share * (Math.floor(p / 64) + 0.5);
  }
  return { area, x: x / area, y: y / area };
}

const radius = 24;
const areas: [Shape, number][] = [
  ["circle", Math.PI * 0.9 ** 2],
  ["square", 1.5 ** 2],
  ["ellipse", Math.PI * 0.5],
  ["triangle", (1.6 * 1.6) / 1.75], // height 1.6, sides of slope 1.75
  ["star", 10 * 0.5 * 0.45 * Math.sin(Math.PI / 5)], // ten triangles of sides 1 and 0.45 about the centre
  ["cross", 2 * 0.64 * 1.9 - 0.64 ** 2], // two bars less what they share
  ["ring", Math.PI * (0.9 - 0.27)],
];

test.each(areas)("%s has the area of its formula at any rotation", (shape, area) => {
  for (const rotation of [0, 0.3, 2]) {
    const measured = measure(shape, { x: 31.3, y: 32.6, radius, rotation });
    expect(measured.area / radius ** 2 / area).toBeCloseTo(1, 1.5);
  }
});

test.each(["circle", "square", "ellipse", "star", "cross", "ring"] as const)("%s is centred on its pose", (shape) => {
  const { x, y } = measure(shape, { x: 31.3, y: 32.6, radius, rotation: 0.7 });
  expect(Math.hypot(x - 31.3, y - 32.6)).toBeLessThan(0.1);
});

test.each(["heart", "drop", "ell"] as const)("%s comes back to itself only after a full turn", (shape) => {
  const picture = (rotation: number) => {
    const canvas = createCanvas(32, 32);
    drawShape(canvas, shape, { x: 16, y: 16, radius: 9, rotation }, [255, 255, 255]);
    return canvas.data;
  };
  const start = picture(0);
  for (let bin = 1; bin < 16; bin++) {
    const turned = picture((bin * Math.PI) / 8);
    const difference = start.reduce((sum, value, k) => sum + Math.abs(value - turned[k]!), 0) / (3 * 255);
    expect(difference).toBeGreaterThan(12); // pixels, of about 60 to 150 the shape has
  }
});
