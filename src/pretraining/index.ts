export { createPretrainingData } from "./data.ts";
export { measureBackbone } from "./measure.ts";
export { modelCard } from "./model-card.ts";
export { type CurvePoint, EMBEDDED_VIT, type PretrainingSettings, pretrain, pretrainingStepGraph } from "./pretrain.ts";
