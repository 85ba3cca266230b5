import sharp from "sharp";
import { expect, test } from "vitest";
import { colorAt } from "./color-scale.ts";
import { heatMapSvg } from "./heat-map-svg.ts";
import { svgToPng } from "./png.node.ts";

test("a PNG has twice the picture's pixels, its colours and its theme", async () => {
  const matrix = [
    [0, 3],
    [1, 2],
  ];
  const svg = heatMapSvg({ matrix, scoreName: "srank" }, { theme: "dark" });
  const { data, info } = await sharp(await svgToPng(svg))
    .removeAlpha()
    .raw()
    .toBuffer({ resolveWithObject: true });
  const [, width, height] = /viewBox="0 0 (\d+) (\d+)"/.exec(svg)!;
  expect([info.width, info.height]).toEqual([2 * Number(width), 2 * Number(height)]);
  const at = (x: number, y: number) => {
    const start = 3 * (2 * y * info.width + 2 * x);
    return [...data.subarray(start, start + 3)];
  };
  // Colours are brought to a palette of 256, which may move one by a little.
  const near = (color: readonly number[], expected: readonly number[]) =>
    expect(Math.max(...color.map((value, c) => Math.abs(value - expected[c]!)))).toBeLessThanOrEqual(3);
  near(at(2, 2), [0x11, 0x14, 0x1b]);
  near(at(98 + 20, 132 + 20), colorAt(0)); // the middle of (0, 0); cells are 40 wide
  near(at(98 + 60, 132 + 20), colorAt(1));
});
