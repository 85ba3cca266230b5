export { type CompareOptions, type ComparisonRow, type ComparisonRun, compare } from "./compare.ts";
