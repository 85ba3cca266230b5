export { type ImageFolderOptions, openImageFolder } from "./image-folder.node.ts";
export { openImages } from "./image-files.node.ts";
