import { readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { basename, extname } from "node:path";
import * as z from "zod";
import { GraftError } from "../../../node.ts";
import { createStudyFile } from "../../../study/index.node.ts";
import { type NewStudy, newStudy, readStudyExport, readStudySettings } from "../../../study/index.ts";
import { commonArgs } from "../../arguments.ts";
import { defineCommand } from "../../define-command.ts";
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
    if (from !== undefined) {
      const { record, trials } = readStudyExport(readText(from), from);
      createStudyFile(out, record, trials);
      const runs = trials.flatMap((trial) => trial.runs);
      const done = runs.filter(({ state }) => state === "complete").length;
      print(
        { file: out, trials: trials.length, complete: done },
        () => `${out}: ${trials.length} trials, ${done} of their trainings done`,
      );
      return;
    }
    const study = await newStudy(
      await readStudySettings(readText(source), source),
      basename(out, extname(out)),
      openers,
      {
        signal,
        onProgress,
        onNote: note,
      },
    );
    createStudyFile(out, study.record);
    const { trainings, secondsEach } = study;
    print({ file: out, trainings, secondsEach, hours: hoursOf(study) }, () =>
      [`${out}: ${describeCost(study)}`, `Run it: graft study run ${out}`].join("\n"),
    );
  },
});

/** Hours on this machine, each training on a core of its own. */
export function hoursOf({ trainings, secondsEach, record }: NewStudy): number | undefined {
  if (trainings === undefined) return record.settings.hours;
  return (trainings * secondsEach) / 3600 / (record.settings.workers ?? availableParallelism());
}

export function describeCost(study: NewStudy): string {
  const { trainings, secondsEach } = study;
  const hours = hoursOf(study);
  const each = `some ${secondsEach.toFixed(0)} s each`;
  if (trainings === undefined) return `trainings of ${each}, until ${hours} hours are over`;
  return `${trainings.toLocaleString("en")} trainings, ${each}: about ${hours!.toFixed(1)} hours on this machine`;
}

function readText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    throw new GraftError("FILE_MISSING", {
      thing: path,
      place: `the file cannot be read (${(cause as NodeJS.ErrnoException).code})`,
      remedy: "Look at its name and its rights",
      cause,
    });
  }
}
