import packageJson from "../../package.json" with { type: "json" };
import { didYouMean, GraftError } from "../base/index.ts";
import { type CommandEntry, commandList, type RunnableEntry } from "./command-list.ts";
import type { CommandHost } from "./define-command.ts";
import { listenForInterruption } from "./interruption.ts";
import { openOutput } from "./output.ts";
import { reportError } from "./report-error.ts";
import { isBuilt, runInWorker } from "./worker-host.ts";

/**
 * Run one command line: print its result, or its error in one line.
 * @param argv      without `node` and the script
 * @param commands  default: graft's own
 * @returns the exit code: 0; 2 when the input or the command line is at fault; 1 when something else failed, or was found wrong;
 *          130 after Ctrl-C, 143 after a kill, 141 when the reader of stdout went away
 */
export async function runMain(
  argv: readonly string[],
  commands: readonly CommandEntry[] = commandList,
): Promise<number> {
  const [word, ...rest] = argv;
  if (word === undefined) {
    process.stderr.write(topHelp(commands));
    return 2;
  }
  if (word === "--help" || word === "-h" || (word === "help" && rest.length === 0)) {
    process.stdout.write(topHelp(commands));
    return 0;
  }
  if (word === "--version" || word === "-V") {
    process.stdout.write(`${packageJson.version}\n`);
    return 0;
  }
  // `graft help COMMAND` is `graft COMMAND --help`.
  const line = word === "help" ? [...rest, "--help"] : argv;
  const group = commands.find((entry) => entry.name === line[0]);
  if (group && "commands" in group && wantsGroupHelp(line[1])) {
    const asked = line[1] !== undefined;
    (asked ? process.stdout : process.stderr).write(help(`graft ${group.name}: ${group.description}`, group));
    return asked ? 0 : 2;
  }
  const depth = group && "commands" in group ? 2 : 1;
  const title = ["graft", ...line.slice(0, depth)].join(" ");
  const interruption = listenForInterruption(title);
  const fail = (error: unknown) => {
    const report = reportError(error, { debug: process.env.GRAFT_DEBUG === "1" });
    const stop = interruption.stop();
    if (stop?.silent) return stop.exitCode;
    process.stderr.write(`${report.text}\n`);
    if (argv.includes("--json")) process.stdout.write(report.json);
    return stop?.exitCode ?? report.exitCode;
  };
  const onUncaught = (error: unknown) => process.exit(fail(error));
  process.on("uncaughtException", onUncaught);
  try {
    const { load, description, inWorker } = findCommand(line, commands);
    const args = line.slice(depth);
    const host: CommandHost = {
      title,
      description,
      signal: interruption.signal,
      openOutput: (options) => openOutput({ ...options, stdout: process.stdout, stderr: process.stderr }),
      showHelp: (text) => process.stdout.write(text),
    };
    return inWorker && isBuilt ? await runInWorker(line[0]!, args, host) : await (await load()).run(args, host);
  } catch (error) {
    return fail(error);
  } finally {
    interruption.dispose();
    process.off("uncaughtException", onUncaught);
  }
}

const wantsGroupHelp = (word: string | undefined) => word === undefined || ["--help", "-h", "help"].includes(word);

function findCommand(
  [name, ...rest]: readonly string[],
  commands: readonly CommandEntry[],
  of = "graft",
): RunnableEntry {
  const entry = commands.find((each) => each.name === name);
  if (entry !== undefined) return "commands" in entry ? findCommand(rest, entry.commands, `${of} ${name}`) : entry;
  const names = commands.map((each) => each.name);
  if (name!.startsWith("-")) {
    throw new GraftError("USAGE", {
      thing: name!,
      place: `${of} has no such flag of its own`,
      remedy: `Flags come after the command: \`${of} COMMAND [flags]\``,
    });
  }
  throw new GraftError("USAGE", {
    thing: `command "${name}"`,
    place: `${of} has no such command`,
    remedy: `${didYouMean(name!, names)}The commands are ${names.join(", ")}`,
  });
}

const topHelp = (commands: readonly CommandEntry[]): string =>
  help("graft: put a few small adapters where they help a frozen transformer most", { commands });

function help(
  title: string,
  { name, commands }: { readonly name?: string; readonly commands: readonly CommandEntry[] },
): string {
  const width = Math.max(...commands.map((entry) => entry.name.length)) + 2;
  const word = name === undefined ? "graft" : `graft ${name}`;
  return [
    title,
    "",
    `Usage: ${word} COMMAND [flags]`,
    "",
    "Commands:",
    ...commands.map((entry) => `  ${entry.name.padEnd(width)}${entry.description}`),
    "",
    `\`${word} COMMAND --help\` lists a command's flags.  ${name === undefined ? "-V, --version  " : ""}-h, --help`,
    "",
  ].join("\n");
}
