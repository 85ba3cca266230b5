import { inspectModel } from "../../node.ts";
import { commonArgs, modelArgs } from "../arguments.ts";
import { defineCommand } from "../define-command.ts";

export const inspect = defineCommand({
  args: { model: modelArgs.model, dtype: modelArgs.dtype, ...commonArgs },
  positionals: ["model"],
  examples: ["graft inspect", "graft inspect ./model.onnx --json"],
  async run({ args, signal, onProgress, print }) {
    const { json, text } = await inspectModel(args.model, { dtype: args.dtype, signal, onProgress });
    print(json, () => text);
  },
});
