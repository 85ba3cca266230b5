import * as z from "zod";
import { writeFileAtomic } from "../../../base/index.node.ts";
import { openStudyFile } from "../../../study/index.node.ts";
import { exportStudy, runsCsv, trialsCsv } from "../../../study/index.ts";
import { commonArgs } from "../../arguments.ts";
import { defineCommand } from "../../define-command.ts";
import { studyFileArg } from "../../study-args.ts";

export const exportStudyCommand = defineCommand({
  args: {
    ...studyFileArg,
    jsonl: z
      .string()
      .optional()
      .meta({ description: "everything, a trial a line: `create --from` restores it", value: "file.jsonl" }),
    csv: z.string().optional().meta({ description: "a line for each training", value: "file.csv" }),
    trialsCsv: z
      .string()
      .optional()
      .meta({ description: "a line for each trial, means over its seeds", value: "file.csv" }),
    ...commonArgs,
  },
  positionals: ["file"],
  examples: ["graft study export study.db --csv runs.csv --jsonl study.jsonl"],
  async run({ args, print }) {
    const storage = openStudyFile(args.file);
    try {
      const trials = storage.trials();
      const files: readonly (readonly [string | undefined, () => string])[] = [
        [args.jsonl, () => exportStudy(storage)],
        [args.csv, () => runsCsv(trials)],
        [args.trialsCsv, () => trialsCsv(trials)],
      ];
      const written: string[] = [];
      for (const [path, text] of files)
        if (path !== undefined) {
          await writeFileAtomic(path, text());
          written.push(path);
        }
      // Without a file the trainings go where results go.
      print({ written, ...(written.length === 0 && { trials }) }, () =>
        written.length > 0 ? `wrote ${written.join(", ")}` : runsCsv(trials).trimEnd(),
      );
    } finally {
      storage.close();
    }
  },
});
