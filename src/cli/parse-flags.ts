import { Command, CommanderError, Help, Option } from "commander";
import { didYouMean, GraftError } from "../base/index.ts";
import { type Flag, parseValue } from "./flags.ts";

const HELP_WIDTH = 100;
/** Of the column of flags; a description whose flag is longer starts on the next line. */
const TERM_WIDTH = 30;

export interface FlagParser {
  readonly help: string;
  /**
   * What was typed, by key; what was not typed is absent (defaults are the schema's).
   * @throws GraftError USAGE for an unknown flag, a flag without its value, an argument too many
   */
  parse(argv: readonly string[]): { readonly values: Record<string, unknown>; readonly wantsHelp: boolean };
}

/** A command line made of flags, read by commander. `title` is what errors call the command, e.g. `graft select`. */
export function flagParser(
  title: string,
  description: string,
  flags: readonly Flag[],
  examples: readonly string[],
): FlagParser {
  const command = new Command(title)
    .description(description)
    .exitOverride()
    .configureOutput({ writeErr: () => {} })
    .helpOption(false)
    .configureHelp({ minWidthToWrap: 20, padWidth: () => TERM_WIDTH, formatItem })
    .allowExcessArguments(false);
  const positionals = flags.filter((flag) => flag.positional);
  // Commander would refuse a line without an argument, which a config file may give: to it all are optional.
  for (const flag of positionals) command.argument(`[${wordOf(flag)}]`, describe(flag));
  const shown = positionals.map((flag) => (flag.required ? `<${wordOf(flag)}>` : `[${wordOf(flag)}]`));
  command.usage(["[options]", ...shown].join(" "));
  for (const flag of flags)
    if (!flag.positional)
      for (const option of optionsOf(title, flag)) command.addOption(option.helpGroup(`${flag.group}:`));
  command.addOption(new Option("-h, --help", "show this help").helpGroup("General:"));
  if (examples.length > 0) command.addHelpText("after", `\nExamples:\n${examples.map((e) => `  $ ${e}`).join("\n")}`);

  return {
    help: helpOf(command),
    parse(argv) {
      try {
        command.parse(argv, { from: "user" });
      } catch (error) {
        if (error instanceof CommanderError) throw usageError(title, error, flags, command.args);
        throw error;
      }
      const values: Record<string, unknown> = {};
      positionals.forEach((flag, k) => {
        if (command.args[k] === undefined) return;
        // A list takes all that is left; commas stay: they may be part of a file's name.
        values[flag.key] = flag.list
          ? command.args.slice(k).map((text) => parseValue(flag, text))
          : parseValue(flag, command.args[k]);
      });
      for (const flag of flags) {
        const typed: unknown = flag.positional ? undefined : command.getOptionValue(flag.key);
        if (typed !== undefined)
          values[flag.key] = typeof typed === "string" ? checkedValue(title, flag, typed) : typed;
      }
      return { values, wantsHelp: command.getOptionValue("help") === true };
    },
  };
}

const wordOf = ({ placeholder, list }: Flag): string => `${placeholder}${list ? "..." : ""}`;

function optionsOf(title: string, flag: Flag): Option[] {
  if (flag.kind === "boolean") {
    // Both forms exist, so that the command line can overrule a config file; the help shows the one that changes something.
    const on = new Option(flag.name, describe(flag));
    const words = flag.default === true ? `switch off: ${describe(flag)}` : describe(flag);
    const off = new Option(flag.name.replace("--", "--no-"), words);
    return flag.default === true ? [on.hideHelp(), off] : [on, off.hideHelp()];
  }
  const option = new Option(`${flag.name} <${flag.placeholder}>`, describe(flag));
  if (flag.list) {
    option.argParser((text: string, previous: unknown[] | undefined) => [
      ...(previous ?? []),
      ...text.split(",").map((part) => checkedValue(title, flag, part.trim())),
    ]);
  }
  return [option];
}

function describe(flag: Flag): string {
  const isNothing = flag.kind === "boolean" || flag.default === undefined || String(flag.default) === "";
  const shown = isNothing ? "" : ` (default: ${flag.default})`;
  return flag.description + shown;
}

/** `--model --json` is a flag without its value, not a model of that name. */
function checkedValue(title: string, flag: Flag, text: string): string | number {
  if (text.startsWith("--")) throw noValue(title, flag.name);
  return parseValue(flag, text);
}

function noValue(title: string, name: string): GraftError {
  return new GraftError("USAGE", {
    thing: name,
    place: `${title}: the flag needs a value and has none`,
    remedy: `\`${title} --help\` shows what it takes`,
  });
}

/** Say what commander found wrong in our words: it reports by code, and puts the culprit in quotes. */
function usageError(title: string, error: CommanderError, flags: readonly Flag[], operands: readonly string[]) {
  const culprit = /'([^']*)'/.exec(error.message)?.[1] ?? "";
  const help = `\`${title} --help\` lists what it takes`;
  if (error.code === "commander.optionMissingArgument") return noValue(title, culprit.split(" ")[0]!);
  if (error.code === "commander.unknownOption") {
    const word = culprit.split("=")[0]!;
    const names = flags.filter((flag) => !flag.positional).map((flag) => flag.name);
    return new GraftError("USAGE", {
      thing: word,
      place: `${title} has no such flag`,
      remedy: didYouMean(word, [...names, "--help"]) + help,
    });
  }
  if (error.code === "commander.excessArguments") {
    const expected = flags.filter((flag) => flag.positional).map((flag) => flag.name);
    return new GraftError("USAGE", {
      thing: `"${operands[expected.length]}"`,
      place: `${title} takes ${["flags", ...expected].join(" and ")} and nothing else`,
      remedy: help,
    });
  }
  return new GraftError("USAGE", {
    thing: title,
    place: error.message.replace(/^error: /, ""),
    remedy: help,
    cause: error,
  });
}

function formatItem(term: string, width: number, description: string, helper: Help): string {
  const item = (shown: string) => Help.prototype.formatItem.call(helper, shown, width, description, helper);
  return term.length <= width || description === "" ? item(term) : `  ${term}\n${item("")}`;
}

function helpOf(command: Command): string {
  let text = "";
  const getOutHelpWidth = () => Math.min(process.stdout.columns ?? HELP_WIDTH, HELP_WIDTH);
  command.configureOutput({ writeOut: (part) => (text += part), getOutHelpWidth });
  command.outputHelp();
  return text;
}
