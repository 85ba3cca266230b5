import { open, readFile } from "node:fs/promises";
import { fileError, writeFileAtomic } from "../base/index.node.ts";
import { GraftError } from "../base/index.ts";

/**
 * Values that were kept in a file, a line of JSON each; none where there is no file. Of a line that a kill cut off nothing is
 * taken, and it is taken out. JSON has null for NaN, the value of a metric that is not defined: it is NaN again.
 * @throws GraftError NOT_JSON_LINES naming the line; FILE_*
 */
export async function readLines<Line>(path: string): Promise<readonly Line[]> {
  const text = await readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return "";
    throw fileError(error, path, "read");
  });
  const end = text.lastIndexOf("\n") + 1;
  if (end < text.length) await writeFileAtomic(path, text.slice(0, end));
  return text
    .slice(0, end)
    .split("\n")
    .slice(0, -1)
    .map((line, k) => {
      try {
        return JSON.parse(line, (_, value) => value ?? Number.NaN) as Line;
      } catch (cause) {
        throw new GraftError("NOT_JSON_LINES", {
          thing: path,
          place: `line ${k + 1} is not JSON`,
          remedy: "Mend the line or move the file away",
          cause,
        });
      }
    });
}

/** Add values; they are on disk when it returns. Throws FILE_*. */
export async function appendLines(path: string, values: readonly object[]): Promise<void> {
  try {
    const file = await open(path, "a");
    try {
      await file.appendFile(values.map((value) => `${JSON.stringify(value)}\n`).join(""));
      await file.sync();
    } finally {
      await file.close();
    }
  } catch (error) {
    throw fileError(error, path, "write");
  }
}
