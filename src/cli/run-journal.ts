import { join } from "node:path";
import { makeFolder } from "../base/index.node.ts";
import { GraftError } from "../base/index.ts";
import type { MethodRun } from "../comparison/index.ts";
import { appendLines, readLines } from "./lines-file.ts";

/** In the folder of a comparison: its settings, then a run a line. */
export const RUNS_FILE = "runs.jsonl";

type Settings = Readonly<Record<string, unknown>>;

/**
 * What a comparison did so far. A run is on disk before the next one starts; of a line that a kill cut off nothing is taken.
 * @throws GraftError COMPARE_MISMATCH where the folder holds a comparison with other settings, naming the first; FILE_*
 */
export async function openJournal(folder: string, settings: Settings) {
  const path = join(folder, RUNS_FILE);
  await makeFolder(folder);
  const lines = await readLines<object>(path).catch((error: GraftError) => {
    throw error.code === "NOT_JSON_LINES" ? notAJournal(path, error.place, error) : error;
  });
  const [first, ...runs] = lines;
  if (first) checkSettings((first as { settings?: Settings }).settings, settings, path);
  else await appendLines(path, [{ schema: 1, settings }]);
  return {
    finished: runs as MethodRun[],
    append: (run: MethodRun): Promise<void> => appendLines(path, [run]),
  };
}

function checkSettings(saved: Settings | undefined, wanted: Settings, path: string): void {
  if (typeof saved !== "object") throw notAJournal(path, "its first line holds no settings");
  const asked = JSON.parse(JSON.stringify(wanted)) as Settings;
  for (const key of new Set([...Object.keys(saved), ...Object.keys(asked)])) {
    const [was, is] = [JSON.stringify(saved[key]), JSON.stringify(asked[key])];
    if (was !== is)
      throw new GraftError("COMPARE_MISMATCH", {
        thing: `setting "${key}"`,
        place: `${path} was made with ${was ?? "none"}, this comparison has ${is ?? "none"}`,
        remedy: "Compare with the settings it was started with, or give another --out",
      });
  }
}

const notAJournal = (path: string, problem: string, cause?: unknown) =>
  new GraftError("COMPARE_MISMATCH", {
    thing: path,
    place: `${problem}: it is no comparison's file`,
    remedy: "Give another --out",
    cause,
  });
