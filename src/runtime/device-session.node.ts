import type { InferenceSession } from "onnxruntime-common";
import type { Graph } from "../graph/index.ts";
import { type Device, type DeviceChoice, deviceError, devices } from "./devices.ts";
import { narrowSplits } from "./narrow-splits.ts";
import { type NodePlacement, profilePrefix, readPlacement } from "./node-placement.node.ts";
import { type Ort, openSession } from "./ort-session.ts";
import { type SelfTest, selfTest } from "./self-test.ts";
import type { Session, SessionOptions } from "./session.ts";

type Note = (text: string) => void;

/**
 * Settle which device sessions run on: the one asked for, once it passed its self-test, or the fastest that does.
 * @throws GraftError DEVICE_MISSING, DEVICE_FAILED, DEVICE_DIFFERS
 */
export async function settleDevice(ort: Ort, choice: DeviceChoice, base: BaseOptions, note: Note): Promise<Device> {
  if (choice !== "auto") {
    const { difference } = await runSelfTest(ort, choice, base);
    note(`device ${choice}: its self-test agrees with the CPU to ${difference.toExponential(1)}`);
    return choice;
  }
  const passed: (SelfTest & { device: Device })[] = [];
  for (const device of providersOf(ort)) {
    const result = await runSelfTest(ort, device, { ...base, logSeverityLevel: 4 }).catch((error: Error) => {
      note(`device ${device} left out: ${error.message}`);
    });
    if (result) passed.push({ device, ...result });
  }
  const [fastest] = passed.toSorted((a, b) => a.seconds - b.seconds);
  if (fastest === undefined) throw deviceError("DEVICE_FAILED", "cpu", "no device of this build passes its self-test");
  const times = passed.map(({ device, seconds }) => `${device} ${(1000 * seconds).toFixed(1)} ms`).join(", ");
  note(`device ${fastest.device}, the fastest of those that pass (a step of the self-test: ${times})`);
  return fastest.device;
}

/**
 * Test a device of this build.
 * @throws GraftError DEVICE_MISSING, DEVICE_FAILED, DEVICE_DIFFERS
 */
export async function runSelfTest(ort: Ort, device: Device, base: BaseOptions): Promise<SelfTest> {
  const known = providersOf(ort);
  if (!known.includes(device))
    throw deviceError(
      "DEVICE_MISSING",
      device,
      `this build of the runtime (${process.platform} ${process.arch}) has only ${known.join(", ")}`,
    );
  return selfTest(device, (graph, on) => openOn(on, ort, graph, base, undefined));
}

/** Devices that a build of the runtime knows; their libraries may be missing all the same. */
export function providersOf(ort: Ort): readonly Device[] {
  const names = ort.listSupportedBackends?.().map(({ name }) => name) ?? ["cpu"];
  return devices.filter((device) => names.includes(device));
}

/** What sessions of every device have in common. */
export type BaseOptions = InferenceSession.SessionOptions;

/**
 * Open a graph on a device. The runtime gives nodes that a device cannot do to the CPU without a word: here the first run
 * is profiled, and what ran where is told.
 */
export async function openOn(
  device: Device,
  ort: Ort,
  graph: Graph,
  base: BaseOptions,
  options: SessionOptions | undefined,
  onPlacement?: (placement: NodePlacement) => void,
): Promise<Session> {
  if (device === "cpu")
    return openSession(
      ort,
      graph,
      { options: { ...base, executionProviders: ["cpu"] }, writesOutputs: true, copiesOutputs: true },
      options,
    );
  const prefix = profilePrefix();
  const profiling = onPlacement && { enableProfiling: true, profileFilePrefix: prefix };
  const session = await openSession(
    ort,
    device === "webgpu" ? narrowSplits(graph) : graph,
    { options: { ...base, ...profiling, executionProviders: [device] }, writesOutputs: true },
    options,
  );
  if (onPlacement === undefined) return session;
  let isProfiled = true;
  const readOnce = () => {
    if (!isProfiled) return undefined;
    isProfiled = false;
    session.endProfiling();
    return readPlacement(prefix);
  };
  return {
    ...session,
    async run(feeds, fetches) {
      const results = await session.run(feeds, fetches);
      const placement = readOnce();
      if (placement) onPlacement(placement);
      return results;
    },
    async release() {
      readOnce();
      await session.release();
    },
  };
}

/** Where nodes ran, for people. */
export function describePlacement(device: Device, graph: Graph, { nodes, onCpu }: NodePlacement): string {
  const others = [...onCpu.values()].reduce((sum, count) => sum + count, 0);
  const list = [...onCpu].map(([op, count]) => `${count} ${op}`).join(", ");
  return `device ${device}: ${nodes - others} of ${nodes} nodes of graph "${graph.name}" run on it${others > 0 ? `, on the CPU ${list}` : ""}`;
}
