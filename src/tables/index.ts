export { type ColumnNames, type Columns, type Example, findColumns } from "./columns.ts";
export { type DatasetDescription, describeDataset } from "./describe.ts";
export type { Duplicates } from "./duplicates.ts";
export type { ColumnRole, Role } from "./guess-columns.ts";
export {
  type Labelled,
  type LabelledExample,
  type LabelledOptions,
  type LabelledSplit,
  openLabelled,
} from "./labelled.ts";
export { openTable, type TableFormat, type TableOptions } from "./open-table.ts";
export { readTexts, type TextColumns, type TextExample } from "./read-texts.ts";
export { type ByteSource, blobSource } from "./source.ts";
export type {
  Cell,
  Dataset,
  Feature,
  Row,
  SplitName,
  Table,
} from "./table.ts";
export { type TaskKind, taskKinds } from "./task-kind.ts";
