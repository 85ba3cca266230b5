import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import * as z from "zod";
import { commonArgs } from "./arguments.ts";
import { defineCommand } from "./define-command.ts";
import { openOutput } from "./output.ts";

const folder = mkdtempSync(join(tmpdir(), "config-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** Run a command with these flags and this config file, and return the arguments it saw. */
async function run(argv: readonly string[], yaml?: string) {
  let seen: Record<string, unknown> = {};
  const command = defineCommand({
    args: {
      ...commonArgs,
      model: z.string(),
      learningRate: z.number().positive().default(1e-3),
      ranks: z.array(z.int().min(1)).default([8]),
      norm: z.enum(["layer", "none"]).default("layer"),
      gamma: z.union([z.literal("auto"), z.number()]).default("auto"),
    },
    positionals: ["model"],
    run: ({ args }) => {
      seen = args;
    },
  });
  const path = join(folder, "run.yaml");
  if (yaml !== undefined) writeFileSync(path, yaml);
  const stream = { write: () => {} };
  await command.run(yaml === undefined ? argv : [...argv, "--config", path], {
    title: "graft x",
    description: "",
    signal: new AbortController().signal,
    openOutput: (options) => openOutput({ ...options, stdout: stream, stderr: stream }),
    showHelp: () => {},
  });
  return seen;
}

test("flags win over the file, the file over defaults", async () => {
  expect(await run(["m", "--norm", "none"], "# mine\nlearningRate: 0.5\nnorm: layer\nranks: [2, 4]\n")).toMatchObject({
    model: "m",
    learningRate: 0.5,
    norm: "none",
    ranks: [2, 4],
    gamma: "auto",
    json: false,
  });
});

test("a positional argument may come from the file, and the file may be empty", async () => {
  expect(await run([], "model: a.onnx")).toMatchObject({ model: "a.onnx" });
  expect(await run(["m"], "")).toMatchObject({ model: "m", norm: "layer" });
});

test.each([
  [[], undefined, "USAGE", "MODEL: graft x needs it and it is missing"],
  [["m", "--learning-rate", "fast"], undefined, "USAGE", '--learning-rate: expected a number, and this is "fast"'],
  [["m", "--learning-rate", "-1"], undefined, "USAGE", "--learning-rate: must be more than 0, and this is -1"],
  [["m", "--ranks", "4,0"], undefined, "USAGE", "--ranks: must be at least 1, and this is 0"],
  [["m", "--ranks", "1.5"], undefined, "USAGE", "--ranks: expected a whole number, and this is 1.5"],
  [
    ["m", "--norm", "laye"],
    undefined,
    "USAGE",
    '--norm: expected one of layer, none, and this is "laye". did you mean "layer"?',
  ],
  [["m", "--gamma", "x"], undefined, "USAGE", '--gamma: expected auto or a number, and this is "x"'],
  [
    ["m"],
    "\nlearningRat: 1",
    "CONFIG",
    `unknown key "learningRat": ${folder}/run.yaml:2. did you mean "learningRate"? `,
  ],
  [["m"], "learning-rate: 1", "CONFIG", 'did you mean "learningRate"?'],
  [["m"], "config: other.yaml", "CONFIG", 'unknown key "config"'],
  [["m"], "norm: layer\n\nlearningRate: fast", "CONFIG", `"learningRate" in ${folder}/run.yaml:3: expected a number`],
  [["m"], "json: 1", "CONFIG", `"json" in ${folder}/run.yaml:1: expected true or false, and this is 1`],
  [["m"], "norm: [", "CONFIG", `${folder}/run.yaml:1: not valid YAML`],
  [["m"], "norm: layer\nnorm: none", "CONFIG", `${folder}/run.yaml:2: not valid YAML: Map keys must be unique`],
  [["m"], "- a\n- b", "CONFIG", "holds no keys with values"],
  [["m", "--config", "/no/such.yaml"], undefined, "CONFIG", "/no/such.yaml: the file cannot be read (ENOENT)"],
])("%j with file %j is refused as %s", async (argv, yaml, code, message) => {
  await expect(run(argv, yaml)).rejects.toMatchObject({ code, message: expect.stringContaining(message) });
});
