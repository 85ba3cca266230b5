import { expect, test } from "vitest";
import { operatorTable, operatorTableIsCurrent } from "./operator-table.ts";

test("docs/operators.md is current; `npx tsx scripts/operator-table.ts` makes it again", () => {
  expect(operatorTable()).toMatch(/^\| MatMul \| 1–25 \| z = x · y .*\| 12 × float64, float32 \|$/m);
  expect(operatorTableIsCurrent()).toBe(true);
});
