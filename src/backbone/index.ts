export { type AuthorOptions, authoredType, authorFromSafetensors } from "./authored/index.ts";
export type { Backbone, ImageInput, ModelInput, TextInput } from "./backbone.ts";
export type { FrozenProduct } from "./find-products.ts";
export { type Description, type InspectJson, type InspectOptions, inspectGraph } from "./inspect.ts";
export { type BackboneOptions, openGraph } from "./open-backbone.ts";
export { type SubLayerFlops, subLayerFlops } from "./sub-layer-flops.ts";
export { inputShapes, type TraceSizes, textInputNames, traceBackbone } from "./trace-backbone.ts";
export { authorVit, type VitConfig } from "./vit.ts";
