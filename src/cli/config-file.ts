import { readFileSync } from "node:fs";
import { isMap, isScalar, LineCounter, parseDocument } from "yaml";
import { didYouMean, GraftError } from "../base/index.ts";
import type { Flag } from "./flags.ts";

export interface ConfigFile {
  readonly values: Readonly<Record<string, unknown>>;
  /** `FILE:LINE` of a key, for errors about its value. */
  where(key: string): string;
}

/**
 * Read a YAML file whose keys are the flags' keys. Values are not checked here: the command's schema does that, after
 * the flags are laid over them.
 * @throws GraftError CONFIG if the file cannot be read, is not a YAML map, or has a key that is no flag
 */
export function readConfig(path: string, flags: readonly Flag[]): ConfigFile {
  const lines = new LineCounter();
  const document = parseDocument(readText(path), { lineCounter: lines });
  const fault = document.errors[0];
  if (fault !== undefined) {
    throw new GraftError("CONFIG", {
      thing: `${path}:${lines.linePos(fault.pos[0]).line}`,
      place: `not valid YAML: ${fault.message.split(" at line ")[0]!.replace(/\s+/g, " ")}`,
      remedy: "Correct that line",
    });
  }
  const root = document.contents;
  if (root === null) return { values: {}, where: () => path };
  if (!isMap(root)) {
    throw new GraftError("CONFIG", {
      thing: path,
      place: "holds no keys with values",
      remedy: "Write lines such as `seed: 7`, with the flags' names in camelCase",
    });
  }
  const lineOf = new Map<string, string>();
  const keys = flags.map((flag) => flag.key).filter((key) => key !== "config");
  for (const { key: node } of root.items) {
    const key = isScalar(node) ? String(node.value) : String(node);
    const place = `${path}:${lines.linePos(isScalar(node) ? (node.range?.[0] ?? 0) : 0).line}`;
    lineOf.set(key, place);
    if (!keys.includes(key)) {
      throw new GraftError("CONFIG", {
        thing: `unknown key "${key}"`,
        place,
        remedy: `${didYouMean(key, keys)}The keys are the flags' names in camelCase: ${keys.join(", ")}`,
      });
    }
  }
  return { values: document.toJS() as Record<string, unknown>, where: (key) => lineOf.get(key) ?? path };
}

function readText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    throw new GraftError("CONFIG", {
      thing: path,
      place: `the file cannot be read (${(cause as NodeJS.ErrnoException).code ?? cause})`,
      remedy: "Give --config the path of a YAML file",
      cause,
    });
  }
}
