import type { StudySettings } from "../settings.ts";
import type { Trial } from "../trial.ts";
import { analyseBaselines, type BaselinesResult } from "./baselines.ts";
import { analyseCorrelation, type CorrelationResult } from "./correlation.ts";
import { analyseEdges, type EdgesResult } from "./edges.ts";
import { type ExperimentName, everyPlaceOf } from "./experiments.ts";
import { analysePlaces, type PlacesResult } from "./places.ts";
import { analyseRandom, type RandomResult, type TestRun } from "./random.ts";

/** Results under their experiments' names. */
export interface PaperResults extends Record<ExperimentName, unknown> {
  readonly places: PlacesResult;
  readonly edges: EdgesResult;
  readonly correlation: CorrelationResult;
  readonly random: RandomResult;
  readonly baselines: BaselinesResult;
}

/** A study as far as it has come. */
export interface PaperStudy {
  readonly settings: StudySettings;
  readonly trials: readonly Trial[];
  /** Trainings of `random` that met the test split. */
  readonly tested?: readonly TestRun[];
}

const analyses: {
  readonly [Name in ExperimentName]: (
    trials: readonly Trial[],
    tasks: readonly string[],
    all: string,
    tested: readonly TestRun[] | undefined,
  ) => PaperResults[Name];
} = {
  places: analysePlaces,
  edges: analyseEdges,
  correlation: (trials, tasks, all) => analyseCorrelation(trials, tasks, all),
  random: analyseRandom,
  baselines: analyseBaselines,
};

/** What an experiment of the paper comes to with the trials that its study has. */
export function analyseExperiment<Name extends ExperimentName>(
  name: Name,
  { settings, trials, tested }: PaperStudy,
): PaperResults[Name] {
  return analyses[name](trials, settings.tasks, everyPlaceOf(settings), tested);
}
