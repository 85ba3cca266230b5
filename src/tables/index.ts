export { type ColumnNames, type Columns, type Example, findColumns } from "./columns.ts";
export type { ColumnRole, Role } from "./guess-columns.ts";
export { openTable, type TableFormat, type TableOptions } from "./open-table.ts";
export { memoryRecordStore, type RecordStore } from "./record-store.ts";
export { type ByteSource, blobSource } from "./source.ts";
export {
  type Cell,
  cellOf,
  type Dataset,
  type Feature,
  type Row,
  type SplitName,
  splitNames,
  type Table,
} from "./table.ts";
export { type TaskKind, taskKinds } from "./task-kind.ts";
