export { analyseBaselines, type BaselinesResult, DRAWS } from "./baselines.ts";
export { analyseCorrelation, type CorrelationResult } from "./correlation.ts";
export { analyseEdges, type EdgesResult } from "./edges.ts";
export { ALL, type Experiment, type ExperimentName, experiments, type PaperOptions } from "./experiments.ts";
export { analysePlaces, type PlacesResult } from "./places.ts";
export { analyseRandom, chosenDraw, type RandomResult, type TestRun } from "./random.ts";
export type { Outcome, Verdict } from "./verdict.ts";
