import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { GraftError } from "../base/index.ts";
import { notTheInput, reportError } from "./report-error.ts";

const error = (code: string) => new GraftError(code, { thing: "a", place: "b", remedy: "c" });

test("bad input exits with 2, what no other input would cure with 1", () => {
  expect(reportError(error("NOT_ONNX"), { debug: false }).exitCode).toBe(2);
  expect(reportError(error("RUNTIME_RUN"), { debug: false }).exitCode).toBe(1);
  expect(reportError(new RangeError("x"), { debug: false }).exitCode).toBe(1);
  expect(reportError("thrown text", { debug: false }).text).toContain("thrown text");
});

test("every code that exits with 1 is one that the sources throw", () => {
  const src = join(import.meta.dirname, "..");
  const sources = readdirSync(src, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts") && !name.endsWith(".test.ts"))
    .map((name) => readFileSync(join(src, name), "utf8"));
  const thrown = new Set(
    sources.flatMap((text) => [...text.matchAll(/GraftError\(\s*"([A-Z_]+)"/g)].map((m) => m[1]!)),
  );
  expect(thrown.size).toBeGreaterThan(notTheInput.size);
  expect([...notTheInput].filter((code) => !thrown.has(code))).toEqual([]);
});

test("with GRAFT_DEBUG the stack and the causes follow the line", () => {
  const cause = new TypeError("deep down");
  const { text } = reportError(new Error("on top", { cause }), { debug: true });
  expect(text).toMatch(/^graft: .*on top.*\n/);
  expect(text).toMatch(/\ncaused by TypeError: deep down\n +at /);
});
