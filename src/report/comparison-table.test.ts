import { expect, test } from "vitest";
import type { ComparisonRow } from "../comparison/index.ts";
import { comparisonTable } from "./comparison-table.ts";
import { terminalTable } from "./table.ts";

const row = (name: string, runs: number): ComparisonRow => ({
  method: name,
  runs: Array.from({ length: runs }) as unknown as ComparisonRow["runs"],
  trials: [],
  learningRate: 5e-3,
  validation: 0.4991,
  validationStd: undefined,
  test: 0.506,
  testStd: runs > 1 ? 0.0279 : undefined,
  difference: undefined,
  againstRandom: undefined,
  tuningSeconds: 0,
  fileBytes: undefined,
  latency: undefined,
  failure: undefined,
  trainableParameters: 20_939,
  seconds: 126.6,
  peakMemoryBytes: 1_343_000_000,
});

test("the demo's rows fit a terminal of 80 columns", () => {
  const names = ["none", "gga:3@r32", "random:3@r32", "first:3@r32", "all:parallel@r8"];
  const text = terminalTable(comparisonTable(names.map((name) => row(name, name.startsWith("random") ? 3 : 1))));
  expect(text).toContain("3 random, r 32 (mean of 3)");
  expect(text).toContain("50.6 ± 2.8");
  for (const line of text.split("\n")) expect(line.length).toBeLessThanOrEqual(80);
});
