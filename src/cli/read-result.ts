import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { RESULT_FILE } from "./out-folder.ts";
import type { TrainResult } from "./train-task.ts";

/** What `graft train` wrote of its result. Folders of the demo have no such file, and those of older versions less in it. */
export async function readResult(folder: string): Promise<Partial<TrainResult>> {
  const text = await readFile(join(folder, RESULT_FILE), "utf8").catch(() => "{}");
  try {
    return (JSON.parse(text) as Partial<TrainResult> | null) ?? {};
  } catch {
    return {};
  }
}
