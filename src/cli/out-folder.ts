import { access } from "node:fs/promises";
import { join } from "node:path";
import { claimFolder, trainingIn } from "../artifact/index.node.ts";
import { GraftError } from "../base/index.ts";

/** What `graft train` prints last, kept beside the model. */
export const RESULT_FILE = "result.json";

/** Make sure that a folder can be written, work, and take the folder back if the work failed and left it empty. */
export async function inFolder<Result>(folder: string, work: () => Promise<Result>): Promise<Result> {
  const release = await claimFolder(folder);
  try {
    return await work();
  } catch (error) {
    await release();
    throw error;
  }
}

/**
 * See that an earlier training's work is neither replaced by mistake nor taken for there when it is not.
 * @throws GraftError OUT_EXISTS, NOTHING_TO_RESUME
 */
export async function checkOut(
  { out, resume, overwrite }: { readonly out: string; readonly resume: boolean; readonly overwrite: boolean },
  note: (text: string) => void,
): Promise<void> {
  const found = await trainingIn(out);
  if (resume) {
    if (found !== "nothing") return;
    if (await isThere(out)) return note(`no checkpoint in ${out} yet: starting from the beginning`);
    throw new GraftError("NOTHING_TO_RESUME", {
      thing: `folder ${out}`,
      place: "there is no such folder, so no training to resume",
      remedy: "Give the --out of the training that stopped, or leave --resume out to start one",
    });
  }
  if (overwrite || found === "nothing") return;
  throw found === "trained"
    ? outExists(out, "it holds a trained model already", "Give another --out, or --overwrite to replace it")
    : outExists(
        out,
        "it holds the checkpoint of a training that has not ended",
        "Give --resume to go on, --overwrite to start anew, or another --out",
      );
}

/** The demo replaces what an earlier demo left, never what `graft train` made. Throws OUT_EXISTS. */
export async function checkDemoOut(out: string): Promise<void> {
  const isTraining = (await trainingIn(out)) === "interrupted" || (await isThere(join(out, RESULT_FILE)));
  if (isTraining) throw outExists(out, "it holds what `graft train` made", "Give another --out");
}

const outExists = (out: string, place: string, remedy: string) =>
  new GraftError("OUT_EXISTS", { thing: `folder ${out}`, place, remedy });

const isThere = (path: string) =>
  access(path).then(
    () => true,
    () => false,
  );
