/**
 * Write real texts as data set folders for studies on a text encoder: `npx tsx bench/text-folders.ts --out DIR`. Glosses of WordNet's
 * nouns by class and spam among mails, 1,100 rows to train, 1,100 to validate, 500 to test; mails cut to 200 characters.
 */
import { mkdirSync } from "node:fs";
import { parseArgs } from "node:util";
import { textData, writeTextFolder } from "./text-data.ts";

const { values } = parseArgs({ options: { out: { type: "string" } } });
if (!values.out) throw new Error("where to? --out DIR");
mkdirSync(values.out, { recursive: true });
for (const name of Object.keys(textData))
  console.log(writeTextFolder(name, values.out, { train: 1100, validation: 1100, test: 500 }, 200));
