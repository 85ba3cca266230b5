import * as z from "zod";
import { writeFileAtomic } from "../../../base/index.node.ts";
import { openStudyFile } from "../../../study/index.node.ts";
import { commonArgs } from "../../arguments.ts";
import { defineCommand } from "../../define-command.ts";
import { pageOf, viewOf } from "../../study-app.ts";
import { studyFileArg } from "../../study-args.ts";

export const reportCommand = defineCommand({
  args: {
    ...studyFileArg,
    out: z.string().min(1).default("report.html").meta({ description: "the page to write", value: "file.html" }),
    ...commonArgs,
  },
  positionals: ["file"],
  examples: ["graft study report study.db --out report.html"],
  async run({ args, print }) {
    const storage = openStudyFile(args.file);
    try {
      await writeFileAtomic(args.out, pageOf(viewOf(storage)));
      print({ written: args.out }, () => `wrote ${args.out}: one file, opens in any browser`);
    } finally {
      storage.close();
    }
  },
});
