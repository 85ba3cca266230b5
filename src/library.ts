/** What both entries export: everything that does not depend on the platform. */
export type { ClassifierSpec, Edge, EdgeKind, PlacedEdge, Placement } from "./adapters/index.ts";
export { AdapterOptions, edgeKind, formatPlacement, parsePlacement } from "./adapters/index.ts";
export { decodeAdapters, encodeAdapters, exportModel, parseAdaptersDescription } from "./artifact/index.ts";
export { differentiate } from "./autodiff/index.ts";
export type { Backbone, BackboneOptions, ImageInput } from "./backbone/index.ts";
export { type ErrorDetails, GraftError, type LongCall, type Progress } from "./base/index.ts";
export { createBuilder, decodeModel, encodeModel, type Graph } from "./graph/index.ts";
export type { Ort, Runtime } from "./runtime/index.ts";
export { parseScores, type ScoreOptions, type Scores, scoreEdges } from "./scoring/index.ts";
export { gga, type Selection, select } from "./selection/index.ts";
export { type GeneratedTaskOptions, resizeTask, type Split, type Task, taskNames } from "./tasks/index.ts";
export {
  type Classifier,
  type Evaluation,
  evaluate,
  fitTaskHead,
  type Head,
  logitsOf,
  type TrainCall,
  type Trained,
  TrainOptions,
  train,
} from "./training/index.ts";
