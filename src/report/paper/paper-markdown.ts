import { median } from "../../base/index.ts";
import { type ExperimentName, experiments, plannedTrainings, type RestoredStudy } from "../../study/index.ts";
import { markdownTable } from "../table.ts";
import { fileName, type PaperReport } from "./paper-report.ts";

export interface PaperMarkdownOptions {
  /** Files with everything, to be linked to: title and path. */
  readonly data: readonly (readonly [title: string, path: string])[];
  /** Where a picture lies, by its name. */
  readonly picture: (name: string) => string;
}

/** An experiment as markdown: what was run, when and how long, each claim with its outcome, tables and pictures. */
export function paperMarkdown(
  name: ExperimentName,
  { record, trials }: RestoredStudy,
  { verdicts, tables, pictures }: PaperReport,
  { data, picture }: PaperMarkdownOptions,
): string {
  const links = data.map(([title, path]) => `[${title}](${path})`).join(", ");
  return [
    `### \`graft paper ${name}\` on ${record.backbone.name}`,
    "",
    `${capital(experiments[name].summary)}. ${facts({ record, trials }).join("; ")}. Data: ${links}.`,
    "",
    ...verdicts.map(
      ({ claim, outcome, rule, because }) => `- **${capital(outcome)}**: ${claim}.\n  ${because}.\n  *Rule*: ${rule}.`,
    ),
    "",
    ...tables
      .filter(({ table }) => table.rows.length > 0)
      .flatMap(({ title, table }) => [`${title}:`, "", markdownTable(table)]),
    ...pictures.map(({ name: file, title }) => `![${title}](${picture(file)})\n`),
  ].join("\n");
}

function facts({ record, trials }: RestoredStudy): readonly string[] {
  const { settings } = record;
  const done = trials.flatMap(({ runs }) => runs).filter(({ result }) => result !== undefined);
  const seconds = done.map(({ result }) => result!.seconds);
  const days = [...new Set(done.flatMap(({ endedAt }) => (endedAt === undefined ? [] : day(endedAt))))].sort();
  const hours = seconds.reduce((sum, each) => sum + each, 0) / 3600;
  return [
    `${done.length} of ${plannedTrainings(record) ?? "?"} trainings`,
    `tasks ${settings.tasks.map(fileName).join(", ")}`,
    `${settings.seeds} ${settings.seeds === 1 ? "seed" : "seeds"}`,
    ...(days.length === 0 ? [] : [days.length === 1 ? days[0]! : `${days[0]} to ${days.at(-1)}`]),
    ...(done.length === 0
      ? []
      : [`${hours.toFixed(1)} hours of training, ${median(seconds).toFixed(0)} s each (median)`]),
  ];
}

const day = (milliseconds: number) => new Date(milliseconds).toISOString().slice(0, 10);
const capital = (text: string) => text.charAt(0).toUpperCase() + text.slice(1);
