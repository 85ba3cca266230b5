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

/** Where the cells of a row begin. */
const LEFT = 18;

test("a line is a state, a cell of two columns has its edge's colour or the mark's, and says what it is", () => {
  const shown = screen(heatMapTerminal(map, { color: "true" }));
  const first = shown.findIndex((line) => line.some(({ glyph, back }) => glyph === "\\" && back));
  for (let from = 0; from < 25; from++) {
    for (let to = 0; to < 25; to++) {
      const [one, two] = shown[first + from]!.slice(LEFT + 2 * to, LEFT + 2 * to + 2);
      const at = map.chosen!.findIndex((edge) => edge.from === from && edge.to === to);
      const expected = at >= 0 ? markColor : colorAt((map.matrix[from]![to]! - min) / (max - min));
      expect([one!.back, two!.back]).toEqual([expected.join(";"), expected.join(";")]);
      const kind = from === to ? "\\" : to === from + 1 ? "|" : " ";
      expect(one!.glyph).toBe(at >= 0 ? String(at + 1) : kind);
    }
  }
});

test("a map of some states names these; what is not known is blank, chosen or not", () => {
  const states = [0, 3, 6, 8];
  const matrix = states.map((from) => states.map((to) => (from === 8 || to === 8 ? Number.NaN : 1 + from + to)));
  const some = {
    matrix,
    states,
    scoreName: "srank",
    chosen: [
      { from: 3, to: 6 },
      { from: 8, to: 0 },
    ],
  };
  const plain = heatMapTerminal(some, { color: "none" }).split("\n");
  expect(plain.slice(0, 6)).toEqual([
    "  from ↓    to →  0 3   8",
    "                  · a m m",
    "  input        0   \\::++  |",
    "  1 attn       3  ::+\\[1  |",
    "  2 mlp        6  ++##@\\  |",
    "  3 mlp        8  [2      |",
  ]);
  expect(plain.join("\n")).toMatch(/2\. +8 → 0 +recurrent +srank not measured +3 mlp → input/);
  const shown = screen(heatMapTerminal(some, { color: "true" }));
  const row = shown.find((line) =>
    line
      .map(({ glyph }) => glyph)
      .join("")
      .includes("1 attn"),
  )!;
  expect(row[LEFT + 4]!.back).toBe(markColor.join(";"));
  expect(row.slice(LEFT + 6, LEFT + 8)).toEqual([{ glyph: " " }, { glyph: " " }]);
});

test("51 states: a column each, two states of a block in one line", () => {
  const many = mapOf(51);
  const [low, high] = [Math.min(...many.matrix.flat()), Math.max(...many.matrix.flat())];
  const shown = screen(heatMapTerminal(many, { color: "true" }));
  const first = shown.findIndex((line) => line.some(({ glyph }) => glyph === "▄"));
  for (let from = 0; from < 51; from++) {
    for (let to = 0; to < 51; to++) {
      const cell = shown[first + Math.ceil(from / 2)]![LEFT + to]!;
      expect(cell.glyph).toBe(from === 0 ? "▄" : "▀"); // state 0 alone, then blocks: attention above, MLP below
      const marked = many.chosen!.some((edge) => edge.from === from && edge.to === to);
      const expected = marked ? markColor : colorAt((many.matrix[from]![to]! - low) / (high - low));
      expect(from === 0 || from % 2 === 1 ? cell.front : cell.back).toBe(expected.join(";"));
    }
  }
});

test("a map that does not fit is drawn by block, a cell as high as the best of its edges", () => {
  const many = { ...mapOf(81), chosen: [{ from: 80, to: 40 }] };
  const plain = heatMapTerminal(many, { color: "none" }).split("\n");
  const [low, high] = [Math.min(...many.matrix.flat()), Math.max(...many.matrix.flat())];
  const ramp = " .:-=+*#%@";
  const inkOf = (values: number[]) => ramp[Math.min(9, Math.floor((10 * (Math.max(...values) - low)) / (high - low)))];
  const row = plain.find((line) => line.startsWith("  block 7 "))!.slice(LEFT);
  // Block 7's states are 15 and 16, block 3's 7 and 8, and the input is state 0.
  const best = (froms: number[], tos: number[]) =>
    inkOf(froms.flatMap((from) => tos.map((to) => many.matrix[from]![to]!)));
  expect([row[0], row[4]]).toEqual([best([15, 16], [0]), best([15, 16], [7, 8])]);
  expect(plain.find((line) => line.startsWith("  block 39 "))!.slice(LEFT)[20]).toBe("X");
  expect(plain.join()).toContain("a cell is the best edge between two blocks' states");
  const colored = screen(heatMapTerminal(many, { color: "true" }));
  expect(colored.filter((line) => line.some(({ glyph }) => glyph === "▀"))).toHaveLength(1 + 20); // two blocks a line, and the bar
});

test("without colour, ink grows with the score", () => {
  const matrix = [
    [0, 5, 10],
    [1, 2, 3],
    [9, 8, 7],
  ];
  const text = heatMapTerminal({ matrix, scoreName: "srank", chosen: [{ from: 2, to: 0 }] }, { color: "none" });
  // Tenths of the range pick one of ten: 0 " ", 1 ".", 2 ":", 3 "-", 5 "+", 7 "#", 8 "%", 10 "@".
  expect(text).toMatch(/input +0 {3}\\\+\|@@\|/); // two spaces, then the first cell's two: ink and kind
  expect(text).toMatch(/0 attn +1 {2}\.\.:\\-\|\|/);
  expect(text).toMatch(/0 mlp +2 {2}\[1%%#\\\|/);
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
      /1\.\s+20 → 3\s+recurrent\s+srank \d+ .*9 mlp → 1 attn\n.*2\.\s+4 → 5\s+parallel.*\n.*3\.\s+0 → 24\s+long-range/,
    );
    expect(plain).toContain(`srank ${map.matrix[20]![3]}`);
    expect(plain).toContain("vit on count");
  });

  test("what does not fit says so", () => {
    const large = heatMapTerminal(mapOf(81), { color });
    expect(large).not.toMatch(/needs/);
    const tooLarge = heatMapTerminal(mapOf(161), { color });
    expect(tooLarge).toMatch(/^The 161×161 map needs 110 columns and there are 80; .*\n$/);
    for (const [n, columns] of [
      [81, 80],
      [81, 110],
      [81, 200],
      [51, 80],
      [161, 110],
      [25, 60],
    ] as const) {
      const shown = plainText(heatMapTerminal(mapOf(n), { color, columns })).split("\n");
      for (const line of shown) expect(line.length).toBeLessThanOrEqual(Math.max(columns, 80));
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
