export { type CheckMethodsOptions, checkMethods } from "./check-methods.ts";
export {
  type CompareMethodsOptions,
  type Comparison,
  type ComparisonRow,
  compareMethods,
  countJobs,
  jobKey,
  type RandomBand,
  type RunPlace,
} from "./compare-methods.ts";
export { type LocalRuns, type LocalRunsOptions, localRuns } from "./local-runs.ts";
export { type Base, type BaseMeasure, measureBase } from "./measure-base.ts";
export {
  methodTitle,
  parseMethods,
  parseReference,
  STANDARD_ROWS,
  USUAL_METHODS,
  withControls,
} from "./method-list.ts";
export {
  type Job,
  type MethodRun,
  NEIGHBOURS,
  type RunCall,
  type RunSettings,
  type RunWithModel,
} from "./method-run.ts";
