import { Resvg } from "@resvg/resvg-js";
import fc from "fast-check";
import { expect, test } from "vitest";
import { edgeKind } from "../adapters/index.ts";
import { type Arc, arcDiagramSvg } from "./arc-diagram.ts";

/** The ends of every arc, as state indices, and whether it runs below the line; the drawing's scale is that of the dots. */
function drawn(svg: string): { from: number; to: number; isBelow: boolean; width: number }[] {
  const dots = [...svg.matchAll(/<circle class="ink" cx="([\d.]+)" cy="0"/g)].map(([, x]) => Number(x));
  const arcs = svg.matchAll(
    /<path class="a-[\w-]+" stroke-width="([\d.]+)" d="M([\d.]+) (-?\d+)C[-\d.]+ ([-\d.]+) [-\d.]+ [-\d.]+ ([\d.]+) /g,
  );
  return [...arcs].map(([, width, x0, , handle, x1]) => ({
    ...{ from: dots.indexOf(Number(x0)), to: dots.indexOf(Number(x1)) },
    ...{ isBelow: Number(handle) > 0, width: Number(width) },
  }));
}

const anyArcs = fc.integer({ min: 1, max: 40 }).chain((blocks) => {
  const state = fc.integer({ min: 0, max: 2 * blocks });
  return fc.record({
    states: fc.constant(2 * blocks + 1),
    arcs: fc.uniqueArray(fc.record({ from: state, to: state, rank: fc.integer({ min: 1, max: 64 }) }), {
      selector: ({ from, to }) => `${from}-${to}`,
      maxLength: 50,
    }),
  });
});

test("every adapter is one arc between its states, below the line where it is recurrent, wider with its rank", () => {
  fc.assert(
    fc.property(anyArcs, ({ states, arcs }) => {
      const svg = arcDiagramSvg({ states, arcs });
      const found = drawn(svg);
      expect(found.map(({ from, to, isBelow }) => ({ from, to, isBelow }))).toEqual(
        arcs.map(({ from, to }) => ({ from, to, isBelow: from > to })),
      );
      for (const [k, arc] of arcs.entries()) {
        expect(svg).toContain(`<title>${arc.from} → ${arc.to}, ${edgeKind(arc)}, rank ${arc.rank}</title>`);
        for (const [l, other] of arcs.entries())
          if (other.rank > arc.rank) expect(found[l]!.width).toBeGreaterThanOrEqual(found[k]!.width);
      }
      expect(arcDiagramSvg({ states, arcs })).toBe(svg);
    }),
    { seed: 1, numRuns: 40 },
  );
});

test("where ranks are equal, width says the score", () => {
  const arcs: Arc[] = [
    { from: 1, to: 2, rank: 8, score: 10 },
    { from: 4, to: 0, rank: 8, score: 30 },
  ];
  const svg = arcDiagramSvg({ states: 5, arcs, scoreName: "srank" });
  const [low, high] = drawn(svg).map(({ width }) => width);
  expect(high).toBeGreaterThan(low!);
  expect(svg).toContain("the wider, the higher its srank");
  expect(arcDiagramSvg({ states: 5, arcs: arcs.map(({ from, to }) => ({ from, to })) })).not.toContain("the wider");
});

test("no adapter, one state: drawn by another renderer, in the theme asked for", () => {
  for (const states of [1, 3, 81]) {
    const image = new Resvg(arcDiagramSvg({ states, arcs: [] }, { theme: "dark" }), {
      font: { loadSystemFonts: false },
    }).render();
    expect([...image.pixels.subarray(0, 3)]).toEqual([0x11, 0x14, 0x1b]);
  }
});

test("titles and names cannot break out", () => {
  const hostile = `</text><script>"&'`;
  const svg = arcDiagramSvg({
    ...{ states: 3, title: hostile, scoreName: hostile },
    arcs: [
      { from: 0, to: 1, score: 1 },
      { from: 0, to: 2, score: 2 },
    ],
  });
  expect(svg).not.toContain("<script>");
  expect(() => new Resvg(svg)).not.toThrow();
});
