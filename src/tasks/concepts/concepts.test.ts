import { expect, test } from "vitest";
import { createConcepts } from "./concepts.ts";

test("concept k of a kind is the same whatever the counts are", () => {
  const few = createConcepts({ fractals: 3, atoms: 2 });
  const more = createConcepts({ fractals: 5, atoms: 4 });
  expect(few.map(({ kind }) => kind)).toEqual(["fractal", "fractal", "fractal", "atom", "atom"]);
  expect(more.slice(0, 3)).toEqual(few.slice(0, 3));
  expect(more.slice(5, 7)).toEqual(few.slice(3));
  expect(createConcepts({ fractals: 1, atoms: 0, seed: 2 })[0]).not.toEqual(few[0]);
});

test("every sprite shows something, clear of the border's corners", () => {
  for (const { variants } of createConcepts({ fractals: 20, atoms: 20 })) {
    expect(variants).toHaveLength(8);
    for (const { size, alpha, tone } of variants) {
      const coverage = alpha.reduce((sum, value) => sum + value, 0) / (255 * size * size);
      expect(coverage).toBeGreaterThan(0.05);
      expect(coverage).toBeLessThan(0.8);
      expect(tone.every((value, k) => value <= alpha[k]!)).toBe(true);
    }
  }
});
