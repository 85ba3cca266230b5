export { differentiate } from "./differentiate.ts";
export { rules } from "./rules/index.ts";
