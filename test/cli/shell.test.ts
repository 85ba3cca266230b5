import { expect, test } from "vitest";
import { sample } from "./graft.ts";

const run = (args: string, env?: Record<string, string>) => sample(args.split(" "), env).finished;

test("a result goes to stdout, progress and notes to stderr", async () => {
  expect(await run("count --to 2")).toMatchObject({ code: 0, stdout: "counted to 2\n" });
  const { stderr } = await run("count --to 2");
  expect(stderr).toBe("counting\n"); // what takes less than a second shows no progress in a pipe
});

test("--quiet silences stderr", async () => {
  expect(await run("count --quiet")).toEqual({ code: 0, stdout: "counted to 3\n", stderr: "" });
});

test("--json prints JSON only, each document with its schema, and no progress", async () => {
  const { code, stdout, stderr } = await run("count --to 1 --lines --json");
  expect({ code, stderr }).toEqual({ code: 0, stderr: "counting\n" });
  expect(
    stdout
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line)),
  ).toEqual([
    { schema: 1, type: "count", done: 0 },
    { schema: 1, type: "count", done: 1 },
    { schema: 1, counted: 1 },
  ]);
});

test("an error is one line on stderr; bad input exits with 2, other failures with 1", async () => {
  expect(await run("fail --how graft")).toEqual({
    code: 2,
    stdout: "",
    stderr: "graft: a.onnx: line one line two. Mend it\n",
  });
  expect(await run("fail --how runtime")).toMatchObject({
    code: 1,
    stderr: "graft: graph: ran out of memory. Take less\n",
  });
});

test("with --json an error is also a document on stdout", async () => {
  const { code, stdout } = await run("fail --how graft --json");
  expect(code).toBe(2);
  expect(JSON.parse(stdout)).toMatchObject({
    schema: 1,
    type: "error",
    code: "BAD_FILE",
    thing: "a.onnx",
    remedy: "Mend it",
  });
});

test.each([
  ["bug", "x is not a function"],
  ["late", "thrown by a timer"],
])("an error that is not ours (%s) says how to report it, with its stack on request", async (how, words) => {
  const { code, stderr } = await run(`fail --how ${how}`);
  expect(code).toBe(1);
  expect(stderr.trimEnd().split("\n")).toHaveLength(1);
  expect(stderr).toContain(words);
  expect(stderr).toContain("report it");
  const debug = await run(`fail --how ${how}`, { GRAFT_DEBUG: "1" });
  expect(debug.stderr).toMatch(/\n +at .*sample-program/);
});

test("what the system refuses is said in its words, with the path", async () => {
  const { code, stderr } = await run("fail --how system");
  expect({ code, stderr }).toEqual({
    code: 1,
    stderr: expect.stringMatching(
      /^graft: \/no\/such\/folder\/file: no such file or directory \(ENOENT, open\)\. .*\n$/,
    ),
  });
});

test.each([
  ["SIGINT", 130, "Ctrl-C"],
  ["SIGTERM", 143, "a kill signal"],
] as const)("%s ends a command at its next safe point with code %i", async (signal, code, why) => {
  const program = sample(["count", "--to", "10000000"]);
  await program.says("counting");
  program.kill(signal);
  const finished = await program.finished;
  expect(finished).toMatchObject({ code, stdout: "" });
  expect(finished.stderr).toContain(`graft count: stopped by ${why}`);
});

test("with --json a stop is an error document of its own code", async () => {
  const program = sample(["count", "--to", "10000000", "--json"]);
  await program.says("counting");
  program.kill("SIGINT");
  const { code, stdout } = await program.finished;
  expect(code).toBe(130);
  expect(JSON.parse(stdout)).toMatchObject({ schema: 1, type: "error", code: "ABORTED" });
});

test("a second Ctrl-C ends a command that does not listen", async () => {
  const program = sample(["count", "--to", "10000000", "--stubborn"]);
  await program.says("counting");
  program.kill("SIGINT");
  await program.says("stopping");
  program.kill("SIGINT");
  expect(await program.finished).toMatchObject({ code: 130, stdout: "" });
});

test("a reader that leaves ends the command without a word", async () => {
  const program = sample(["count", "--to", "10000000", "--lines", "--json"]);
  await program.says('"done":3');
  program.hangUp();
  expect(await program.finished).toMatchObject({ code: 141, stderr: "counting\n" });
});
