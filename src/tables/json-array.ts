import { GraftError } from "../base/index.ts";
import { jsonRow, jsonTable, openJsonLines } from "./json-lines.ts";
import { type ByteSource, unpacked } from "./source.ts";
import type { Row, Table } from "./table.ts";
import { decodeText, LONGEST_LINE } from "./text.ts";

/**
 * Open a `.json` file: an array of objects, read one element at a time, or one object a line.
 * @throws GraftError as openJsonLines, and DATA_JSON for a file that is neither or is cut off
 */
export async function openJson(source: ByteSource): Promise<Table> {
  if ((await firstCharacter(source)) !== "[") return openJsonLines(source);
  return jsonTable(source, "json", (signal) => readElements(source, signal));
}

async function firstCharacter(source: ByteSource): Promise<string | undefined> {
  for await (const text of decodeText(unpacked(source), source.name)) {
    const start = /\S/.exec(text);
    if (start) return start[0];
  }
  return undefined;
}

/** The elements of an array, found by brackets and quotes alone; JSON.parse judges each. */
async function* readElements(source: ByteSource, signal?: AbortSignal): AsyncGenerator<Row> {
  const { name } = source;
  let depth = 0;
  let inString = false;
  let escaped = false;
  let isOver = false;
  let item = 1;
  let line = 1;
  let startLine = 0; // of the element being read; 0: none is
  let parts: string[] = [];
  let length = 0;
  for await (const text of decodeText(unpacked(source, signal), name)) {
    let from = 0;
    for (let at = 0; at < text.length; at++) {
      const character = text[at]!;
      if (character === "\n") line++;
      if (inString) {
        if (escaped) escaped = false;
        else if (character === "\\") escaped = true;
        else if (character === '"') inString = false;
        continue;
      }
      if (character <= " ") continue; // JSON knows no other white space
      if (isOver) throw broken(name, `line ${line}`, "something follows the end of the array");
      if (depth === 0) {
        depth = 1; // the opening bracket: firstCharacter saw it
        from = at + 1;
        continue;
      }
      if (depth === 1 && (character === "," || character === "]")) {
        if (startLine > 0)
          yield jsonRow(`${name} item ${item} (line ${startLine})`, parts.join("") + text.slice(from, at));
        else if (character === "," || item > 1) throw broken(name, `line ${line}`, "an item is missing before it");
        item++;
        startLine = 0;
        parts = [];
        length = 0;
        from = at + 1;
        isOver = character === "]";
        continue;
      }
      if (startLine === 0) startLine = line;
      if (character === '"') inString = true;
      else if (character === "{" || character === "[") depth++;
      else if (character === "}" || character === "]") depth--;
      if (depth === 0) throw broken(name, `item ${item}`, "a bracket is closed that is not open");
    }
    parts.push(text.slice(from));
    length += text.length - from;
    if (length > LONGEST_LINE)
      throw broken(name, `item ${item}`, `it is longer than ${LONGEST_LINE / 1e6} million characters`);
  }
  if (!isOver) throw broken(name, `item ${item}`, "the file ends before the array does; it is cut off");
}

function broken(name: string, where: string, what: string): GraftError {
  return new GraftError("DATA_JSON", {
    thing: `${name} ${where}`,
    place: what,
    remedy: "Check the file, or write one object a line (.jsonl)",
  });
}
