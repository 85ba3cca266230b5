export { type DatasetOptions, holdsTables, openDataset } from "./open-dataset.node.ts";
