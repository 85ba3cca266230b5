import { plannedTrainings } from "../run-study.ts";
import type { StudySettings } from "../settings.ts";
import type { StudyRecord } from "../storage/storage.ts";
import { hasEnded, type Trial } from "../trial.ts";
import { analyseBaselines, type BaselinesResult } from "./baselines.ts";
import { analyseCorrelation, type CorrelationResult } from "./correlation.ts";
import { analyseEdges, type EdgesResult } from "./edges.ts";
import { type ExperimentName, everyPlaceOf } from "./experiments.ts";
import { analysePlaces, type PlacesResult } from "./places.ts";
import { analyseRandom, type RandomResult, type TestRun } from "./random.ts";
import { analyseScores, type ScoredEdges, type ScoresResult } from "./scores.ts";
import type { Verdict } from "./verdict.ts";

/** Results under their experiments' names. */
export interface PaperResults extends Record<ExperimentName, { readonly verdicts: readonly Verdict[] }> {
  readonly places: PlacesResult;
  readonly edges: EdgesResult;
  readonly correlation: CorrelationResult;
  readonly random: RandomResult;
  readonly baselines: BaselinesResult;
  readonly scores: ScoresResult;
}

/** A study as far as it has come. */
export interface PaperStudy {
  readonly settings: StudySettings;
  /** Whether all its trainings have ended: until then every claim is unclear. */
  readonly isComplete: boolean;
  readonly trials: readonly Trial[];
  /** Trainings of `random` that met the test split. */
  readonly tested?: readonly TestRun[];
  /** What scores say of the edges of `scores`. */
  readonly scored?: readonly ScoredEdges[];
}

const analyses: {
  readonly [Name in ExperimentName]: (
    trials: readonly Trial[],
    tasks: readonly string[],
    all: string,
    beside: Pick<PaperStudy, "tested" | "scored">,
  ) => PaperResults[Name];
} = {
  places: analysePlaces,
  edges: analyseEdges,
  correlation: (trials, tasks, all) => analyseCorrelation(trials, tasks, all),
  random: (trials, tasks, all, { tested }) => analyseRandom(trials, tasks, all, tested),
  baselines: analyseBaselines,
  scores: (trials, tasks, all, { scored }) => analyseScores(trials, tasks, all, scored),
};

/** What an experiment of the paper comes to with the trials that its study has. */
export function analyseExperiment<Name extends ExperimentName>(
  name: Name,
  { settings, trials, isComplete, ...beside }: PaperStudy,
): PaperResults[Name] {
  const result = analyses[name](trials, settings.tasks, everyPlaceOf(settings), beside);
  // Rules were set before the numbers; looking until one holds would be another rule.
  const verdicts = result.verdicts.map(
    (verdict): Verdict => (isComplete ? verdict : { ...verdict, outcome: "unclear" }),
  );
  return { ...result, verdicts };
}

/** Whether all trainings that a study will have are there and have ended. */
export function isComplete(study: StudyRecord, trials: readonly Trial[]): boolean {
  const ended = trials.flatMap(({ runs }) => runs).filter(hasEnded);
  return ended.length >= (plannedTrainings(study) ?? Number.POSITIVE_INFINITY);
}
