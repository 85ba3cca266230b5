export { readTokenizer } from "./read-tokenizer.node.ts";
