import { existsSync } from "node:fs";
import { join } from "node:path";
import { makeFolder, readFileChecked, writeFileAtomic } from "../base/index.node.ts";
import { GraftError } from "../node.ts";
import { type PaperReport, paperMarkdown, paperReport } from "../report/index.ts";
import { createStudyFile, openStudyFile } from "../study/index.node.ts";
import {
  checkBackbone,
  checkData,
  type ExperimentName,
  experiments,
  exportStudy,
  hasEnded,
  isComplete,
  newStudy,
  openStudyTask,
  type PaperOptions,
  plannedTrainings,
  type RestoredStudy,
  readStudyExport,
  runsCsv,
  type ScoredEdges,
  type StudyEnd,
  type StudyRecord,
  type StudySettings,
  scoreStudy,
  type TestRun,
  testChosen,
} from "../study/index.ts";
import type { Task } from "../tasks/index.ts";
import type { CommandContext } from "./define-command.ts";
import { appendLines, readLines } from "./lines-file.ts";
import { runStudyFile } from "./run-study-file.ts";
import { describeCost } from "./study-cost.ts";
import { openers } from "./study-openers.ts";

type Context = Pick<CommandContext<unknown>, "signal" | "note" | "line" | "onProgress">;

export interface PaperTask extends Omit<PaperOptions, "states"> {
  /** Folder of the study and of what comes of it. */
  readonly out: string;
  /** Export to go on with. */
  readonly from?: string;
  readonly queue?: string;
  /** Train nothing: show what there is. */
  readonly look: boolean;
  /** Trainings of the chosen draw that meet the test split. */
  readonly testSeeds?: number;
}

export interface PaperOutcome {
  /** Undefined where nothing was to be run. */
  readonly end: StudyEnd | undefined;
  readonly report: PaperReport;
  /** Trainings that are done, where the study is not. */
  readonly unfinished: string | undefined;
  readonly files: readonly string[];
}

/** Run an experiment of the paper, or go on with it, and write what comes of it, also where it is stopped on the way. */
export async function paperTask(name: ExperimentName, task: PaperTask, context: Context): Promise<PaperOutcome> {
  const file = join(task.out, "study.db");
  await prepare(name, task, file, context);
  if (task.look) return { end: undefined, ...(await writeResults(name, task.out)) };
  let end: StudyEnd;
  try {
    end = (await runStudyFile(file, task, context)).end;
    if (name === "random" && end === "complete") await meetTest(task, file, context);
    if (name === "scores" && end === "complete") await score(task, file, context);
  } catch (error) {
    await writeResults(name, task.out);
    throw error;
  }
  return { end, ...(await writeResults(name, task.out)) };
}

/** Make the study's file, of an export or anew, or see that the one that is there is the one asked for. */
async function prepare(name: ExperimentName, task: PaperTask, file: string, context: Context): Promise<void> {
  const { study, settings } = experiments[name];
  const isThere = existsSync(file);
  if (isThere && task.from !== undefined)
    throw new GraftError("OUT_EXISTS", {
      thing: `folder ${task.out}`,
      place: "it holds a study already, and --from would make one",
      remedy: "Leave --from out to go on with it, or give another --out",
    });
  if (!isThere && task.from === undefined) {
    if (task.look)
      throw new GraftError("FILE_MISSING", {
        thing: file,
        place: "there is no study yet to look at",
        remedy: "Leave --look out to make one and train it, or give the --out of one",
      });
    await makeFolder(task.out);
    const { signal, onProgress, note } = context;
    const { model = "builtin:vit", dtype } = task;
    const backbone = await openers.backbone({ model, dtype }, note);
    const wanted = settings({ ...task, states: backbone.states.length });
    const made = await newStudy(wanted, `paper-${study}`, openers, { signal, onProgress, onNote: note });
    note(describeCost(made));
    createStudyFile(file, made.record);
    return;
  }
  const restored = task.from === undefined ? undefined : await readExport(task.from);
  const { record } = restored ?? recordAndTrials(file);
  if (record.name !== `paper-${study}`)
    throw new GraftError("OTHER_STUDY", {
      thing: `study ${record.name}`,
      place: `it is not one of \`graft paper ${name}\`, which are called paper-${study}`,
      remedy: "Give another --out or --from",
    });
  checkAsked(task, record.settings, task.from ?? file);
  if (restored === undefined) return;
  await makeFolder(task.out);
  createStudyFile(file, record, restored.trials);
}

const readExport = async (path: string): Promise<RestoredStudy> =>
  readStudyExport(new TextDecoder().decode(await readFileChecked(path)), path);

/** What a study's file holds now. */
function recordAndTrials(file: string): RestoredStudy {
  const storage = openStudyFile(file);
  try {
    return { record: storage.study, trials: storage.trials() };
  } finally {
    storage.close();
  }
}

/** What flags set, as a study keeps it. */
const kept: { readonly [Key in keyof PaperOptions]?: (settings: StudySettings) => unknown } = {
  model: ({ model }) => model,
  dtype: ({ dtype }) => dtype,
  tasks: ({ tasks }) => tasks.join(","),
  trainSize: ({ trainSize }) => trainSize,
  measureSize: ({ measureSize }) => measureSize,
  seeds: ({ seeds }) => seeds,
  epochs: ({ training }) => training.epochs,
  rank: ({ space }) => space.rank,
  stride: ({ space }) => space.stride,
  draws: ({ trials }) => trials,
};

/** A study that is there keeps its settings: flags may say them again, not change them. */
function checkAsked(task: PaperTask, settings: StudySettings, file: string): void {
  for (const [key, read] of Object.entries(kept)) {
    const asked = task[key as keyof PaperTask];
    const [wanted, is] = [Array.isArray(asked) ? asked.join(",") : asked, read(settings)];
    if (wanted !== undefined && wanted !== is)
      throw new GraftError("STUDY_DIFFERS", {
        thing: `${key} ${wanted}`,
        place: `the study in ${file} has ${is ?? "the default"}`,
        remedy: "Leave it out to go on with that study, or give another --out",
      });
  }
}

/** A study's model and data, seen to be what it was made with. */
async function openAgain({ settings, backbone: made, data }: StudyRecord, note: Context["note"]) {
  const { model, dtype, trainSize, measureSize } = settings;
  const backbone = await openers.backbone({ model, dtype }, note);
  checkBackbone(backbone, model, made.hash);
  async function openTask(name: string, seed: number): Promise<Task> {
    const { task } = await openStudyTask(openers, backbone, { task: name, seed, trainSize, measureSize });
    const known = data[name]?.[seed];
    if (known !== undefined) await checkData(task, name, known); // seeds beyond the study's are new to it
    return task;
  }
  return { backbone, openTask };
}

/** Let the chosen draws meet the test split, and keep each training as it comes. */
async function meetTest({ out, testSeeds = 0 }: PaperTask, file: string, context: Context): Promise<void> {
  const { signal, onProgress, note } = context;
  const { record, trials } = recordAndTrials(file);
  const { backbone, openTask } = await openAgain(record, note);
  const tested = await readLines<TestRun>(join(out, TESTED));
  const study = { settings: record.settings, trials, tested };
  await testChosen(backbone, study, {
    seeds: testSeeds,
    signal,
    onProgress,
    openTask,
    async onRun(run) {
      await appendLines(join(out, TESTED), [run]);
      note(`${run.task}, seed ${run.seed}, ${run.method}: test ${run.test.toPrecision(4)}`);
    },
  });
}

/** Score the study's edges on each task and seed, and keep them as they come. */
async function score({ out }: PaperTask, file: string, { signal, onProgress, note }: Context): Promise<void> {
  const { record } = recordAndTrials(file);
  const { backbone, openTask } = await openAgain(record, note);
  const scored = await readLines<ScoredEdges>(join(out, SCORED));
  const study = { settings: record.settings, scored };
  await scoreStudy(backbone, study, {
    signal,
    onProgress,
    openTask,
    async onScored(scored) {
      await appendLines(join(out, SCORED), scored);
      note(`${scored[0]?.task}, seed ${scored[0]?.seed}: ${scored.length} scores of each edge`);
    },
  });
}

/** What comes beside a study's file. */
const [TESTED, SCORED] = ["test.jsonl", "scores.jsonl"];

async function writeResults(name: ExperimentName, out: string): Promise<Omit<PaperOutcome, "end">> {
  const { record, trials } = recordAndTrials(join(out, "study.db"));
  const isWhole = isComplete(record, trials);
  const report = paperReport(name, {
    settings: record.settings,
    trials,
    isComplete: isWhole,
    tested: await readLines<TestRun>(join(out, TESTED)),
    scored: await readLines<ScoredEdges>(join(out, SCORED)),
  });
  const data = [
    ["study", "study.jsonl"],
    ["CSV", "study.csv"],
    ...(report.csv === undefined ? [] : [[`${name} as CSV`, `${name}.csv`] as const]),
  ] as const;
  const page = paperMarkdown(name, { record, trials }, report, { data, picture: (picture) => `${picture}.svg` });
  const contents: readonly (readonly [string, string])[] = [
    ["study.jsonl", exportStudy({ study: record, trials: () => trials })],
    ["study.csv", runsCsv(trials)],
    [`${name}.md`, page],
    ...(report.csv === undefined ? [] : [[`${name}.csv`, report.csv] as const]),
    ...report.pictures.map(({ name: picture, svg }) => [`${picture}.svg`, svg] as const),
  ];
  for (const [path, content] of contents) await writeFileAtomic(join(out, path), content);
  const done = trials.flatMap(({ runs }) => runs.filter(hasEnded)).length;
  const unfinished = isWhole ? undefined : `${done} of ${plannedTrainings(record) ?? "?"} trainings`;
  return { report, unfinished, files: contents.map(([path]) => join(out, path)) };
}
