import * as z from "zod";
import { GraftError } from "../../base/index.ts";
import { StudySettings } from "../settings.ts";
import type { Run, Trial } from "../trial.ts";
import type { StudyRecord, StudyStorage } from "./storage.ts";

/** A study read from text: what it is about, and all its trials. */
export interface RestoredStudy {
  readonly record: StudyRecord;
  readonly trials: readonly Trial[];
}

/** A study as JSON lines: the record, then a trial a line. `readStudyExport` reads it back, runs under way as waiting. */
export function exportStudy({ study, trials }: Pick<StudyStorage, "study" | "trials">): string {
  const lines = [{ schema: 1, ...study }, ...trials()];
  return lines.map((line) => `${JSON.stringify(line)}\n`).join("");
}

/** JSON has null for what is no number. */
const figure = z
  .number()
  .nullable()
  .transform((x) => x ?? Number.NaN);
const evaluation = z.object({ loss: figure, value: figure });
const state = z.enum(["waiting", "running", "complete", "pruned", "failed"]);
const runSchema = z.object({
  task: z.string(),
  trial: z.int().min(0),
  seed: z.int().min(0),
  state,
  attempts: z.int().min(0),
  reports: z.array(evaluation.extend({ epoch: z.int().min(1) })),
  result: z
    .object({
      validation: evaluation,
      measured: evaluation,
      bestEpoch: z.int().min(0),
      trainableParameters: z.int().min(0),
      seconds: z.number(),
      peakMemoryBytes: z.number().optional(),
      latency: z.object({ model: z.number(), base: z.number() }).optional(),
    })
    .optional(),
  worker: z.string().optional(),
  error: z.string().optional(),
  log: z.array(z.string()),
  startedAt: z.number().optional(),
  endedAt: z.number().optional(),
});
const trialSchema = z.object({
  task: z.string(),
  number: z.int().min(0),
  candidate: z.object({
    method: z.string(),
    learningRate: z.number().optional(),
    initScale: z.number().optional(),
  }),
  origin: z.string(),
  state,
  runs: z.array(runSchema),
  values: z.object({ metric: figure, parameters: z.number(), latency: z.number().optional() }).optional(),
});
const recordSchema = z.object({
  schema: z.literal(1),
  name: z.string(),
  settings: z.unknown(),
  backbone: z.object({ name: z.string(), hash: z.string(), states: z.int().min(1) }),
  data: z.record(z.string(), z.array(z.string())),
  metrics: z.record(z.string(), z.string()),
  createdAt: z.number(),
  secondsEach: z.number().optional(),
});

/**
 * Read what `exportStudy` wrote.
 * @param place  what errors call it: a file
 * @throws GraftError BAD_EXPORT with the line
 */
export function readStudyExport(text: string, place = "the export"): RestoredStudy {
  const lines = text.split("\n").filter((line) => line.trim() !== "");
  const { schema: _, settings, ...record } = readLine(recordSchema, lines[0] ?? "", place, 1);
  const trials = lines.slice(1).map((line, k) => readLine(trialSchema, line, place, k + 2));
  const parsed = StudySettings.safeParse(settings);
  if (!parsed.success) throw bad(place, 1, z.prettifyError(parsed.error).split("\n")[0]!);
  checkNumbers(trials, parsed.data, place);
  return { record: { ...record, settings: parsed.data }, trials: trials.map(atRest) };
}

/** A trial is found by its number, a run by its seed: none may be missing. */
function checkNumbers(trials: readonly Trial[], { tasks, seeds }: StudySettings, place: string): void {
  const next = new Map(tasks.map((task) => [task, 0]));
  for (const [k, { task, number, runs }] of trials.entries()) {
    const expected = next.get(task);
    if (expected === undefined) throw bad(place, k + 2, `the study has no task "${task}"`);
    if (number !== expected) throw bad(place, k + 2, `trial ${number} of ${task} stands where ${expected} should`);
    const isWhole =
      runs.length === seeds &&
      runs.every((run, seed) => run.seed === seed && run.trial === number && run.task === task);
    if (!isWhole) throw bad(place, k + 2, `trial ${number} of ${task} has not one run for each of ${seeds} seeds`);
    next.set(task, number + 1);
  }
}

/** Nobody runs what was under way when it was written. */
const atRest = (trial: Trial): Trial => ({
  ...trial,
  state: trial.state === "running" ? "waiting" : trial.state,
  runs: trial.runs.map((run) => (run.state === "running" ? { ...run, state: "waiting", reports: [] } : run)),
});

function readLine<T>(schema: z.ZodType<T>, line: string, place: string, number: number): T {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    throw bad(place, number, "no JSON");
  }
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const { path, message } = parsed.error.issues[0]!;
  throw bad(place, number, `${path.join(".") || "the line"}: ${message}`);
}

const bad = (place: string, line: number, what: string): GraftError =>
  new GraftError("BAD_EXPORT", {
    thing: `${place}:${line}`,
    place: what,
    remedy: "Give a file that `graft study export --jsonl` wrote",
  });

/** A line for each training: what was tried and what came out. */
export function runsCsv(trials: readonly Trial[]): string {
  const head =
    "task,trial,origin,method,learning_rate,init_scale,seed,state,attempts,validation,validation_loss,measured,measured_loss,best_epoch,parameters,seconds,peak_memory_bytes,latency_ms,base_latency_ms,error";
  const lines = trials.flatMap((trial) => trial.runs.map((run) => csvLine(runCells(trial, run))));
  return [head, ...lines, ""].join("\n");
}

type Cell = string | number | undefined;

const runCells = ({ candidate, origin }: Trial, { result, ...run }: Run): readonly Cell[] => [
  run.task,
  run.trial,
  origin,
  candidate.method,
  candidate.learningRate,
  candidate.initScale,
  run.seed,
  run.state,
  run.attempts,
  result?.validation.value,
  result?.validation.loss,
  result?.measured.value,
  result?.measured.loss,
  result?.bestEpoch,
  result?.trainableParameters,
  result?.seconds,
  result?.peakMemoryBytes,
  result?.latency?.model,
  result?.latency?.base,
  run.error,
];

/** A line for each trial: means over its runs. */
export function trialsCsv(trials: readonly Trial[]): string {
  const head = "task,trial,origin,method,learning_rate,init_scale,state,runs,metric,parameters,latency";
  const lines = trials.map(({ task, number, origin, candidate, state, runs, values }) =>
    csvLine([
      task,
      number,
      origin,
      candidate.method,
      candidate.learningRate,
      candidate.initScale,
      state,
      runs.filter((run) => run.state === "complete").length,
      values?.metric,
      values?.parameters,
      values?.latency,
    ]),
  );
  return [head, ...lines, ""].join("\n");
}

export const csvLine = (cells: readonly Cell[]): string => cells.map(csvCell).join(",");

function csvCell(cell: Cell): string {
  const text = cell === undefined ? "" : String(cell);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
