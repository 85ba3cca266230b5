export { checkBackbone, checkData } from "./check-same.ts";
export { entriesOf } from "./entries.ts";
export { type Factor, type FactorImportance, importance } from "./importance.ts";
export { type NewStudy, newStudy } from "./new-study.ts";
export * from "./paper/index.ts";
export { paretoFront } from "./pareto.ts";
export { readStudySettings } from "./read-settings.ts";
export { type Openers, openStudyTask, openTrainer, type TaskOptions, type Trainer } from "./run-one.ts";
export { plannedTrainings, type RunStudyOptions, runStudy, type StudyEnd } from "./run-study.ts";
export { type Objective, StudySettings } from "./settings.ts";
export { exportStudy, type RestoredStudy, readStudyExport, runsCsv, trialsCsv } from "./storage/export.ts";
export { memoryStorage } from "./storage/memory.ts";
export type { StudyRecord, StudyStorage } from "./storage/storage.ts";
export {
  type Candidate,
  hasEnded,
  type Run,
  type RunKey,
  type RunReport,
  type RunResult,
  type Trial,
  type TrialState,
  type TrialValues,
} from "./trial.ts";
export type { RunCall, RunRequest, Workers } from "./workers/workers.ts";
