import * as z from "zod";

/** The file of a study, without a flag. */
export const studyFileArg = {
  file: z.string().meta({ description: "file that `graft study create` made", value: "study.db" }),
};
