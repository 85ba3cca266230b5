import { once } from "node:events";
import * as z from "zod";
import { openStudyFile } from "../../../study/index.node.ts";
import { commonArgs } from "../../arguments.ts";
import { defineCommand } from "../../define-command.ts";
import { viewOf } from "../../study-app.ts";
import { studyFileArg } from "../../study-args.ts";
import { serveStudyPage } from "../../study-server.ts";

export const watch = defineCommand({
  args: {
    ...studyFileArg,
    port: z.int().min(0).max(65_535).default(0).describe("of 127.0.0.1; 0 takes any that is free"),
    ...commonArgs,
  },
  positionals: ["file"],
  examples: ["graft study watch study.db"],
  async run({ args, print, signal }) {
    const storage = openStudyFile(args.file);
    try {
      const server = await serveStudyPage(() => viewOf(storage), args.port);
      print({ url: server.url }, () => `${server.url}  (Ctrl-C ends)`);
      if (!signal.aborted) await once(signal, "abort");
      await server.close();
    } finally {
      storage.close();
    }
  },
});
