/** The shell around sample commands, for tests of what no command of graft's does on purpose. */
import { writeFileSync } from "node:fs";
import * as z from "zod";
import { breathe, GraftError } from "../../src/base/index.ts";
import { commonArgs } from "../../src/cli/arguments.ts";
import { type Command, defineCommand } from "../../src/cli/define-command.ts";
import { runMain } from "../../src/cli/run-main.ts";

const entry = (name: string, command: Command) => ({ name, description: `${name} it`, load: async () => command });

const count = defineCommand({
  args: {
    ...commonArgs,
    to: z.int().default(3),
    lines: z.boolean().default(false),
    stubborn: z.boolean().default(false),
  },
  async run({ args, signal, onProgress, print, line, note }) {
    note("counting");
    for (let done = 0; done <= args.to; done++) {
      await breathe(args.stubborn ? undefined : signal);
      if (args.lines) line("count", { done });
      onProgress({ phase: "count", done, total: args.to, unit: "things" });
    }
    print({ counted: args.to }, ({ counted }) => `counted to ${counted}`);
  },
});

const fail = defineCommand({
  args: { ...commonArgs, how: z.enum(["graft", "runtime", "bug", "late", "system"]) },
  async run({ args }) {
    switch (args.how) {
      case "graft":
        throw new GraftError("BAD_FILE", { thing: "a.onnx", place: "line one\nline two", remedy: "Mend it" });
      case "runtime":
        throw new GraftError("RUNTIME_RUN", { thing: "graph", place: "ran out of memory", remedy: "Take less" });
      case "bug":
        throw new TypeError("x is not a function");
      case "late":
        setTimeout(() => {
          throw new TypeError("thrown by a timer");
        });
        await new Promise((resolve) => setTimeout(resolve, 10_000));
        return;
      case "system":
        writeFileSync("/no/such/folder/file", "");
    }
  },
});

process.exitCode = await runMain(process.argv.slice(2), [entry("count", count), entry("fail", fail)]);
