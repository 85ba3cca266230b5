export {
  claimFolder,
  folderCheckpoint,
  loadTrained,
  MODEL_FILE,
  readDescription,
  saveTrained,
  trainingIn,
} from "./trained-folder.node.ts";
