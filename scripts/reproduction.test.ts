import { expect, test } from "vitest";
import { reproductionFiles, staleFiles } from "./reproduction.ts";

/** Made once: it takes seconds. */
const files = reproductionFiles();

test("docs/reproduction.md, its pictures and CSVs are as the data say; `npx tsx scripts/reproduction.ts` makes them again", () => {
  expect(staleFiles(files)).toEqual([]);
});

test("the page tells of every experiment's claims", () => {
  const page = files.get("docs/reproduction.md")!;
  expect(page).toMatch(/^\| edges \| .* \| Recurrent edges are among the best three/m);
  expect(page).toMatch(/^### `graft paper correlation` on /m);
  expect(page).toContain("[scores as CSV](data/paper/edges-vit-scores.csv)");
});
