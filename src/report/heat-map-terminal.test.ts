import { describe, expect, test } from "vitest";
import { random } from "../base/index.ts";
import { colorAt, markColor } from "./color-scale.ts";
import type { HeatMap } from "./heat-map.ts";
import { colorDepthOf, heatMapTerminal } from "./heat-map-terminal.ts";

const { int } = random(1);
const mapOf = (n: number): HeatMap => ({
  matrix: Array.from({ length: n }, () => Array.from({ length: n }, () => 1 + int(90))),
  scoreName: "srank",
  title: "vit on count",
  chosen: [
    { from: 20, to: 3 },
    { from: 4, to: 5 },
    { from: 0, to: 24 },
  ].filter(({ from, to }) => from < n && to < n),
});
const map = mapOf(25);
const values = map.matrix.flat();
const [min, max] = [Math.min(...values), Math.max(...values)];

/** What a terminal would show: a character and its colours at each place, from true-colour sequences. */
function screen(text: string) {
  return text.split("\n").map((line) => {
    const cells: { glyph: string; front?: string; back?: string }[] = [];
    let colors: { front?: string; back?: string } = {};
    // biome-ignore lint/suspicious/noControlCharactersInRegex: terminal sequences begin with one
    for (const [, codes, glyph] of line.matchAll(/\u001b\[([\d;]+)m|([^\u001b])/g)) {
      if (glyph !== undefined) cells.push({ glyph, ...colors });
      else if (codes === "0") colors = {};
      else colors = { ...colors, [codes!.startsWith("38") ? "front" : "back"]: codes!.replace(/^.8;2;/, "") };
    }
    return cells;
  });
}
const plainText = (text: string) =>
  screen(text)
    .map((line) => line.map(({ glyph }) => glyph).join(""))
    .join("\n");

test("each half of a cell has the colour of its edge's score, or the mark's", () => {
  const shown = screen(heatMapTerminal(map, { color: "true" }));
  const first = shown.findIndex((line) => line.some(({ glyph }) => glyph === "▄"));
  const left = shown[first]!.findIndex(({ glyph }) => glyph === "▄");
  for (let from = 0; from < 25; from++) {
    for (let to = 0; to < 25; to++) {
      const line = shown[first + Math.ceil(from / 2)]!;
      for (const cell of [line[left + 2 * to]!, line[left + 2 * to + 1]!]) {
        const lower = from % 2 === 0; // state 0 alone, then blocks: attention above, feed-forward below
        expect(cell.glyph).toBe(from === 0 ? "▄" : "▀");
        const color = from === 0 || !lower ? cell.front : cell.back;
        const marked = map.chosen!.some((edge) => edge.from === from && edge.to === to);
        const expected = marked ? markColor : colorAt((map.matrix[from]![to]! - min) / (max - min));
        expect(color).toBe(expected.join(";"));
      }
    }
  }
});

test("without colour, ink grows with the score", () => {
  const matrix = [
    [0, 5, 10],
    [1, 2, 3],
    [9, 8, 7],
  ];
  const text = heatMapTerminal({ matrix, scoreName: "srank", chosen: [{ from: 2, to: 0 }] }, { color: "none" });
  // Tenths of the range pick one of ten: 0 " ", 1 ".", 2 ":", 3 "-", 5 "+", 7 "#", 8 "%", 10 "@".
  expect(text).toMatch(/input +0 {4}\+\+@@\|/); // two spaces, then the first cell's two
  expect(text).toMatch(/block 0 a +1 {2}\.\.::--\|/);
  expect(text).toMatch(/block 0 f +2 {2}\[\]%%##\|/);
});

describe.each(["true", "256", "none"] as const)("with %s colours", (color) => {
  const text = heatMapTerminal(map, { color });

  test("25 states fit 80 columns", () => {
    for (const line of plainText(text).split("\n")) expect(line.length).toBeLessThanOrEqual(80);
  });

  test("the largest and smallest score, and the chosen edges in order, are named", () => {
    const plain = plainText(text);
    expect(plain).toMatch(new RegExp(`srank from ${min}.* to ${max}`));
    expect(plain).toMatch(
      /1\.\s+20 → 3\s+recurrent\s+srank \d+\n.*2\.\s+4 → 5\s+parallel.*\n.*3\.\s+0 → 24\s+long-range/,
    );
    expect(plain).toContain(`srank ${map.matrix[20]![3]}`);
    expect(plain).toContain("vit on count");
  });

  test("what does not fit says so", () => {
    const large = heatMapTerminal(mapOf(81), { color });
    expect(large).toMatch(/^The 81×81 map needs 110 columns and there are 80; .*\n$/);
    expect(heatMapTerminal(mapOf(81), { color, columns: 110 })).not.toMatch(/needs/);
    for (const line of plainText(heatMapTerminal(mapOf(81), { color, columns: 110 })).split("\n")) {
      expect(line.length).toBeLessThanOrEqual(110);
    }
  });

  test("every colour ends with its line", () => {
    for (const line of text.split("\n").filter((each) => each.includes("\u001b"))) {
      expect(line.lastIndexOf("\u001b[0m")).toBeGreaterThan(
        Math.max(line.lastIndexOf("\u001b[38"), line.lastIndexOf("\u001b[48")),
      );
    }
    if (color === "none") expect(text).not.toContain("\u001b");
  });

  test.each([1, 2, 3])("%i states, all equal, are drawn", (n) => {
    const matrix = Array.from({ length: n }, () => new Array<number>(n).fill(4));
    expect(plainText(heatMapTerminal({ matrix, scoreName: "srank" }, { color }))).toContain("srank from 4");
  });
});

test("256 colours use the palette's own ramp", () => {
  expect(heatMapTerminal(map, { color: "256" })).not.toMatch(/[34]8;2;/);
  expect(heatMapTerminal({ ...map, chosen: [] }, { color: "256" })).toMatch(/\[38;5;227m/);
});

test.each([
  [{ isTTY: true, depth: 24 }, {}, "true"],
  [{ isTTY: true, depth: 8 }, {}, "256"],
  [{ isTTY: true, depth: 4 }, {}, "none"],
  [{ isTTY: false, depth: 24 }, {}, "none"],
  [{ isTTY: true, depth: 24 }, { NO_COLOR: "1" }, "none"],
  [{ isTTY: true, depth: 24 }, { NO_COLOR: "" }, "true"],
  [{ isTTY: true, depth: 24 }, { NO_COLOR: "1", FORCE_COLOR: "3" }, "none"],
  [{ isTTY: false, depth: 1 }, { FORCE_COLOR: "3" }, "true"],
  [{ isTTY: false, depth: 1 }, { FORCE_COLOR: "1" }, "256"],
  [{ isTTY: true, depth: 24 }, { FORCE_COLOR: "0" }, "none"],
] as const)("a stream %j with %j is drawn with %s", ({ isTTY, depth }, environment, expected) => {
  expect(colorDepthOf({ isTTY, getColorDepth: () => depth }, environment)).toBe(expected);
});

test.each([
  ["an empty matrix", { matrix: [] }],
  ["a row too short", { matrix: [[1, 2], [3]] }],
  ["NaN", { matrix: [[Number.NaN]] }],
  ["a chosen edge outside it", { matrix: [[1]], chosen: [{ from: 0, to: 1 }] }],
])("%s is refused", (_, bad) => {
  expect(() => heatMapTerminal({ scoreName: "srank", ...bad }, { color: "none" })).toThrow(
    expect.objectContaining({ code: "BAD_HEAT_MAP" }),
  );
});
