import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { commandList } from "../../src/cli/command-list.ts";
import { graft } from "./graft.ts";
import { graftHere, graftInThread } from "./in-process.ts";

test("the help lists every command with its description", async () => {
  const { code, stdout, stderr } = await graft("--help");
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  for (const { name, description } of commandList)
    expect(stdout).toMatch(new RegExp(`^  ${name} +${description}$`, "m"));
  expect(await graftHere("help")).toMatchObject({ code: 0, stdout });
});

test("no command at all is a mistake, answered with the help", async () => {
  expect(await graft()).toMatchObject({ code: 2, stdout: "", stderr: (await graft("--help")).stdout });
});

test("--version is the package's", async () => {
  const { version } = JSON.parse(readFileSync("package.json", "utf8"));
  expect(await graft("--version")).toEqual({ code: 0, stdout: `${version}\n`, stderr: "" });
});

const alone = commandList.filter((entry) => !("commands" in entry));

test.each(alone.map(({ name }) => name))("graft %s --help shows its flags", async (name) => {
  const { code, stdout, stderr } = await graftHere(name, "--help");
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  expect(stdout).toContain(`Usage: graft ${name} `);
  for (const flag of ["--json", "--quiet", "--config <file>"]) expect(stdout).toContain(flag);
  expect(Math.max(...stdout.split("\n").map((line) => line.length))).toBeLessThanOrEqual(100);
  expect(await graftHere("help", name)).toMatchObject({ code: 0, stdout });
});

const groups = commandList.filter((entry) => "commands" in entry);

test.each(groups)("graft $name --help lists its commands", async ({ name, commands }) => {
  const { code, stdout, stderr } = await graftHere(name, "--help");
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  expect(stdout).toContain(`Usage: graft ${name} COMMAND`);
  const lines = stdout.split("\n").map((line) => line.trim().split(/ {2,}/));
  expect(lines).toEqual(expect.arrayContaining(commands.map((entry) => [entry.name, entry.description])));
  expect(await graftHere("help", name)).toMatchObject({ code: 0, stdout });
  expect(await graftHere(name)).toMatchObject({ code: 2, stdout: "", stderr: stdout });
  const { stdout: flags } = await graftHere(name, commands[0]!.name, "--help");
  expect(flags).toContain(`Usage: graft ${name} ${commands[0]!.name} `);
  expect(await graftHere("help", name, commands[0]!.name)).toMatchObject({ code: 0, stdout: flags });
});

test.each([
  ["study run", "[options] <study.db>"],
  ["worker", "[options] <redis://…>"],
  ["study create", "[options] [study.yaml]"], // or --from
  ["inspect", "[options] [model]"], // builtin:vit where none is named
])("the usage of graft %s is %s: in angles what cannot be left out", async (name, usage) => {
  const { stdout } = await graftHere(...name.split(" "), "--help");
  expect(stdout).toContain(`Usage: graft ${name} ${usage}\n`);
});

test("the many flags of graft train stand in groups", async () => {
  const { stdout } = await graftHere("train", "--help");
  const groups = [...stdout.matchAll(/^(\w+):$/gm)].map((match) => match[1]);
  for (const group of ["Model", "Data", "Placement", "Output", "Adapters", "Training", "General"])
    expect(groups).toContain(group);
  expect(groups).not.toContain("Options");
});

test("a command's own thread knows how wide the terminal is", async () => {
  const own = Object.getOwnPropertyDescriptor(process.stdout, "columns");
  Object.defineProperty(process.stdout, "columns", { value: 60, configurable: true });
  try {
    const inThread = await graftInThread("demo", "--help");
    expect(inThread).toEqual(await graftHere("demo", "--help"));
    expect(Math.max(...inThread.stdout.split("\n").map((line) => line.length))).toBeLessThanOrEqual(60);
  } finally {
    if (own) Object.defineProperty(process.stdout, "columns", own);
    else Reflect.deleteProperty(process.stdout, "columns");
  }
});

test("an unknown command is refused and a name suggested", async () => {
  const { code, stdout, stderr } = await graft("selct");
  expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
  expect(stderr).toMatch(/^graft: command "selct": .*did you mean "select"\? .*\n$/);
});

test("an unknown flag is refused and a name suggested, in JSON too", async () => {
  const { code, stdout, stderr } = await graftHere("select", "--scors", "a.json", "--json");
  expect(code).toBe(2);
  expect(stderr).toContain('did you mean "--scores"');
  expect(JSON.parse(stdout)).toMatchObject({ schema: 1, type: "error", code: "USAGE", thing: "--scors" });
});

test("a flag before the command is refused with the right order", async () => {
  const { code, stderr } = await graftHere("--json", "select");
  expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringContaining("graft COMMAND [flags]") });
});
