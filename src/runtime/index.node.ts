export { createNodeRuntime, nodeRuntime } from "./node.ts";
