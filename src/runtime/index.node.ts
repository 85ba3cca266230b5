export { createNodeRuntime, nodeRuntime, nodeRuntimeFacts } from "./node.ts";
