/** What both entries export: everything that does not depend on the platform, and the types their signatures mention. */
export type { Edge, EdgeKind, PlacedEdge, Placement, PlacementEntry } from "./adapters/index.ts";
export { AdapterOptions, edgeKind, formatPlacement, parsePlacement } from "./adapters/index.ts";
export {
  type AdaptersDescription,
  decodeAdapters,
  encodeAdapters,
  exportModel,
  type Latency,
  type LatencyOptions,
  measureLatency,
  parseAdaptersDescription,
} from "./artifact/index.ts";
export { differentiate } from "./autodiff/index.ts";
export type { Backbone, BackboneOptions, ImageInput, ModelInput, TextInput } from "./backbone/index.ts";
export { type ErrorDetails, GraftError, type LongCall, type PairedDifference, type Progress } from "./base/index.ts";
export {
  type CompareMethodsOptions,
  type Comparison,
  type ComparisonRow,
  compareMethods,
  type Job,
  type LocalRuns,
  type LocalRunsOptions,
  localRuns,
  type MethodRun,
  type RunSettings,
  type RunWithModel,
} from "./comparison/index.ts";
export {
  type Attribute,
  type Attributes,
  type Builder,
  createBuilder,
  type DataType,
  type DecodeOptions,
  type Dim,
  decodeModel,
  type EncodedModel,
  type EncodeOptions,
  type ExternalEntry,
  type ExternalSource,
  encodeModel,
  type FindExternal,
  type Graph,
  type Node,
  type Shape,
  type Tensor,
  type Value,
  type ValueType,
} from "./graph/index.ts";
export { describeMethod, type Method, methodOf, type TunedSpec } from "./methods/index.ts";
export { type Evaluation, metricName, type Pooling } from "./objective/index.ts";
export type { HostArray, HostTensor, Ort, Runtime, Session, SessionOptions } from "./runtime/index.ts";
export {
  type Confidence,
  describeScores,
  type EdgeScores,
  type ParsedScores,
  parseScores,
  type ScoreName,
  type ScoreOptions,
  type Scores,
  scoreEdges,
  scoreEdgesBy,
} from "./scoring/index.ts";
export {
  type Budget,
  gga,
  type Limits,
  type MethodSpec,
  openBudget,
  type PlacementCost,
  parseMethod,
  type SelectedEdge,
  type SelectedMethod,
  type Selection,
  type SelectMethodOptions,
  type SelectOptions,
  type SelectorSpec,
  select,
  selectMethod,
  type Ties,
} from "./selection/index.ts";
export {
  type Augmentation,
  type ClassifyGoal,
  fitImage,
  type GeneratedTaskOptions,
  type Goal,
  type ImageSize,
  type ImageSplit,
  type ImageTarget,
  type ImageTask,
  outputNames,
  type Resize,
  resizeTask,
  type Split,
  type Targets,
  type Task,
  type TextSplit,
  taskNames,
} from "./tasks/index.ts";
export {
  type CheckpointStore,
  type EpochRecord,
  type EvaluateOptions,
  evaluate,
  fitTaskHead,
  type Head,
  outputsOf,
  type TrainCall,
  type Trained,
  TrainOptions,
  type TrainSettings,
  type TunedModel,
  train,
} from "./training/index.ts";
