import type { RecordStore } from "../base/index.ts";
import type { DataType, Graph, TensorValues, ValueType } from "../graph/index.ts";
import type { Device, WebDevice } from "./devices.ts";
import type { HostWorker } from "./host-worker.ts";

/** Arrays a runtime takes and gives. */
export type HostArray = TensorValues;

/** A tensor in host memory, fed to or fetched from a session. Row-major. bool is one byte each, float16 raw bits. */
export interface HostTensor {
  readonly dtype: DataType;
  readonly shape: readonly number[];
  readonly data: HostArray;
}

export interface SessionOptions {
  /**
   * Threads inside one operator; default: the runtime's choice (all cores), in Node one for small static graphs. Results
   * are bit-equal for equal counts.
   * Not used in a page, whose sessions share one count (`createWebRuntime`).
   */
  readonly threads?: number;
  /** Let the runtime fuse and fold; default true. False keeps every value observable. */
  readonly optimize?: boolean;
  /** Fuse as for any app that opens the file, over hidden states too: to measure speed, not bits. Default false. */
  readonly asDeployed?: boolean;
}

/** A graph ready to run. */
export interface Session {
  /** Types of the graph's outputs as the runtime sees them. */
  readonly outputTypes: ReadonlyMap<string, ValueType>;
  /**
   * Run once.
   * @param feeds    every graph input by name
   * @param fetches  outputs wanted, or buffers to write them into (reusing buffers keeps memory flat); default: all
   */
  run(
    feeds: Readonly<Record<string, HostTensor>>,
    fetches?: readonly string[] | Readonly<Record<string, HostTensor>>,
  ): Promise<Record<string, HostTensor>>;
  release(): Promise<void>;
}

/** An implementation of ONNX Runtime: `runtime/node.ts` or `runtime/web.ts`. */
export interface Runtime {
  readonly name: "node" | "web";
  /**
   * Where optimized sessions run: the device asked for once it passed its self-test, or what `auto` stands for; in a
   * page `wasm` unless told otherwise.
   * @throws GraftError RUNTIME_MISSING, DEVICE_MISSING, DEVICE_FAILED, DEVICE_DIFFERS
   */
  settleDevice(): Promise<Device | WebDevice>;
  open(graph: Graph, options?: SessionOptions): Promise<Session>;
  /** Names of a graph's weights that all sessions share, in the memory they were read into; with `auto` once that is settled. */
  sharedWeights(graph: Graph): ReadonlySet<string>;
  /**
   * Room for stores of that many bytes each, in memory or in temporary files (in a page only where it runs in a worker); undefined
   * where there is not so much to spare, with what those that are open may still fill. The signal closes them.
   */
  scratch(bytes: readonly number[], signal?: AbortSignal): Promise<readonly RecordStore[] | undefined>;
  /** How many threads can work at a time. */
  readonly cores: number;
  /**
   * Start a thread for work that is not the runtime's.
   * @param source  JavaScript of an expression: a function from a message to `[answer, buffers to hand over]`. It sees nothing
   *                of the caller's module, so that no bundler has to know of it
   * @returns undefined where no thread can be made from text (a page's content security policy)
   */
  startWorker(source: string): Promise<HostWorker | undefined>;
}
