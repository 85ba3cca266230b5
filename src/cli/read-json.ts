import { readFileSync } from "node:fs";
import { GraftError } from "../base/index.ts";

/**
 * Read a JSON file named on the command line; `-` is stdin.
 * @throws GraftError UNREADABLE, NOT_JSON
 */
export function readJson(path: string): unknown {
  const name = path === "-" ? "stdin" : path;
  let text: string;
  try {
    text = readFileSync(path === "-" ? 0 : path, "utf8");
  } catch (cause) {
    throw new GraftError("UNREADABLE", {
      thing: name,
      place: `the file cannot be read (${(cause as NodeJS.ErrnoException).code ?? cause})`,
      remedy: "Give the path of a JSON file that exists",
      cause,
    });
  }
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new GraftError("NOT_JSON", {
      thing: name,
      place: text.trim() === "" ? "the file is empty" : `not JSON: ${(cause as Error).message}`,
      remedy: "Give a file of one JSON document",
      cause,
    });
  }
}
