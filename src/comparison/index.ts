export { type CompareOptions, type ComparisonRow, type ComparisonRun, compare, STANDARD_ROWS } from "./compare.ts";
export { type Base, type BaseMeasure, measureBase } from "./measure-base.ts";
