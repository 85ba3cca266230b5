export { createNodeRuntime, type NodeRuntimeOptions, nodeRuntime, nodeRuntimeFacts } from "./node.ts";
