import { existsSync, readFileSync } from "node:fs";

/** What a file of measurements holds, a JSON value a line; nothing where there is no file. */
export function readJsonLines<Line>(path: string): Line[] {
  if (!existsSync(path)) return [];
  return readFileSync(path, "utf8")
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as Line);
}
