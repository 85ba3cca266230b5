import { studySummary } from "../../../report/index.ts";
import { isStudyOwned, openStudyFile } from "../../../study/index.node.ts";
import { commonArgs } from "../../arguments.ts";
import { defineCommand } from "../../define-command.ts";
import { studyFileArg } from "../../study-args.ts";

export const status = defineCommand({
  args: { ...studyFileArg, ...commonArgs },
  positionals: ["file"],
  examples: ["graft study status study.db"],
  run({ args, print }) {
    const storage = openStudyFile(args.file);
    try {
      const trials = storage.trials();
      const { study } = storage;
      const isOwned = isStudyOwned(args.file);
      print({ study, trials, running: isOwned }, () =>
        studySummary(trials, study, { now: Date.now(), isOwned, file: args.file }),
      );
    } finally {
      storage.close();
    }
  },
});
