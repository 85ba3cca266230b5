export { analyseExperiment, type PaperResults, type PaperStudy } from "./analyse.ts";
export type { BaselinesResult } from "./baselines.ts";
export type { CorrelationResult } from "./correlation.ts";
export type { EdgesResult } from "./edges.ts";
export { type ExperimentName, everyPlaceOf, experiments, type PaperOptions } from "./experiments.ts";
export type { PlacesResult } from "./places.ts";
export type { RandomResult, TestRun } from "./random.ts";
export { type TestChosenOptions, testChosen } from "./test-chosen.ts";
export type { Outcome, Verdict } from "./verdict.ts";
