import * as z from "zod";
import { writeModel } from "../../graph/index.node.ts";
import { exportModel } from "../../node.ts";
import { commonArgs, modelArgs } from "../arguments.ts";
import { defineCommand } from "../define-command.ts";
import { openTrainedModel } from "../open.ts";

export const exportCommand = defineCommand({
  args: {
    ...modelArgs,
    out: z.string().default("model.onnx").meta({ description: "the ONNX file to write", value: "file.onnx" }),
    ...commonArgs,
  },
  examples: ["graft export --model ./count --out count.onnx"],
  async run(context) {
    const { args, print } = context;
    const model = await openTrainedModel(args, context);
    const graph = exportModel(model);
    await writeModel(graph, args.out);
    const { inputs, outputs } = graph;
    const result = { out: args.out, inputs, outputs, classes: model.spec.classes, opset: graph.opsets.get("") };
    print(
      result,
      () => `wrote ${args.out}: ${inputs.join(", ")} → ${outputs.join(", ")} over ${model.spec.classes.length} classes`,
    );
  },
});
