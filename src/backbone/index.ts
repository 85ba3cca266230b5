export { authorVit, type VitConfig } from "./vit.ts";
