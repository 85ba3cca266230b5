import { Resvg } from "@resvg/resvg-js";
import { expect, test } from "vitest";
import { random } from "../base/index.ts";
import { colorAt, hex, markColor, type Rgb } from "./color-scale.ts";
import type { HeatMap } from "./heat-map.ts";
import { heatMapSvg } from "./heat-map-svg.ts";

const { int } = random(2);
const matrix = Array.from({ length: 25 }, () => Array.from({ length: 25 }, () => 1 + int(90)));
const map: HeatMap = {
  matrix,
  scoreName: "srank",
  title: "vit on count",
  chosen: [
    { from: 20, to: 3 },
    { from: 4, to: 5 },
  ],
};

/** Draw with a renderer that shares nothing with us; it refuses what is not well-formed. */
function render(svg: string) {
  const image = new Resvg(svg, { font: { loadSystemFonts: false } }).render();
  const { width, height, pixels } = image;
  return {
    width,
    height,
    at: (x: number, y: number) => [...pixels.subarray(4 * (y * width + x), 4 * (y * width + x) + 3)],
  };
}

test("each cell shows its edge's colour, rows from and columns to, and chosen edges are framed", () => {
  const image = render(heatMapSvg(map));
  const values = matrix.flat();
  const [min, max] = [Math.min(...values), Math.max(...values)];
  const [left, top, cell] = [98, 132, 20];
  for (let from = 0; from < 25; from++) {
    for (let to = 0; to < 25; to++) {
      const shade = Math.round((63 * (matrix[from]![to]! - min)) / (max - min)) / 63; // one of 64
      const expected = colorAt(shade);
      expect(image.at(left + to * cell + 4, top + from * cell + 10)).toEqual([...expected]);
    }
  }
  expect(image.at(left + 3 * cell + 10, top + 20 * cell - 1)).toEqual([...markColor]);
  expect(image.at(left + 5 * cell + 10, top + 4 * cell - 1)).toEqual([...markColor]);
  expect(image.at(left + 6 * cell + 10, top + 7 * cell - 1)).not.toEqual([...markColor]);
});

test("the diagonal and its neighbour are set apart by lines, other cells are not", () => {
  const image = render(heatMapSvg({ ...map, chosen: [] }));
  const [left, top, cell] = [98, 132, 20];
  const ink = [0x1d, 0x23, 0x30];
  // Lines run between columns: left and right of (5, 6), parallel; left of (5, 5) and (5, 8) there is a gap only.
  const leftOf = (from: number, to: number) => image.at(left + to * cell - 1, top + from * cell + 10);
  const dark = (color: number[]) => color.every((value, c) => value <= ink[c]! + 90);
  expect([leftOf(5, 6), leftOf(5, 7), leftOf(5, 5)].map(dark)).toEqual([true, true, true]);
  expect([leftOf(5, 8), leftOf(5, 4), leftOf(20, 3)].map(dark)).toEqual([false, false, false]);
});

test("it names and describes itself, and follows a dark theme", () => {
  const svg = heatMapSvg(map);
  const [, id] = /^<svg [^>]*id="([\w-]+)"/.exec(svg)!;
  expect(svg).toContain(`role="img" aria-labelledby="${id}-title ${id}-desc"`);
  expect(svg).toContain(`<title id="${id}-title">vit on count</title>`);
  expect(svg).toMatch(/<desc id="[^"]+">Heat map of srank for the 625 edges between 25 hidden states/);
  expect(svg).toContain(`Chosen edges: 20 to 3 (recurrent, ${matrix[20]![3]}); 4 to 5 (parallel, ${matrix[4]![5]}).`);
  expect(svg).toContain(`<title>4 → 5, parallel: ${matrix[4]![5]}</title>`);
  expect(svg).toContain("@media (prefers-color-scheme:dark)");
  expect(svg).not.toMatch(/href|url\(|<script|<image/); // self-contained
});

test("two pictures in one page share no id, and the same map gives the same bytes", () => {
  const idOf = (svg: string) => /id="([\w-]+)"/.exec(svg)![1];
  expect(idOf(heatMapSvg(map))).not.toBe(idOf(heatMapSvg({ ...map, title: "another" })));
  expect(heatMapSvg(map)).toBe(heatMapSvg(map));
});

test("titles and score names cannot break out of the picture", () => {
  const svg = heatMapSvg({ ...map, title: `<b>"A & B"</b>\u0001`, scoreName: "</text><script>" });
  expect(svg).toContain("&lt;b&gt;&quot;A &amp; B&quot;&lt;/b&gt;</title>");
  expect(svg).not.toContain("<script>");
  expect(() => render(svg)).not.toThrow();
});

test.each([1, 2, 3, 13, 81])("%i states are drawn, whatever is chosen", (n) => {
  const square = Array.from({ length: n }, (_, i) => Array.from({ length: n }, (_, j) => i + j));
  const chosen = Array.from({ length: n }, (_, i) => ({ from: i, to: i }));
  const image = render(heatMapSvg({ matrix: square, scoreName: "srank", chosen }));
  expect(image.width).toBeGreaterThanOrEqual(700);
  expect(image.height).toBeGreaterThan(400);
});

test("states are labelled by block and sub-layer, every other one where they are many", () => {
  const labels = (svg: string) =>
    [...svg.matchAll(/text-anchor="end">(input|\d+ (?:attn|mlp))</g)].map(([, label]) => label);
  const few = labels(heatMapSvg(map));
  expect(few).toHaveLength(25);
  expect([few[0], few[1], few[2], few[7], few[24]]).toEqual(["input", "0 attn", "0 mlp", "3 attn", "11 mlp"]);
  const many = labels(heatMapSvg(large(81)));
  expect(many).toHaveLength(41);
  expect(many.slice(0, 3)).toEqual(["input", "0 mlp", "1 mlp"]);
});

const large = (n: number): HeatMap => {
  const { normal } = random(3);
  return { matrix: Array.from({ length: n }, () => Array.from({ length: n }, normal)), scoreName: "srank" };
};

test("81 states take less than 120 kB, and every edge of any kind is drawn once, in its colour", () => {
  const chosen = [{ from: 80, to: 40 }];
  const many = large(81);
  const svg = heatMapSvg({ ...many, chosen });
  expect(svg.length).toBeLessThan(120_000);
  const dashes = [...svg.matchAll(/<path stroke="(#\w+)" d="([mh\d\s-]+)"/g)];
  const drawn = new Map<string, string>();
  for (const [, color, path] of dashes) {
    let [x, y] = [0, 0];
    for (const [, dx, dy, length] of path!.matchAll(/m(-?\d+) (-?\d+)h(\d+)/g)) {
      [x, y] = [x + Number(dx), y + Number(dy)];
      expect(drawn.has(`${y / 8}-${x / 8}`)).toBe(false);
      drawn.set(`${y / 8}-${x / 8}`, color!);
      x += Number(length);
    }
  }
  expect(drawn.size).toBe(81 * 81);
  const values = many.matrix.flat();
  const [min, max] = [Math.min(...values), Math.max(...values)];
  for (const [from, row] of many.matrix.entries())
    for (const [to, value] of row.entries())
      expect(drawn.get(`${from}-${to}`)).toBe(hex(colorAt(Math.round((63 * (value - min)) / (max - min)) / 63)));
  const image = render(svg);
  expect(hex(image.at(98 + 8 * 7 + 3, 132 + 8 * 60 + 3) as unknown as Rgb)).toBe(drawn.get("60-7"));
});

test("a theme asked for is the only one in the picture", () => {
  const colors = (theme: "light" | "dark") => heatMapSvg(map, { theme });
  for (const [theme, paper] of [
    ["light", "#ffffff"],
    ["dark", "#11141b"],
  ] as const) {
    expect(colors(theme)).toContain(`.paper{fill:${paper}}`);
    expect(colors(theme)).not.toContain("@media");
  }
});

test("some states: cells are named by their state, those that are not known are left faint", () => {
  const svg = heatMapSvg({
    ...{ scoreName: "accuracy", states: [0, 3, 6], chosen: [{ from: 6, to: 3 }] },
    matrix: [
      [0.5, 0.6, 0.7],
      [0.1, Number.NaN, 0.2],
      [0.3, 0.9, 0.4],
    ],
  });
  expect(svg).toContain("<title>6 → 3, recurrent: 0.9</title>");
  expect(svg).toMatch(/<g class="faint"><path [^>]*><title>3 → 3, sequential: not measured<\/title>/);
  expect(svg).toContain(
    "Values run from 0.1 to 0.9, the highest at edge 6 to 3. Medians by kind: sequential 0.45, long-range 0.6, recurrent 0.3. Chosen edges: 6 to 3 (recurrent, 0.9).",
  );
  const image = render(svg);
  const [left, top, cell] = [98, 132, 40];
  expect(image.at(left + 2 * cell + 4, top + 10)).toEqual([...colorAt(Math.round((63 * (0.7 - 0.1)) / 0.8) / 63)]);
  expect(image.at(left + cell + 10, top + 2 * cell - 1)).toEqual([...markColor]);
  expect(() =>
    heatMapSvg({
      scoreName: "x",
      states: [0, 3],
      matrix: [
        [1, 2],
        [3, 4],
      ],
      chosen: [{ from: 1, to: 0 }],
    }),
  ).toThrow("edge (1, 0)");
});
