import * as z from "zod";
import { commonArgs } from "../../arguments.ts";
import { defineCommand } from "../../define-command.ts";
import { runStudyFile } from "../../run-study-file.ts";
import { studyFileArg } from "../../study-args.ts";

const ENDS = {
  complete: "the study is complete",
  stopped: "stopped, as it was asked to; the same command goes on",
  hours: "its hours are over; the same command goes on",
} as const;

const command = (name: string) =>
  defineCommand({
    args: {
      ...studyFileArg,
      workers: z
        .int()
        .min(1)
        .max(512)
        .optional()
        .meta({ description: "processes (default: what the study says, else one for each core)", value: "n" }),
      queue: z
        .string()
        .optional()
        .meta({ description: "let `graft worker` processes train, wherever they are", value: "redis://…" }),
      ...commonArgs,
    },
    positionals: ["file"],
    examples: [`graft study ${name} study.db`, `graft study ${name} study.db --queue redis://10.0.0.5:6379`],
    async run(context) {
      const { args, print, note, signal } = context;
      const { end, trials } = await runStudyFile(args.file, args, context).catch((error: unknown) => {
        if (signal.aborted) note(`what is done is kept: \`graft study resume ${args.file}\` goes on`);
        throw error;
      });
      const complete = trials.filter(({ state }) => state === "complete").length;
      print({ end, trials: trials.length, complete }, () =>
        [
          `${ENDS[end]}: ${complete} of ${trials.length} trials complete`,
          `What it found: graft study status ${args.file}`,
        ].join("\n"),
      );
    },
  });

export const runCommand = command("run");
export const resumeCommand = command("resume");
