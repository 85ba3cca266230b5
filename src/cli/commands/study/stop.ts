import { isStudyOwned, openStudyFile } from "../../../study/index.node.ts";
import { commonArgs } from "../../arguments.ts";
import { defineCommand } from "../../define-command.ts";
import { studyFileArg } from "../../study-args.ts";

export const stop = defineCommand({
  args: { ...studyFileArg, ...commonArgs },
  positionals: ["file"],
  examples: ["graft study stop study.db"],
  run({ args, print }) {
    const storage = openStudyFile(args.file);
    try {
      const stopping = isStudyOwned(args.file);
      if (stopping) storage.requestStop();
      print({ file: args.file, stopping }, () =>
        stopping ? `${args.file}: it ends after the trainings under way` : `${args.file}: no process runs it`,
      );
    } finally {
      storage.close();
    }
  },
});
