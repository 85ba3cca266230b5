export {
  type AdaptersDescription,
  decodeAdapters,
  encodeAdapters,
  parseAdaptersDescription,
} from "./adapters-file.ts";
export { exportModel } from "./export-model.ts";
export { modelCard, type TrainingInfo } from "./model-card.ts";
export { type OwnFiles, pipelineFiles } from "./pipeline-files.ts";
export { pipelineGraph } from "./pipeline-graph.ts";
export { pipelineTask, type UsageOptions, usageLines } from "./usage.ts";
