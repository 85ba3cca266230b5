import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { expect, test } from "vitest";
import { bundledLicenses } from "./bundled-licenses.ts";

const above = (...modules: readonly string[]) => {
  const chunk = { type: "chunk" as const, moduleIds: modules.map((path) => resolve(path)), code: "run();" };
  bundledLicenses().generateBundle({}, { "app.js": chunk });
  return chunk.code;
};

test("each package's licence stands above the code once, with its name", () => {
  const code = above(
    "node_modules/preact/src/index.js",
    "node_modules/preact/hooks/src/index.js",
    "node_modules/@observablehq/plot/src/index.js",
    "src/node.ts",
  );
  expect(code.match(/^(preact|@observablehq\/plot):$/gm)).toEqual(["@observablehq/plot:", "preact:"]);
  expect(code).toContain(readFileSync("node_modules/preact/LICENSE", "utf8").trim());
  expect(code.endsWith("*/\nrun();")).toBe(true);
});

test("code of our own alone stays as it is; a package without a licence is refused", () => {
  expect(above("src/node.ts")).toBe("run();");
  expect(() => above("node_modules/.bin/x.js")).toThrow(/\.bin is bundled, and has no file with its licence/);
});
