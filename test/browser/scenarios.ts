/** What the tests do with the library, the same in a page and in Node; results travel between them as plain data. */
import type { Backbone } from "../../src/backbone/index.ts";
import type * as Library from "../../src/library.ts";
import type { HostTensor } from "../../src/runtime/index.ts";
import type { ImageSplit, Resize, Task } from "../../src/tasks/index.ts";

/** What a scenario uses of either entry. */
export interface Graft
  extends Pick<
    typeof Library,
    | "createBuilder"
    | "encodeModel"
    | "exportModel"
    | "fitImage"
    | "outputsOf"
    | "parsePlacement"
    | "scoreEdges"
    | "train"
  > {
  openBackbone(): Promise<Backbone>;
  openTask(name: string, options: { trainSize: number; validationSize: number; testSize: number }): Promise<Task>;
}

export interface StoppedRun {
  /** Of every step done. */
  readonly losses: readonly number[];
  /** When each step was done, in milliseconds. */
  readonly times: readonly number[];
  readonly checkpoint: Uint8Array;
}

/** One sequential, one long-range, one recurrent edge. */
const PLACEMENT = "4-5,6-20,22-8";
const BATCH = 32;

const openCount = (graft: Graft, steps: number, batch = BATCH) =>
  graft.openTask("count", { trainSize: batch * steps, validationSize: 40, testSize: 20 });

/**
 * Train until `stopAt` steps are done, then abort, which leaves a checkpoint.
 * @param from  a checkpoint to go on from; without one training starts anew
 */
export async function trainUntil(
  graft: Graft,
  stopAt: number,
  {
    from,
    batch = BATCH,
    placement = PLACEMENT,
    backbonePrecision,
  }: { from?: Uint8Array; batch?: number; placement?: string; backbonePrecision?: "int8" } = {},
): Promise<StoppedRun> {
  const backbone = await graft.openBackbone();
  const task = await openCount(graft, 8, batch);
  const stop = new AbortController();
  const [losses, times]: [number[], number[]] = [[], []];
  let checkpoint = from;
  const run = graft.train(backbone, task, graft.parsePlacement(placement, { states: backbone.states.length }), {
    options: { batchSize: batch, epochs: 100, clipNorm: 1e9, backbonePrecision },
    signal: stop.signal,
    resume: from !== undefined,
    checkpoint: {
      load: async () => checkpoint,
      async save(bytes) {
        checkpoint = bytes;
      },
    },
    onProgress({ phase, done, metrics }) {
      if (phase !== "train") return;
      losses.push(metrics!.loss!);
      times.push(performance.now());
      if (done === stopAt) stop.abort();
    },
  });
  const error = await run.then(
    () => new Error("the run was not aborted"),
    (thrown: unknown) => thrown,
  );
  if (!stop.signal.aborted || error !== stop.signal.reason) throw error;
  return { losses, times, checkpoint: checkpoint! };
}

/** Losses of three steps of so many parameters that threads share their update; the last depends on two updates. */
export const lossesOfMany = async (graft: Graft): Promise<readonly number[]> =>
  (await trainUntil(graft, 3, { batch: 2, placement: "22-23@r24000" })).losses;

export interface ShortRun {
  readonly phases: readonly string[];
  readonly model: Uint8Array;
  /** Of the test split, [20, classes]. */
  readonly logits: Float32Array;
}

/** Write records of many sizes to two stores in turn, and tell what comes back, the last first. */
export async function keepRecords(graft: Graft): Promise<readonly string[]> {
  const { runtime } = await graft.openBackbone();
  const sizes = [10, 5_000_000, 3_000_000, 0, 3_000_000, 4_194_304, 1];
  const total = sizes.reduce((a, b) => a + b);
  const stores = await runtime.scratch([total, total]);
  if (stores === undefined) return ["no room"];
  for (const [k, size] of sizes.entries())
    for (const [at, store] of stores.entries()) store.append(new Uint8Array(size).fill(10 * at + k + 1));
  const told = sizes.flatMap((_, k) =>
    stores.map((store) => {
      const record = store.get(sizes.length - 1 - k);
      return `${record.length} × ${[...new Set(record)]}`;
    }),
  );
  for (const store of stores) store.close();
  return told;
}

/** Names of the page's temporary files. @param left  one more is made first, as by a page that crashed */
export async function temporaryFiles(_: Graft, left?: string): Promise<readonly string[]> {
  const root = await navigator.storage.getDirectory();
  const folder = await root.getDirectoryHandle("graft-scratch", { create: true });
  if (left !== undefined) await folder.getFileHandle(left, { create: true });
  const names: string[] = [];
  for await (const name of (folder as unknown as { keys(): AsyncIterable<string> }).keys()) names.push(name);
  return names;
}

/** Train two epochs of two steps from frozen values that are kept, and export. */
export async function trainAndExport(graft: Graft): Promise<ShortRun> {
  const backbone = await graft.openBackbone();
  const task = await openCount(graft, 2);
  const phases = new Set<string>();
  const trained = await graft.train(
    backbone,
    task,
    graft.parsePlacement(PLACEMENT, { states: backbone.states.length }),
    {
      options: { batchSize: BATCH, epochs: 2, augment: false },
      onProgress: ({ phase, done, total, unit }) => phases.add(done === total ? `${phase}: ${total} ${unit}` : phase),
    },
  );
  const { bytes } = graft.encodeModel(graft.exportModel(trained));
  return { phases: [...phases], model: bytes, logits: await graft.outputsOf(trained, task.test) };
}

/** Pictures of the test split as the backbone takes them, to feed an exported model by hand. */
export async function testPixels(graft: Graft): Promise<Float32Array> {
  const { test } = await openCount(graft, 2);
  // The embedded backbone's mean and std are 0.5.
  return Float32Array.from(
    Array.from({ length: test.count }, (_, k) => [...(test as ImageSplit).pixels(k)]).flat(),
    (byte) => (byte / 255 - 0.5) / 0.5,
  );
}

/** A picture of noise brought to another size by every filter and way, one after the other. */
export async function fittedPixels(graft: Graft): Promise<readonly number[]> {
  const from = { height: 57, width: 83 };
  const pixels = Uint8Array.from({ length: 3 * from.height * from.width }, (_, k) => (k * k * 7919) % 251);
  const filters = ["nearest", "box", "bilinear", "hamming", "bicubic", "lanczos"] as const;
  const ways = filters.flatMap((filter): Resize[] => [
    { mode: "exact", share: { height: 1, width: 0.8 }, filter },
    { mode: "shortest-edge", share: 0.875, filter },
    { mode: "shortest-edge", share: 0.2, filter },
  ]);
  return [{ mode: "cover" } as const, { mode: "crop" } as const, ...ways].flatMap((resize) => [
    ...graft.fitImage(pixels, from, { height: 20, width: 24, resize }),
  ]);
}

/** Scores of all edges from a probe of 8 examples, [from][to]. */
export async function scoreMatrix(graft: Graft): Promise<readonly (readonly number[])[]> {
  const scores = await graft.scoreEdges(await graft.openBackbone(), await openCount(graft, 2), { examples: 8 });
  return scores.matrix;
}

/** Abort scoring once it has begun; returns how far it said it was. */
export async function abortScoring(graft: Graft): Promise<{ name: string; reports: number }> {
  const stop = new AbortController();
  let reports = 0;
  const error = await graft
    .scoreEdges(await graft.openBackbone(), await openCount(graft, 2), {
      examples: 8,
      signal: stop.signal,
      onProgress() {
        reports++;
        stop.abort();
      },
    })
    .then(
      () => new Error("not aborted"),
      (thrown: Error) => thrown,
    );
  return { name: error.name, reports };
}

/** Run a graph of the types a step or a score may need into buffers of the caller's; returns what lies in them. */
export async function runTypes(graft: Graft): Promise<Record<string, string>> {
  const { runtime } = await graft.openBackbone();
  const g = graft.createBuilder();
  const [a, b] = [g.input("a", "float64", [2]), g.input("b", "int64", [2])];
  const outputs = {
    double: g.mul(a, a),
    long: g.add(b, b),
    half: g.cast(a, "float16"),
    small: g.cast(b, "int32"),
    flag: g.cast(b, "bool"),
  };
  const names = Object.entries(outputs).map(([name, value]) => g.rename(value, name).name);
  const session = await runtime.open(g.toGraph(names));
  const feeds: Record<string, HostTensor> = {
    a: { dtype: "float64", shape: [2], data: Float64Array.of(1 + 2 ** -40, -2) },
    b: { dtype: "int64", shape: [2], data: BigInt64Array.of(2n ** 40n, 0n) },
  };
  const buffers: Record<string, HostTensor> = {
    double: { dtype: "float64", shape: [2], data: new Float64Array(2) },
    long: { dtype: "int64", shape: [2], data: new BigInt64Array(2) },
    half: { dtype: "float16", shape: [2], data: new Uint16Array(2) },
    small: { dtype: "int32", shape: [2], data: new Int32Array(2) },
    flag: { dtype: "bool", shape: [2], data: new Uint8Array(2) },
  };
  const returned = await session.run(feeds, buffers);
  const plain = await session.run(feeds, names);
  await session.release();
  const show = ({ data }: HostTensor) => `${data.constructor.name} ${[...data].join(" ")}`;
  return Object.fromEntries(
    names.map((name) => [
      name,
      [buffers[name]!, returned[name]!, plain[name]!]
        .map(show)
        .filter((text, k, all) => k === 0 || text !== all[0])
        .join(" / "),
    ]),
  );
}

/** A buffer of another shape than its output; returns the error's code. */
export async function runIntoWrongBuffer(graft: Graft): Promise<string> {
  const { runtime } = await graft.openBackbone();
  const g = graft.createBuilder();
  const x = g.input("x", "float32", [2]);
  const session = await runtime.open(g.toGraph([g.rename(g.mul(x, x), "y").name]));
  const tensor = (size: number): HostTensor => ({ dtype: "float32", shape: [size], data: new Float32Array(size) });
  const run = session.run({ x: tensor(2) }, { y: tensor(3) });
  const code = await run.then(
    () => "no error",
    (error: { code: string }) => error.code,
  );
  await session.release();
  return code;
}
