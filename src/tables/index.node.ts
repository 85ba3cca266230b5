export { type DatasetOptions, holdsTables, openDataset } from "./open-dataset.node.ts";
export { openRecordStore, type RecordStoreOptions } from "./record-store.node.ts";
