import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { isBuiltin } from "node:module";
import { join, resolve } from "node:path";
import ts from "typescript";
import { expect, test } from "vitest";

const run = (command: string, ...args: string[]) => execFileSync(command, args, { encoding: "utf8" });
const { version, exports: entries } = JSON.parse(readFileSync("package.json", "utf8"));

/** A built file and every built file it imports, directly or not, with the packages they import. */
function reach(file: string, seen = new Set<string>(), packages = new Set<string>()) {
  if (seen.has(file)) return { files: seen, packages };
  seen.add(file);
  for (const { fileName } of ts.preProcessFile(readFileSync(file, "utf8"), true, true).importedFiles) {
    if (fileName.startsWith(".")) reach(join(file, "..", fileName), seen, packages);
    else packages.add(fileName);
  }
  return { files: seen, packages };
}

test("the tarball holds what its entries name, the licence and no sources", () => {
  const [{ files }] = JSON.parse(run("npm", "pack", "--dry-run", "--json"));
  const names: string[] = files.map(({ path }: { path: string }) => path);
  const named = Object.values(entries).flatMap((entry) =>
    typeof entry === "string" ? [entry] : Object.values(entry as object),
  );
  for (const entry of named) expect(names).toContain(entry.replace("./", ""));
  expect(names).toEqual(expect.arrayContaining(["LICENSE", "CHANGELOG.md", "dist/graft.js"]));
  expect(names.filter((name) => /^(src|test|bench|scripts)\/|\.test\./.test(name))).toEqual([]);
});

test.each([
  ["Node", [], "dist/node.js"],
  ["a browser's bundler", ["--conditions=browser"], "dist/browser.js"],
])("%s gets its own entry, quietly", (_, flags, file) => {
  const script =
    'import { GraftError } from "onnx-graft"; console.log(GraftError.name, import.meta.resolve("onnx-graft"));';
  const printed = run("node", ...flags, "--input-type=module", "-e", script);
  expect(printed).toMatch(new RegExp(`^GraftError file://.*/${file}\n$`));
});

test("the browser's entry reaches nothing of Node", () => {
  const { files, packages } = reach("dist/browser.js");
  expect(readFileSync("dist/browser.js", "utf8")).toContain("GraftError");
  expect([...packages].filter((name) => isBuiltin(name) || name === "onnxruntime-node" || name === "sharp")).toEqual(
    [],
  );
  expect([...files].every((file) => /^dist\/[^/]+\.js$/.test(file))).toBe(true);
});

test("the library's entries do not reach the command line", () => {
  for (const entry of ["dist/node.js", "dist/browser.js"])
    expect([...reach(entry).packages]).not.toContain("commander");
});

test("built files lie flat, so that URLs of assets hold as in src/", () => {
  expect(readdirSync("dist", { withFileTypes: true }).filter((entry) => entry.isDirectory())).toEqual([]);
  const urls = (file: string) =>
    [...readFileSync(file, "utf8").matchAll(/new URL\("([^"]+)", import\.meta\.url\)/g)].map((m) => m[1]!);
  expect(urls("src/embedded.ts").length).toBeGreaterThan(0);
  for (const url of urls("src/embedded.ts")) expect(resolve("src", url)).toMatch(/\/assets\/[^/]+$/);
  const built = readdirSync("dist")
    .filter((name) => name.endsWith(".js"))
    .flatMap((name) => urls(join("dist", name)));
  for (const url of built) expect(existsSync(resolve("dist", url)), url).toBe(true);
});

// `npx --no graft --version` would be npm's: it takes flags for itself up to the first word after the program.
test.each(["graft", "onnx-graft"])("npx finds the program as %s in a clone", (name) => {
  expect(run("npx", "--no", name, "help")).toContain("Usage: graft COMMAND");
  expect(run("npx", "--no", "--", name, "--version")).toBe(`${version}\n`);
});

test("the lock file names no registry", () => {
  const lock = readFileSync("package-lock.json", "utf8");
  expect(JSON.parse(lock).packages[""].version).toBe(version);
  expect(lock).not.toMatch(/"resolved"|registry\./);
});
