import * as z from "zod";
import type { Progress } from "../base/index.ts";
import type { commonArgs } from "./arguments.ts";
import { checkArguments } from "./check-arguments.ts";
import type { ConfigFile } from "./config-file.ts";
import { type Flag, flagOf } from "./flags.ts";
import type { Output } from "./output.ts";
import { flagParser } from "./parse-flags.ts";

export interface CommandContext<Args> extends Pick<Output, "print" | "line" | "note"> {
  readonly args: Args;
  /** Aborted by Ctrl-C, a kill, or a reader that closed our stdout. */
  readonly signal: AbortSignal;
  readonly onProgress: (progress: Progress) => void;
}

export interface CommandDefinition<Shape extends z.ZodRawShape> {
  /** The zod types of the arguments; each becomes a flag and a key of the config file. */
  readonly args: Shape;
  /** Arguments that are given without a flag, in order. */
  readonly positionals?: readonly (keyof Shape & string)[];
  /** Whole command lines for the help. */
  readonly examples?: readonly string[];
  /** Returns the exit code where it is not 0 although nothing failed, as where `graft doctor` finds a problem. */
  readonly run: (context: CommandContext<z.output<z.ZodObject<Shape>>>) => Promise<number> | Promise<void> | void;
}

/** What `runMain` gives a command. `title` is what messages call it, e.g. `graft select`. */
export interface CommandHost {
  readonly title: string;
  readonly description: string;
  readonly signal: AbortSignal;
  readonly openOutput: (options: { json: boolean; quiet: boolean }) => Output;
  readonly showHelp: (text: string) => void;
}

export interface Command {
  readonly flags: readonly Flag[];
  /** Returns the exit code. */
  run(argv: readonly string[], host: CommandHost): Promise<number>;
}

/**
 * Make a command: flags, help and config file from the zod types of its arguments, so that a default or a description
 * has one home. Its name and description stand in `command-list.ts`.
 */
export function defineCommand<Shape extends typeof commonArgs & z.ZodRawShape>({
  args: shape,
  positionals = [],
  examples = [],
  run,
}: CommandDefinition<Shape>): Command {
  const schema = z.strictObject(shape);
  const flags = Object.entries(shape).map(([key, type]) => flagOf(key, type, positionals.includes(key)));
  return {
    flags,
    async run(argv, { title, description, signal, openOutput, showHelp }) {
      const parser = flagParser(title, description, flags, examples);
      const { values, wantsHelp } = parser.parse(argv);
      if (wantsHelp) {
        showHelp(parser.help);
        return 0;
      }
      const config = typeof values.config === "string" ? await readConfig(values.config, flags) : undefined;
      const args = checkArguments(title, schema, flags, values, config) as z.output<z.ZodObject<Shape>>;
      const { json, quiet } = args as { json: boolean; quiet: boolean };
      const output = openOutput({ json, quiet });
      try {
        return (await run({ args, signal, ...output })) ?? 0;
      } finally {
        output.close();
      }
    },
  };
}

/** Most command lines name no file; reading YAML takes a tenth of a command's start. */
async function readConfig(path: string, flags: readonly Flag[]): Promise<ConfigFile> {
  const { readConfig } = await import("./config-file.ts");
  return readConfig(path, flags);
}
