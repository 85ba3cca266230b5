export { commandList } from "./command-list.ts";
export { runMain } from "./run-main.ts";
