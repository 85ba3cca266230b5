import { open, readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileError, makeFolder, writeFileAtomic } from "../base/index.node.ts";
import { GraftError } from "../base/index.ts";
import type { MethodRun } from "../comparison/index.ts";

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
  const text = await readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return "";
    throw fileError(error, path, "read");
  });
  const lines = text.split("\n").slice(0, -1); // what follows the last line feed is no whole line
  const [first, ...runs] = lines.map((line, k) => parseLine(line, path, k));
  if (first) checkSettings((first as { settings?: Settings }).settings, settings, path);
  const whole = lines.length === 0 ? `${lineOf({ schema: 1, settings })}` : lines.map((line) => `${line}\n`).join("");
  if (whole !== text) await writeFileAtomic(path, whole);
  return {
    finished: runs as MethodRun[],
    async append(run: MethodRun): Promise<void> {
      try {
        const file = await open(path, "a");
        try {
          await file.appendFile(lineOf(run));
          await file.sync();
        } finally {
          await file.close();
        }
      } catch (error) {
        throw fileError(error, path, "write");
      }
    },
  };
}

const lineOf = (value: object) => `${JSON.stringify(value)}\n`;

/** JSON writes NaN, the value of a metric that is not defined, as null. */
function parseLine(line: string, path: string, k: number): unknown {
  try {
    return JSON.parse(line, (_, value) => value ?? Number.NaN);
  } catch (cause) {
    throw notAJournal(path, `line ${k + 1} is not JSON`, cause);
  }
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
