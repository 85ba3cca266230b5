export { openImages } from "./image-files.node.ts";
export { type ImageFolderOptions, openImageFolder } from "./image-folder.node.ts";
