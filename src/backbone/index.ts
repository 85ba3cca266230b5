export type { Backbone, ImageInput } from "./backbone.ts";
export { traceBackbone } from "./trace-backbone.ts";
export { authorVit, type VitConfig } from "./vit.ts";
