export {
  claimFolder,
  fileCheckpoint,
  folderCheckpoint,
  keepBackbone,
  loadTrained,
  MODEL_FILE,
  modelBytes,
  readDescription,
  saveTrained,
  trainingIn,
} from "./trained-folder.node.ts";
