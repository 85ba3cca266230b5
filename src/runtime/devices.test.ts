import * as ort from "onnxruntime-node";
import { expect, test } from "vitest";
import { createBuilder, type Graph, tensorOf } from "../graph/index.ts";
import { createNodeRuntime, nodeRuntime } from "./node.ts";
import type { Ort } from "./ort-session.ts";
import { selfTest } from "./self-test.ts";
import type { Session } from "./session.ts";

const open = (graph: Graph) => nodeRuntime.open(graph, { threads: 1 });

/** A device whose outputs of one name are off by a share of 1 %. */
const wrongAt =
  (output: string) =>
  async (graph: Graph, device: string): Promise<Session> => {
    const session = await open(graph);
    if (device === "cpu") return session;
    return {
      ...session,
      async run(feeds) {
        const results = await session.run(feeds);
        const data = results[output]!.data as Float32Array;
        data[0]! += 0.01 * Math.max(...data.map(Math.abs));
        return results;
      },
    };
  };

test("a device that computes as the CPU does passes its self-test", async () => {
  const { difference, seconds } = await selfTest("webgpu", open);
  expect(difference).toBe(0);
  expect(seconds).toBeGreaterThan(0);
});

test.each(["loss", "gradient"])("a device whose %s is a hundredth off does not", async (output) => {
  await expect(selfTest("webgpu", wrongAt(output))).rejects.toMatchObject({
    code: "DEVICE_DIFFERS",
    message: expect.stringContaining(`${output} is off from the CPU's by 1.0e-2`),
  });
});

test("a device that fails says why, and how to do without it", async () => {
  const fails = async (graph: Graph, device: string) => {
    if (device !== "cpu") throw new Error("no adapter found");
    return open(graph);
  };
  await expect(selfTest("cuda", fails)).rejects.toMatchObject({
    code: "DEVICE_FAILED",
    message: expect.stringMatching(/^device cuda: .*no adapter found.* CUDA 12 .*leave --device out/),
  });
});

const graph = () => {
  const g = createBuilder();
  return g.toGraph([g.rename(g.exp(g.input("x", "float32", [1])), "y").name]);
};

test("a device that this build lacks is an error at the first session, never the CPU", async () => {
  const missing = process.platform === "darwin" ? "dml" : "coreml";
  const runtime = createNodeRuntime({ device: missing });
  await expect(runtime.open(graph())).rejects.toMatchObject({
    code: "DEVICE_MISSING",
    place: expect.stringMatching(/ has only cpu/),
  });
  // Sessions that tell types alone need no device.
  await (await runtime.open(graph(), { optimize: false })).release();
});

const cpuAlone: Ort = { ...(ort as unknown as Ort), listSupportedBackends: () => [{ name: "cpu" }] };

test("auto that comes to the CPU is the CPU in everything, and says so", async () => {
  const g = createBuilder();
  const weight = g.constant(tensorOf("float32", [2 ** 18, 64], new Float32Array(2 ** 24)), "weight");
  const wide = g.toGraph([g.rename(g.matmul(g.input("x", "float32", [1, 2 ** 18]), weight), "y").name]);
  const notes: string[] = [];
  const runtime = createNodeRuntime({ ort: cpuAlone, device: "auto", onNote: (text) => notes.push(text) });
  expect(runtime.sharedWeights(wide).size).toBe(0);
  expect(await runtime.settleDevice()).toBe("cpu");
  expect(runtime.sharedWeights(wide).size).toBe(1);
  expect(notes).toEqual([expect.stringMatching(/^device cpu, the fastest of those that pass/)]);
});

test("auto where no device passes is an error", async () => {
  const create = () => Promise.reject(new Error("out of order"));
  const broken: Ort = { ...cpuAlone, InferenceSession: { create } };
  const notes: string[] = [];
  const runtime = createNodeRuntime({ ort: broken, device: "auto", onNote: (text) => notes.push(text) });
  await expect(runtime.settleDevice()).rejects.toMatchObject({ code: "DEVICE_FAILED" });
  expect(notes).toEqual([expect.stringContaining("device cpu left out: ")]);
});
