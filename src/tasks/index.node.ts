export { type ImageFolderOptions, openImageFolder } from "./image-folder.node.ts";
