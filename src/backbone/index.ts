export type { Backbone, ImageInput } from "./backbone.ts";
export { type Description, type InspectJson, type InspectOptions, inspectGraph } from "./inspect.ts";
export { type BackboneOptions, openGraph } from "./open-backbone.ts";
export { traceBackbone } from "./trace-backbone.ts";
export { authorVit, type VitConfig } from "./vit.ts";
