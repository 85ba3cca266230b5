export {
  type Chunks,
  fileError,
  makeFolder,
  readFileChecked,
  type StagedFile,
  stageFile,
  writeFileAtomic,
} from "./files.node.ts";
export { openRecordStore, type RecordStoreOptions } from "./record-store.node.ts";
