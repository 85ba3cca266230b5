import { expect, test } from "vitest";
import * as z from "zod";
import { flagOf, inGroup } from "./flags.ts";
import { flagParser } from "./parse-flags.ts";

const shape = {
  file: z.string().describe("what to read"),
  learningRate: z.number().min(0).default(1e-3).describe("step size"),
  seed: z.int().optional().meta({ description: "seed", value: "n" }),
  flip: z.boolean().default(true).describe("mirror images"),
  json: z.boolean().default(false),
  norm: z.enum(["layer", "none"]).default("layer"),
  ranks: z.array(z.int()).default([8]),
  gamma: z.union([z.literal("auto"), z.number()]).default("auto"),
};
const nothing = z.array(z.string()).default([]).describe("folders");
const flags = Object.entries(shape).map(([key, type]) => flagOf(key, type, key === "file"));
const parse = (...argv: string[]) => flagParser("graft x", "does x", flags, []).parse(argv).values;

test("names, kinds, descriptions and defaults are read off the types", () => {
  expect(flags.map(({ name, kind, list, description }) => [name, kind, list, description])).toEqual([
    ["FILE", "text", false, "what to read"],
    ["--learning-rate", "number", false, "step size"],
    ["--seed", "number", false, "seed"],
    ["--flip", "boolean", false, "mirror images"],
    ["--json", "boolean", false, ""],
    ["--norm", "text", false, ""],
    ["--ranks", "number", true, ""],
    ["--gamma", "number or text", false, ""],
  ]);
});

test.each<[string[], Record<string, unknown>]>([
  [[], {}],
  [["a.onnx"], { file: "a.onnx" }],
  [["--learning-rate", "3e-4", "a"], { file: "a", learningRate: 3e-4 }],
  [["--learning-rate=3e-4"], { learningRate: 3e-4 }],
  [["--seed", "-3"], { seed: -3 }],
  [["--seed", "seven"], { seed: "seven" }],
  [["--no-flip", "--json"], { flip: false, json: true }],
  [["--flip", "--no-json"], { flip: true, json: false }],
  [["--ranks", "4,8"], { ranks: [4, 8] }],
  [["--ranks", "4", "--ranks", "8"], { ranks: [4, 8] }],
  [["--gamma", "0.5"], { gamma: 0.5 }],
  [["--gamma", "auto"], { gamma: "auto" }],
  [["--", "--odd-name"], { file: "--odd-name" }],
])("%j is read as %j: only what was typed", (argv, values) => {
  expect(parse(...argv)).toEqual(values);
});

test.each([
  [["--learning-rat", "1"], '--learning-rat: graft x has no such flag. did you mean "--learning-rate"? '],
  [["--rnaks=4"], 'did you mean "--ranks"? '],
  [["--seed"], "--seed: graft x: the flag needs a value and has none"],
  [["--norm", "--json"], "--norm: graft x: the flag needs a value and has none"],
  [["--ranks", "--json"], "--ranks: graft x: the flag needs a value and has none"],
  [["a", "b"], '"b": graft x takes flags and FILE and nothing else'],
])("%j is refused", (argv, message) => {
  expect(() => parse(...argv)).toThrow(
    expect.objectContaining({ code: "USAGE", message: expect.stringContaining(message) }),
  );
});

test("the help shows each flag once, with its default, and the form of a switch that changes something", () => {
  const { help } = flagParser("graft x", "does x", [...flags, flagOf("map", nothing)], ["graft x a.onnx --seed 7"]);
  expect(help).toMatch(/--map <text,…> +folders$/m);
  expect(help).toMatch(/--learning-rate <n> +step size \(default: 0\.001\)/);
  expect(help).toMatch(/--norm <layer\|none> +\(default: layer\)/);
  expect(help).toContain("--no-flip ");
  expect(help).not.toMatch(/--flip\b/);
  expect(help).not.toContain("--no-json");
  expect(help).toContain("$ graft x a.onnx --seed 7");
});

test("the help groups flags, in lines of at most 100 columns", () => {
  const places = {
    from: z.enum(["a".repeat(20), "b".repeat(20)]).describe("word ".repeat(40)),
    ranks: z.int().optional(),
  };
  const grouped = { ...shape, ...inGroup("Places", places) };
  const all = Object.entries(grouped).map(([key, type]) => flagOf(key, type, key === "file"));
  const { help } = flagParser("graft x", "does x", all, []);
  // Of a flag that is longer than its column, the description starts below it.
  expect(help).toMatch(/^Places:\n {2}--ranks <n>\n {2}--from <a+\|b+>\n {34}word word/m);
  expect(help).toMatch(/^Options:\n {2}--learning-rate/m);
  expect(help).toMatch(/^General:\n {2}-h, --help/m);
  expect(Math.max(...help.split("\n").map((line) => line.length))).toBeLessThanOrEqual(100);
  expect(inGroup("Other", inGroup("Places", places)).from.meta()).toEqual({
    group: "Places",
    description: "word ".repeat(40),
  });
});

test("a type without a form on the command line is a mistake in the program", () => {
  expect(() => flagOf("onProgress", z.function())).toThrow('argument "onProgress"');
  expect(() => flagOf("nested", z.object({ a: z.number() }).optional())).toThrow('argument "nested"');
});
