export { createNodeRuntime, type NodeRuntimeOptions, nodeRuntime, nodeRuntimeFacts, testDevice } from "./node.ts";
export type { SelfTest } from "./self-test.ts";
