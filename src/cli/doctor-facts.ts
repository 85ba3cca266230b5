import { execFile } from "node:child_process";
import { access, constants, readdir, readFile, realpath, stat, statfs } from "node:fs/promises";
import { createRequire } from "node:module";
import { availableParallelism, totalmem } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import packageJson from "../../package.json" with { type: "json" };
import { cachedModels, hubSettings } from "../hub/index.node.ts";
import { HEAD_ALONE } from "../methods/index.ts";
import { openBackbone, openTask, outputsOf } from "../node.ts";
import { int8Limit } from "../precision/index.ts";
import { nodeRuntime, nodeRuntimeFacts, type SelfTest, testDevice } from "../runtime/index.node.ts";
import { type Device, devices } from "../runtime/index.ts";
import { isBuilt, program } from "./worker-host.ts";

/** What a question to the machine came to; a failure keeps its reason. */
export type Answer<Value> = { readonly value: Value } | { readonly fault: string };

/** What `graft doctor` knows of the machine it runs on. Sizes in bytes. */
export interface Facts {
  readonly graft: string;
  readonly node: string;
  readonly platform: string;
  /** Version, and the providers this build of it can use. */
  readonly runtime: Answer<{ readonly version: string; readonly providers: readonly string[] }>;
  /** Self-tests of the devices this build knows beside the CPU. */
  readonly devices: readonly { readonly device: string; readonly test: Answer<SelfTest> }[];
  /** Folders of onnxruntime-node that this program or the folder it runs in may load, with their versions. */
  readonly runtimeCopies: readonly { readonly folder: string; readonly version: string }[];
  readonly cores: number;
  /** What of the processor's abilities matters to products of matrices; undefined where it is not told. */
  readonly cpuFlags: readonly string[] | undefined;
  /** The largest weight of int8 products, which says what the processor can do. */
  readonly int8: Answer<number>;
  readonly memoryTotal: number;
  readonly memoryFree: number;
  readonly sharp: Answer<string>;
  readonly web: Answer<string>;
  readonly cache: {
    readonly folder: string;
    readonly models: number;
    /** Bytes of the models that graft fetched. */
    readonly size: number;
    readonly isWritable: boolean;
    readonly diskFree: number;
  };
  readonly workingFolder: { readonly folder: string; readonly isWritable: boolean; readonly diskFree: number };
  readonly hasToken: boolean;
  readonly endpoint: string;
  readonly isOffline: boolean;
  /** Milliseconds to open the embedded model, and to run it once. */
  readonly embedded: Answer<{ readonly open: number; readonly run: number }>;
  /** HTTP status of the hub, and milliseconds until it came; undefined where it was not asked for. */
  readonly network: Answer<{ readonly status: number; readonly milliseconds: number }> | undefined;
}

/** Look at this machine. Only the hub is asked over the network, and only with `network`. */
export async function gatherFacts(options: { network: boolean; signal: AbortSignal }): Promise<Facts> {
  const { cache, endpoint, token, offline } = await hubSettings();
  const runtime = await answer(nodeRuntimeFacts);
  const workingFolder = process.cwd();
  return {
    graft: packageJson.version,
    node: process.versions.node,
    platform: `${process.platform} ${process.arch}`,
    runtime,
    devices: "fault" in runtime ? [] : await testDevices(runtime.value.providers),
    runtimeCopies: await copiesOf("onnxruntime-node"),
    cores: availableParallelism(),
    cpuFlags: await cpuFlags(),
    int8: "fault" in runtime ? { fault: "it needs the runtime" } : await answer(() => int8Limit(nodeRuntime)),
    memoryTotal: process.constrainedMemory() > 0 ? Math.min(totalmem(), process.constrainedMemory()) : totalmem(),
    memoryFree: process.availableMemory(),
    sharp: await answer(async () => (await import("sharp")).default.versions.sharp),
    web: await answer(() => versionOf("onnxruntime-web")),
    cache: { folder: cache, ...(await fetchedModels(cache)), ...(await placeOf(cache)) },
    workingFolder: { folder: workingFolder, ...(await placeOf(workingFolder)) },
    hasToken: token !== undefined,
    endpoint,
    isOffline: offline,
    // A runtime that cannot be loaded fails every session, and once is enough to say so.
    embedded: "fault" in runtime ? { fault: "it needs the runtime" } : await answer(runEmbedded),
    network: options.network && !offline ? await answer(() => askHub(endpoint, token, options.signal)) : undefined,
  };
}

async function answer<Value>(question: () => Promise<Value>): Promise<Answer<Value>> {
  try {
    return { value: await question() };
  } catch (error) {
    const { message, cause } = error as Error & { cause?: unknown };
    const reason =
      cause instanceof Error && !message.includes(cause.message) ? `${message}: ${cause.message}` : message;
    return { fault: reason.split("\n")[0]! };
  }
}

/**
 * In processes of their own: a driver may print what it likes, or take the process down. The test is the built
 * program's `doctor --device`; from source a device is tested here.
 */
async function testDevices(providers: readonly string[]): Promise<Facts["devices"]> {
  const others = devices.filter((device) => device !== "cpu" && providers.includes(device));
  return Promise.all(others.map(async (device) => ({ device, test: await answer(() => testApart(device)) })));
}

async function testApart(device: Device): Promise<SelfTest> {
  if (!isBuilt) return testDevice(device);
  const args = [fileURLToPath(program), "doctor", "--device", device, "--json"];
  const stdout = await new Promise<string>((resolve) =>
    execFile(process.execPath, args, { timeout: 60_000 }, (_, stdout) => resolve(stdout)),
  );
  const { place, ...test } = JSON.parse(stdout.trim().split("\n").at(-1) || "{}") as SelfTest & { place?: string };
  if (test.difference === undefined) throw new Error(place ?? "its self-test ended the process it ran in");
  return test;
}

const ownRequire = createRequire(import.meta.url);

/** Folders that a package of that name may lie in, seen from this program and from the working folder. */
const searchFolders = (): string[] => [
  ...(ownRequire.resolve.paths("graft") ?? []),
  ...(createRequire(join(process.cwd(), "a-file.js")).resolve.paths("graft") ?? []),
];

async function versionOf(name: string): Promise<string> {
  for (const folder of searchFolders()) {
    const version = await versionIn(join(folder, name));
    if (version !== undefined) return version;
  }
  throw new Error("it is not installed");
}

async function versionIn(folder: string): Promise<string | undefined> {
  const text = await readFile(join(folder, "package.json"), "utf8").catch(() => undefined);
  return text === undefined ? undefined : String((JSON.parse(text) as { version?: string }).version);
}

/** Every copy of a package in the trees, also those that other packages keep for themselves. */
async function copiesOf(name: string): Promise<Facts["runtimeCopies"]> {
  const list = (folder: string) => readdir(folder).catch(() => []);
  const found = new Map<string, string>();
  for (const tree of new Set(searchFolders())) {
    const packages: string[] = [];
    for (const entry of await list(tree))
      packages.push(
        ...(entry.startsWith("@") ? (await list(join(tree, entry))).map((part) => join(entry, part)) : [entry]),
      );
    for (const folder of [join(tree, name), ...packages.map((other) => join(tree, other, "node_modules", name))]) {
      const version = await versionIn(folder);
      if (version !== undefined) found.set(await realpath(folder), version);
    }
  }
  return [...found].map(([folder, version]) => ({ folder, version }));
}

/** Wide registers, and products of bytes. */
const FLAGS = /^(avx2|avx512f|avx512_vnni|avx_vnni|amx_int8|asimd|asimddp|i8mm)$/;

async function cpuFlags(): Promise<readonly string[] | undefined> {
  const text = await readFile("/proc/cpuinfo", "utf8").catch(() => "");
  const line = /^(?:flags|Features)\s*:\s*(.*)$/m.exec(text)?.[1];
  return line?.split(/\s+/).filter((flag) => FLAGS.test(flag));
}

async function fetchedModels(cache: string): Promise<{ models: number; size: number }> {
  const names = await cachedModels(cache);
  let size = 0;
  for (const name of names) {
    const root = join(cache, `models--${name.replace("/", "--")}`);
    // Models that Python fetched are counted, not measured: graft keeps a listing beside its own.
    if ((await stat(join(root, ".graft")).catch(() => undefined)) === undefined) continue;
    for (const blob of await readdir(join(root, "blobs")).catch(() => []))
      size += (await stat(join(root, "blobs", blob)).catch(() => undefined))?.size ?? 0;
  }
  return { models: names.length, size };
}

/** Whether a folder, or the one above it that exists, takes files, and the room it has. */
async function placeOf(folder: string): Promise<{ isWritable: boolean; diskFree: number }> {
  let place = resolve(folder);
  while ((await stat(place).catch(() => undefined)) === undefined && dirname(place) !== place) place = dirname(place);
  const isWritable = await access(place, constants.W_OK).then(
    () => true,
    () => false,
  );
  const { bavail, bsize } = await statfs(place);
  return { isWritable, diskFree: bavail * bsize };
}

async function runEmbedded() {
  const begun = performance.now();
  const backbone = await openBackbone("builtin:vit");
  const opened = performance.now();
  const { train } = await openTask("count", { backbone, trainSize: 1, validationSize: 1, testSize: 1 });
  const spec = { method: HEAD_ALONE, goal: { kind: "triplet" } } as const;
  await outputsOf({ backbone, spec, tensors: new Map() }, train, { batchSize: 1 });
  return { open: opened - begun, run: performance.now() - opened };
}

async function askHub(endpoint: string, token: string | undefined, signal: AbortSignal) {
  const begun = performance.now();
  const { status } = await fetch(`${endpoint}/api/${token === undefined ? "models?limit=1" : "whoami-v2"}`, {
    headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
    signal: AbortSignal.any([signal, AbortSignal.timeout(10_000)]),
  });
  return { status, milliseconds: performance.now() - begun };
}
