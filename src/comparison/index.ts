export { type CompareOptions, type ComparisonRow, type ComparisonRun, compare, STANDARD_ROWS } from "./compare.ts";
