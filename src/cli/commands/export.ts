import { realpath } from "node:fs/promises";
import * as z from "zod";
import { measureLatency, quantizeExport } from "../../artifact/index.ts";
import { writeModel } from "../../graph/index.node.ts";
import { exportModel, GraftError } from "../../node.ts";
import { describeGoal } from "../../tasks/index.ts";
import type { TunedModel } from "../../training/index.ts";
import { commonArgs, exportArgs, trainedArgs } from "../arguments.ts";
import { refuseWorseThanBase } from "../better-base.ts";
import { defineCommand } from "../define-command.ts";
import { describeLatency } from "../describe-latency.ts";
import { openTrainedModel } from "../open.ts";

export const exportCommand = defineCommand({
  args: {
    ...trainedArgs,
    out: z.string().min(1).default("model.onnx").meta({ description: "the ONNX file to write", value: "file.onnx" }),
    ...exportArgs,
    force: z.boolean().default(false).describe("export it even if the frozen model did better on validation"),
    ...commonArgs,
  },
  examples: ["graft export --model ./count --out count.onnx", "graft export --model ./count --out-dtype q8"],
  async run(context) {
    const { args, signal, print, note } = context;
    const model = await openTrainedModel(args, context);
    if (!args.force) await refuseWorseThanBase(args.model);
    await keepBackbone(model, args.out);
    const graph = exportModel(args.outDtype === "q8" ? quantizeExport(model) : model);
    await writeModel(graph, args.out);
    const { inputs, outputs } = graph;
    const latency = await measureLatency(model, { exported: graph, threads: args.threads, signal });
    const result = { out: args.out, inputs, outputs, goal: model.spec.goal, opset: graph.opsets.get(""), latency };
    print(
      result,
      () => `wrote ${args.out}: ${inputs.join(", ")} → ${outputs.join(", ")}, ${describeGoal(model.spec.goal)}`,
    );
    note(describeLatency(latency));
    if (args.outDtype === "q8") note("`graft evaluate --out-dtype q8` measures what int8 weights change");
  },
});

/** The backbone's file is needed to load the adapters again: an export may not replace it. */
async function keepBackbone({ backbone }: TunedModel, out: string): Promise<void> {
  const [source, target] = await Promise.all(
    [backbone.source, out].map((path) => realpath(path).catch(() => undefined)),
  );
  if (source === undefined || source !== target) return;
  throw new GraftError("OUT_EXISTS", {
    thing: `file ${out}`,
    place: "it is the frozen model that the adapters belong to",
    remedy: "Write to another file",
  });
}
