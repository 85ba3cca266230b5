import { spawnSync } from "node:child_process";
import { expect, test } from "vitest";

/** Medians of wall times in ms, the sides interleaved so that a busy machine slows all of them. */
function medians(sides: Record<string, readonly string[]>, runs = 11): Record<string, number> {
  const times = Object.fromEntries(Object.keys(sides).map((name) => [name, [] as number[]]));
  for (let run = 0; run < runs; run++) {
    for (const [name, args] of Object.entries(sides)) {
      const start = performance.now();
      expect(spawnSync(process.execPath, args).status).toBe(0);
      times[name]!.push(performance.now() - start);
    }
  }
  return Object.fromEntries(Object.entries(times).map(([name, all]) => [name, all.sort((a, b) => a - b)[runs >> 1]!]));
}

test("graft --help starts in under twice the time of an empty Node program", () => {
  const { empty, help } = medians({ empty: ["-e", "0"], help: ["dist/graft.js", "--help"] });
  expect(help! / empty!).toBeLessThan(2);
});
