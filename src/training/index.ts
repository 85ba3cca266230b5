export { type AdamWOptions, appendAdamW } from "./adamw.ts";
export { warmupCosine } from "./schedule.ts";
export { buildStepGraph, type StepGraph } from "./step-graph.ts";
export { initialState, type OptimizerState, openStepper, type Stepper, type StepResult } from "./stepper.ts";
