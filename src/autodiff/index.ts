export { differentiate } from "./differentiate.ts";
export { quantizedRules, rules } from "./rules/index.ts";
