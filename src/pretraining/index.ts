export { createPretrainingData, type PretrainingData, type PretrainingDataOptions } from "./data.ts";
