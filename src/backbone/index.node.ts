export { readBackbone } from "./read-backbone.node.ts";
