/** One report of a long call's progress. Faces turn it into a bar, a line or JSON. */
export interface Progress {
  /** What is being done, e.g. `train`, `features`, `gradients`. */
  readonly phase: string;
  readonly done: number;
  readonly total: number;
  /** Unit of `done` and `total`, e.g. `steps`, `images`. */
  readonly unit: string;
  /** Figures worth showing beside the bar, e.g. loss. */
  readonly metrics?: Readonly<Record<string, number>>;
}

/** What every long call accepts. */
export interface LongCall {
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: Progress) => void;
}

/** Give the event loop a turn (so signals and timers fire between blocking steps), then throw if aborted. */
export async function breathe(signal: AbortSignal | undefined): Promise<void> {
  await new Promise<void>(nextTurn);
  signal?.throwIfAborted();
}

/** Not by a timer: a page in the background gets one a second, later one a minute, and any page none under 4 ms. */
function nextTurn(resolve: () => void): void {
  const { setImmediate } = globalThis as { setImmediate?: (callback: () => void) => unknown };
  if (setImmediate) {
    setImmediate(resolve);
    return;
  }
  const { port1, port2 } = new MessageChannel();
  port1.onmessage = () => {
    port1.close();
    resolve();
  };
  port2.postMessage(undefined);
}
