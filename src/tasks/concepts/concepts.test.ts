import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { type Concept, createConcepts } from "./concepts.ts";

test("concept k of a kind is the same whatever the counts are", () => {
  const few = createConcepts({ fractals: 3, atoms: 2 });
  const more = createConcepts({ fractals: 5, atoms: 4 });
  expect(few.map(({ kind }) => kind)).toEqual(["fractal", "fractal", "fractal", "atom", "atom"]);
  expect(more.slice(0, 3).map(digest)).toEqual(few.slice(0, 3).map(digest));
  expect(more.slice(5, 7).map(digest)).toEqual(few.slice(3).map(digest));
  expect(new Set([...more, ...createConcepts({ fractals: 1, atoms: 1, seed: 2 })].map(digest)).size).toBe(11);
});

test("every sprite shows something, clear of the border's corners", () => {
  for (const { variants } of createConcepts({ fractals: 8, atoms: 8 })) {
    expect(variants).toHaveLength(8);
    for (const { size, alpha, tone } of variants) {
      const coverage = alpha.reduce((sum, value) => sum + value, 0) / (255 * size * size);
      expect(coverage).toBeGreaterThan(0.05);
      expect(coverage).toBeLessThan(0.8);
      expect(tone.every((value, k) => value <= alpha[k]!)).toBe(true); // premultiplied
    }
  }
});

/** One word for all pixels of a concept: comparing megabytes element by element is slow. */
function digest({ variants }: Concept): string {
  const hash = createHash("sha1");
  for (const { alpha, tone } of variants) hash.update(alpha).update(tone);
  return hash.digest("hex");
}
