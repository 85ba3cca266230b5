import type { Backbone } from "../backbone/index.ts";
import { GraftError, type LongCall, type RecordStore } from "../base/index.ts";
import type { Task } from "../tasks/index.ts";
import { type Gradients, openColumn } from "./edge-gradients.ts";
import { activeRows, joined, openProducts } from "./edge-products.ts";
import { openJoin } from "./join-factors.ts";
import type { Probe } from "./probe.ts";
import { openProbePass, type ProbeBatch, type ProbeFactors } from "./probe-pass.ts";

/** Both factors of all gradients, kept, so that the gradient of any edge is one product away. */
export interface KeptFactors {
  /** Token positions that received a gradient, by state. [n] */
  readonly activeTokens: readonly number[];
  /** Gradients of edges from some states into one: the same as `edgeColumns` has. */
  gradientsOf(sources: readonly number[], to: number): Promise<Gradients>;
  close(): Promise<void>;
}

/**
 * Pass the probe once and keep its states and cotangents: 8 · n · d bytes a token, in memory or a temporary file.
 * @param visit  gets the factors of each batch, of all states, as they come
 * @throws GraftError NO_ROOM where neither has so much to spare
 */
export async function keepFactors(
  backbone: Backbone,
  task: Task,
  { indices, head }: Probe,
  visit: (factors: ProbeFactors) => Promise<void>,
  { threads, signal, onProgress }: LongCall & { readonly threads?: number | undefined },
): Promise<KeptFactors> {
  const { hiddenSize: d, states, runtime } = backbone;
  const n = states.length;
  const all = [...states.keys()];
  const pass = await openProbePass(backbone, task, indices, head, { threads, signal });
  const batches: ProbeBatch[] = [];
  const activeTokens = all.map(() => 0);
  let store: RecordStore | undefined;
  try {
    await pass.run(all, async (factors) => {
      const { states, cotangents, real, examples, sequences, group, left } = factors;
      const bytes = 8 * n * d * real.length * pass.batches;
      store ??= (await runtime.scratch([bytes], signal))?.[0];
      if (store === undefined) throw noRoom(bytes);
      const size = d * real.length;
      for (const { data } of [states, cotangents])
        for (const k of all) store.append(bytesOf((data as Float32Array).subarray(k * size, (k + 1) * size)));
      const back = cotangents.data as Float32Array;
      for (const k of all) activeTokens[k]! += activeRows(back.subarray(k * size, (k + 1) * size), d).length;
      batches.push({ real, examples, sequences, group, left });
      await visit(factors);
      const done = batches.reduce((sum, batch) => sum + batch.examples, 0);
      onProgress?.({ phase: "gradients", done, total: indices.length, unit: "examples" });
    });
  } catch (error) {
    store?.close();
    throw error;
  }
  const products = await openProducts(backbone, { threads });
  const recordOf = (batch: number, at: number) => floatsOf(store!.get(2 * n * batch + at));
  return {
    activeTokens,
    async gradientsOf(sources, to) {
      const column = openColumn(backbone, to, [...sources.keys()], [indices.length], true);
      const join = openJoin((factors) => column.add(factors, 0, products));
      for (const [at, batch] of batches.entries()) {
        const rows = batch.real.length;
        const x = joined(sources.map((from) => recordOf(at, from)));
        await join({
          ...batch,
          states: { dtype: "float32", shape: [sources.length * d, rows], data: x },
          cotangents: { dtype: "float32", shape: [1, rows, d], data: recordOf(at, n + to) },
          targets: [to],
        });
        signal?.throwIfAborted();
      }
      return column.finished();
    },
    async close() {
      store?.close();
      await products.close();
    },
  };
}

const bytesOf = ({ buffer, byteOffset, byteLength }: Float32Array) => new Uint8Array(buffer, byteOffset, byteLength);

/** A file's record may begin anywhere. */
const floatsOf = (bytes: Uint8Array): Float32Array =>
  bytes.byteOffset % 4 === 0
    ? new Float32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4)
    : new Float32Array(bytes.slice().buffer);

const noRoom = (bytes: number): GraftError =>
  new GraftError("NO_ROOM", {
    thing: `${Math.ceil(bytes / 2 ** 20)} MiB of states and cotangents`,
    place: "a coarse pass keeps them, and neither memory nor the disk for temporary files has so much to spare",
    remedy: "Score fewer examples (--examples), or leave out --coarse, which keeps none",
  });
