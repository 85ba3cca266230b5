export { createPretrainingData } from "./data.ts";
export { measureBackbone } from "./measure.ts";
export { modelCard } from "./model-card.ts";
export { PHASES } from "./phases.ts";
export {
  type CurvePoint,
  netOf,
  type PretrainingSettings,
  pretrain,
  pretrainingStepGraph,
} from "./pretrain.ts";
