export {
  type AdaptersDescription,
  decodeAdapters,
  encodeAdapters,
  parseAdaptersDescription,
} from "./adapters-file.ts";
export { exportModel } from "./export-model.ts";
export type { TrainingInfo } from "./model-card.ts";
export type { OwnFiles } from "./pipeline-files.ts";
export { type UsageOptions, usageLines } from "./usage.ts";
