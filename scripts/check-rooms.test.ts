import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { checkRooms } from "./check-rooms.ts";

const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

/** A repository of three rooms in order: base, runtime, cli; the given files replace or join its own. */
function tree(files: Record<string, string> = {}) {
  const root = mkdtempSync(join(tmpdir(), "rooms-"));
  folders.push(root);
  const all: Record<string, string> = {
    "docs/architecture.md": "# A\n\n| room | what |\n|---|---|\n| `base/` | x |\n| `runtime/` | y |\n| `cli/` | z |\n",
    "src/base/index.ts": 'export { a } from "./a.ts";',
    "src/base/a.ts": "export const a = 1;",
    "src/runtime/index.ts": 'import { a } from "../base/index.ts";',
    "src/runtime/node.ts": 'import fs from "node:fs"; const ort = await import("onnxruntime-node");',
    "src/cli/index.ts": 'import process from "node:process"; import { x } from "../node.ts";',
    "src/node.ts": 'import { n } from "./runtime/node.ts"; export * from "./embedded.ts";',
    "src/browser.ts": 'export { a } from "./base/index.ts";',
    "src/embedded.ts": "export {};",
    ...files,
  };
  for (const [name, text] of Object.entries(all)) {
    mkdirSync(dirname(join(root, name)), { recursive: true });
    writeFileSync(join(root, name), text);
  }
  return root;
}

test("an orderly tree has no fault", () => {
  expect(checkRooms(tree())).toEqual({ rooms: ["base", "runtime", "cli"], files: 8, faults: [] });
});

test.each([
  ["a room below", "src/base/a.ts", 'import { x } from "../runtime/index.ts";', "runtime/ stands below base/"],
  ["past an index", "src/runtime/index.ts", 'import { a } from "../base/a.ts";', "go through src/base/index.ts"],
  ["past an index, for a type", "src/cli/index.ts", 'import type { A } from "../base/a.ts";', "go through"],
  ["past an index, re-exported", "src/cli/index.ts", 'export * from "../base/a.ts";', "go through"],
  ["past an index, on use", "src/cli/index.ts", 'await import("../base/a.ts");', "go through"],
  ["Node's modules in a room", "src/base/a.ts", 'import fs from "node:fs";', "may use Node's modules"],
  ["Node's modules without prefix", "src/base/a.ts", 'import fs from "fs/promises";', "may use Node's modules"],
  ["Node's modules in the browser's entry", "src/browser.ts", 'import fs from "node:fs";', "may use Node's modules"],
  ["a Node file from elsewhere", "src/base/a.ts", 'import { f } from "./files.node.ts";', "must run in a browser"],
  ["the Node runtime in the browser's entry", "src/browser.ts", 'import "./runtime/node.ts";', "must run in a browser"],
  ["ONNX Runtime outside its room", "src/cli/index.ts", 'import "onnxruntime-node";', "only runtime/ knows"],
  [
    "the package's entry in a room",
    "src/base/a.ts",
    'import "../browser.ts";',
    "do not import what stands beside them",
  ],
  ["code outside src", "src/base/a.ts", 'import "../../bench/run.ts";', "lies outside src/"],
  ["a file beside the rooms", "src/stray.ts", "export {};", "stands beside the rooms"],
  ["a folder that is no room", "src/attic/index.ts", "export {};", "not a room of docs/architecture.md"],
])("%s is a fault", (_, file, text, fault) => {
  const { faults } = checkRooms(tree({ [file]: text }));
  expect(faults).toEqual([expect.stringContaining(fault)]);
  expect(faults[0]).toContain(file.startsWith("src/attic") ? "src/attic/" : file);
});

test.each([
  ["*.node.ts may use Node's modules", "src/base/files.node.ts", 'import fs from "node:fs";'],
  [
    "a test may use Node's modules and look down",
    "src/base/a.test.ts",
    'import "node:fs"; import "../runtime/node.ts";',
  ],
  ["a test may use generated code", "src/base/a.test.ts", 'import "../runtime/gen/x.js";'],
  ["package.json may be imported", "src/cli/index.ts", 'import p from "../../package.json" with { type: "json" };'],
  [
    "words in comments and strings are no imports",
    "src/base/a.ts",
    '// import "node:fs"\nconst s = `import "node:fs"`;',
  ],
])("%s", (_, file, text) => {
  expect(checkRooms(tree({ [file]: text })).faults).toEqual([]);
});

test("a room without files, or without an index, is a fault", () => {
  const docs = "| `base/` | x |\n| `runtime/` | y |\n| `cli/` | z |\n| `tasks/` | t |\n| `trace/` | t |\n";
  const { faults } = checkRooms(tree({ "docs/architecture.md": docs, "src/tasks/a.ts": "" }));
  expect(faults).toEqual([
    expect.stringContaining('"trace" has no file'),
    expect.stringContaining("src/tasks/: has no index"),
  ]);
});

test("nothing to check is a fault", () => {
  const root = tree();
  rmSync(join(root, "src"), { recursive: true });
  mkdirSync(join(root, "src"));
  writeFileSync(join(root, "docs/architecture.md"), "no table");
  expect(checkRooms(root).faults).toEqual([
    expect.stringContaining("names no room"),
    expect.stringContaining("holds no TypeScript file"),
  ]);
});
