export { type DifferentiateOptions, differentiate } from "./differentiate.ts";
export { quantizedRules, rules } from "./rules/index.ts";
