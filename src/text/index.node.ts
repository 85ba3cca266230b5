export { readTokenizer, readTokenizerFiles } from "./read-tokenizer.node.ts";
