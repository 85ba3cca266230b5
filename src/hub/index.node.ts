export { cachedModels } from "./cache.node.ts";
export { type FetchedModel, type FetchOptions, fetchModel } from "./fetch-model.node.ts";
export { type HubSettings, hubSettings } from "./settings.node.ts";
