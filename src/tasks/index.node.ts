export { openImages } from "./image-files.node.ts";
export { type ImageFolderOptions, type ImageFolderTask, openImageFolder } from "./image-folder.node.ts";
export {
  type DataOptions,
  describeRows,
  isImageFolder,
  type ModelNeeds,
  openRowsTask,
} from "./open-data.node.ts";
