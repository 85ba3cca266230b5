export {
  type AdaptersDescription,
  decodeAdapters,
  encodeAdapters,
  parseAdaptersDescription,
} from "./adapters-file.ts";
export { exportModel } from "./export-model.ts";
export { type Latency, type LatencyOptions, measureLatency } from "./latency.ts";
export { measureQuantized, type Quantized } from "./measure-quantized.ts";
export type { TrainingInfo } from "./model-card.ts";
export type { OwnFiles } from "./pipeline-files.ts";
export { checkQuantizable, type ExportDtype, quantizeExport } from "./quantize-export.ts";
export { type UsageOptions, usageLines } from "./usage.ts";
