import { expect, test } from "vitest";
import { colorAt, hex, luminance } from "./color-scale.ts";

test("the scale passes through its ends and clamps what lies outside", () => {
  expect(hex(colorAt(0))).toBe("#280b53");
  expect(hex(colorAt(1))).toBe("#ffee6e");
  expect(hex(colorAt(0.4))).toBe("#1c8097"); // the third of six anchors: there and back through OKLab changes nothing
  expect(colorAt(-1)).toEqual(colorAt(0));
  expect(colorAt(7)).toEqual(colorAt(1));
});

test("more is lighter, at every step, so that the scale reads in grey too", () => {
  const steps = Array.from({ length: 101 }, (_, k) => luminance(colorAt(k / 100)));
  for (let k = 1; k < steps.length; k++) expect(steps[k]!).toBeGreaterThan(steps[k - 1]!);
});

test("luminance by WCAG's definition", () => {
  expect(luminance([0, 0, 0])).toBe(0);
  expect(luminance([255, 255, 255])).toBeCloseTo(1, 12);
  expect(luminance([255, 0, 0])).toBeCloseTo(0.2126, 12);
  expect(luminance([188, 188, 188])).toBeCloseTo(0.5029, 4); // ((188/255 + 0.055) / 1.055)^2.4
});
