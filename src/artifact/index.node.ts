export {
  folderCheckpoint,
  isTrainedFolder,
  loadTrained,
  MODEL_FILE,
  readDescription,
  saveTrained,
} from "./trained-folder.node.ts";
