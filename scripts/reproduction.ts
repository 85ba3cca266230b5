/**
 * The page of what came of the paper's experiments: docs/reproduction.md between its markers, pictures in docs/images/paper/, a CSV of
 * the trainings beside each study, and one of the correlations of scores. Made from the studies that `graft paper` exported to docs/data/paper/:
 * `npx tsx scripts/reproduction.ts`, and the test beside it sees to it that the page is current.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { markdownTable, paperMarkdown, paperReport } from "../src/report/index.ts";
import {
  type ExperimentName,
  experiments,
  isComplete,
  type RestoredStudy,
  readStudyExport,
  runsCsv,
  type ScoredEdges,
  type TestRun,
} from "../src/study/index.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const PAGE = "docs/reproduction.md";
const [DATA, IMAGES] = ["docs/data/paper", "docs/images/paper"];
const [BEGIN, END] = ["<!-- results: begin (npx tsx scripts/reproduction.ts) -->", "<!-- results: end -->"];

/** A study that is kept: `<study>-<model>.jsonl`, and beside it perhaps `<study>-<model>-test.jsonl` and `-scores.jsonl`. */
interface Kept {
  readonly file: string;
  readonly experiments: readonly ExperimentName[];
  readonly study: RestoredStudy;
  readonly tested: readonly TestRun[];
  readonly scored: readonly ScoredEdges[];
}

/** Every file that is made, by its path from the root; the page is the whole page. */
export function reproductionFiles(): ReadonlyMap<string, string> {
  const kept = keptStudies();
  const files = new Map<string, string>();
  const [summary, sections]: [string[][], string[]] = [[], []];
  for (const { file, experiments: names, study, tested, scored } of kept) {
    files.set(`${DATA}/${file}.csv`, runsCsv(study.trials));
    for (const name of names) {
      const { record, trials } = study;
      const done = { settings: record.settings, trials, isComplete: isComplete(record, trials) };
      const report = paperReport(name, { ...done, tested, scored });
      const model = study.record.backbone.name;
      for (const { claim, outcome } of report.verdicts) summary.push([`${name}`, model, claim, `**${outcome}**`]);
      for (const { name: picture, svg } of report.pictures) files.set(`${IMAGES}/${file}-${picture}.svg`, svg);
      const csv = `data/paper/${file}-${name}.csv`;
      if (report.csv !== undefined) files.set(`docs/${csv}`, report.csv);
      sections.push(
        paperMarkdown(name, study, report, {
          data: [
            ["study", `data/paper/${file}.jsonl`],
            ["CSV", `data/paper/${file}.csv`],
            ...(report.csv === undefined ? [] : [[`${name} as CSV`, csv] as const]),
          ],
          picture: (picture) => `images/paper/${file}-${picture}.svg`,
        }),
      );
    }
  }
  const overview = markdownTable({
    columns: ["experiment", "model", "the paper's claim", "here"].map((title) => ({ title })),
    rows: summary,
  });
  const page = readFileSync(join(root, PAGE), "utf8");
  const [before, after] = [page.split(BEGIN)[0], page.split(END)[1]];
  files.set(PAGE, `${before}${BEGIN}\n\n${overview}\n${sections.join("\n")}\n${END}${after}`);
  return files;
}

/** Paths of files that are not as the data say, or that should not be there. */
export function staleFiles(files: ReadonlyMap<string, string>): readonly string[] {
  const there = existsSync(join(root, IMAGES))
    ? readdirSync(join(root, IMAGES)).map((name) => `${IMAGES}/${name}`)
    : [];
  const isCurrent = (path: string) =>
    existsSync(join(root, path)) && readFileSync(join(root, path), "utf8") === files.get(path);
  return [...new Set([...files.keys(), ...there])].filter((path) => !isCurrent(path));
}

function keptStudies(): readonly Kept[] {
  const names = readdirSync(join(root, DATA))
    .filter((name) => name.endsWith(".jsonl") && !/-(test|scores)\.jsonl$/.test(name))
    .sort();
  const kept = names.map((name): Kept => {
    const file = name.slice(0, -".jsonl".length);
    return {
      file,
      experiments: Object.values(experiments).flatMap(({ name, study }) =>
        study === file.split("-")[0] ? [name] : [],
      ),
      study: readStudyExport(readFileSync(join(root, DATA, name), "utf8"), name),
      tested: linesOf<TestRun>(`${file}-test.jsonl`),
      scored: linesOf<ScoredEdges>(`${file}-scores.jsonl`),
    };
  });
  const order = Object.values(experiments).map(({ study }): string => study);
  return kept.toSorted((a, b) => order.indexOf(a.file.split("-")[0]!) - order.indexOf(b.file.split("-")[0]!));
}

function linesOf<Line>(name: string): readonly Line[] {
  const path = join(root, DATA, name);
  const lines = existsSync(path) ? readFileSync(path, "utf8").split("\n") : [];
  return lines.filter((line) => line !== "").map((line) => JSON.parse(line) as Line);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  mkdirSync(join(root, IMAGES), { recursive: true });
  const files = reproductionFiles();
  for (const path of staleFiles(files)) {
    const content = files.get(path);
    if (content === undefined) rmSync(join(root, path));
    else writeFileSync(join(root, path), content);
    console.error(`${content === undefined ? "removed" : "wrote"} ${path}`);
  }
}
