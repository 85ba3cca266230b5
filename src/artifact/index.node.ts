export {
  claimFolder,
  folderCheckpoint,
  keepBackbone,
  loadTrained,
  MODEL_FILE,
  readDescription,
  saveTrained,
  trainingIn,
} from "./trained-folder.node.ts";
