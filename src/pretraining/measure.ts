import { authorVit, type Backbone, openGraph } from "../backbone/index.ts";
import type { LongCall } from "../base/index.ts";
import { compareMethods, localRuns } from "../comparison/index.ts";
import type { Graph } from "../graph/index.ts";
import type { Runtime } from "../runtime/index.ts";
import { openGeneratedTask, taskNames } from "../tasks/index.ts";
import { EMBEDDED_VIT } from "./pretrain.ts";

/** Test accuracy of frozen features (linear head) and of an adapter in every sub-layer, on one net. */
export interface Measurement {
  readonly task: string;
  readonly net: "pre-trained" | "random weights";
  readonly seed: number;
  readonly linearHead: number;
  readonly adapters: number;
  readonly epochs: number;
}

export interface MeasureOptions extends LongCall {
  readonly seed?: number;
  readonly epochs?: number;
  readonly threads?: number;
  readonly tasks?: readonly string[];
  readonly onMeasurement?: (measurement: Measurement) => void;
}

/** How much pre-training helps: every generated task on the net and on the same net with its random start. */
export async function measureBackbone(
  net: Graph,
  runtime: Runtime,
  options: MeasureOptions = {},
): Promise<Measurement[]> {
  const { seed = 0, epochs = 4, threads, tasks = taskNames, signal, onProgress, onMeasurement } = options;
  const nets: [Measurement["net"], Backbone][] = [
    ["pre-trained", await openGraph(net, runtime)],
    ["random weights", await openGraph(authorVit(EMBEDDED_VIT, 1), runtime)],
  ];
  const measurements: Measurement[] = [];
  for (const name of tasks) {
    const task = openGeneratedTask(name, { seed });
    for (const [kind, backbone] of nets) {
      const run = localRuns(backbone, () => task, { options: { epochs, threads }, signal, onProgress });
      const { rows } = await compareMethods({
        methods: ["none", "all:parallel@r8"],
        reference: "none",
        seeds: [seed],
        run,
      });
      await run.close();
      const [head, adapters] = rows;
      const measurement = { task: name, net: kind, seed, linearHead: head!.test, adapters: adapters!.test, epochs };
      measurements.push(measurement);
      onMeasurement?.(measurement);
    }
  }
  return measurements;
}
