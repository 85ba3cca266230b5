import { basename, extname } from "node:path";
import * as z from "zod";
import { readFileChecked } from "../../../base/index.node.ts";
import { GraftError } from "../../../node.ts";
import { checkNoFile, createStudyFile } from "../../../study/index.node.ts";
import { newStudy, readStudyExport, readStudySettings } from "../../../study/index.ts";
import { commonArgs } from "../../arguments.ts";
import { defineCommand } from "../../define-command.ts";
import { describeCost, hoursOf } from "../../study-cost.ts";
import { openers } from "../../study-openers.ts";

export const create = defineCommand({
  args: {
    settings: z
      .string()
      .optional()
      .meta({ description: "what to search, where and how: a study.yaml", value: "study.yaml" }),
    from: z.string().optional().meta({ description: "restore a study from its export instead", value: "file.jsonl" }),
    out: z
      .string()
      .optional()
      .meta({ description: "file to make (default: the settings' name with .db)", value: "study.db" }),
    ...commonArgs,
  },
  positionals: ["settings"],
  examples: ["graft study create study.yaml", "graft study create --from edges.jsonl --out edges.db"],
  async run({ args, signal, onProgress, note, print }) {
    const { settings, from } = args;
    const source = settings ?? from;
    if (source === undefined || (settings !== undefined && from !== undefined))
      throw new GraftError("USAGE", {
        thing: "what the study is",
        place:
          source === undefined ? "neither a study.yaml nor --from is given" : "both a study.yaml and --from are given",
        remedy: "Give one: `graft study create study.yaml`",
      });
    const out = args.out ?? `${basename(source, extname(source))}.db`;
    checkNoFile(out); // before all that takes long
    if (from !== undefined) {
      const { record, trials } = readStudyExport(await readText(from), from);
      createStudyFile(out, record, trials);
      const runs = trials.flatMap((trial) => trial.runs);
      const done = runs.filter(({ state }) => state === "complete").length;
      print(
        { file: out, trials: trials.length, complete: done },
        () => `${out}: ${trials.length} trials, ${done} of their trainings done`,
      );
      return;
    }
    const wanted = await readStudySettings(await readText(source), source);
    const call = { signal, onProgress, onNote: note };
    const study = await newStudy(wanted, basename(out, extname(out)), openers, call);
    createStudyFile(out, study.record);
    const { trainings, secondsEach } = study;
    print({ file: out, trainings, secondsEach, hours: hoursOf(study) }, () =>
      [`${out}: ${describeCost(study)}`, `Run it: graft study run ${out}`].join("\n"),
    );
  },
});

const readText = async (path: string): Promise<string> => new TextDecoder().decode(await readFileChecked(path));
