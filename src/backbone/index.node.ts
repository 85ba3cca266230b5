export { readBackbone } from "./read-backbone.node.ts";
export { readTextSettings, type TextSettings } from "./read-text-settings.node.ts";
