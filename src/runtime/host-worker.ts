/** A thread that answers one message after the other, in their order. */
export interface HostWorker {
  /** The answer to a message; `transfer` names buffers to hand over instead of copying. Rejects if the thread fails. */
  ask(message: unknown, transfer?: readonly ArrayBuffer[]): Promise<unknown>;
  close(): Promise<void>;
}

/** What a platform's thread is to a `HostWorker`. */
export interface WorkerThread {
  post(message: unknown, transfer: readonly ArrayBuffer[]): void;
  end(): Promise<void>;
}

/** What a thread says: that it runs, an answer, or what was thrown instead. */
type Said = { readonly ready: true } | { readonly answer: unknown } | { readonly failed: string };

/**
 * The program of a thread: `source` is an expression whose value takes a message and returns its answer and the
 * buffers to hand over; `listen` and `post` are the platform's.
 */
export const workerProgram = (source: string, { listen, post }: { listen: string; post: string }): string =>
  `const post = ${post};
const answerTo = ${source};
(${listen})((message) => {
  try {
    const [answer, transfer] = answerTo(message);
    post({ answer }, transfer);
  } catch (error) {
    post({ failed: String(error) });
  }
});
post({ ready: true });`;

/**
 * Wait until a thread runs.
 * @returns undefined where it does not start: pages may forbid threads made from text, processes threads at all
 */
export async function startedWorker(
  start: (said: (message: unknown) => void, failed: (cause: unknown) => void) => WorkerThread,
): Promise<HostWorker | undefined> {
  const waiting: { resolve(answer: unknown): void; reject(cause: unknown): void }[] = [];
  let broken: { readonly cause: unknown } | undefined;
  const next = () =>
    new Promise<unknown>((resolve, reject) => {
      if (broken) reject(broken.cause);
      else waiting.push({ resolve, reject });
    });
  const ready = next();
  const said = (message: unknown) => {
    const first = waiting.shift();
    const from = message as Said;
    if ("failed" in from) first?.reject(new Error(from.failed));
    else first?.resolve("answer" in from ? from.answer : undefined);
  };
  const failed = (cause: unknown) => {
    broken ??= { cause };
    for (const { reject } of waiting.splice(0)) reject(cause);
  };
  let thread: WorkerThread | undefined;
  try {
    thread = start(said, failed);
    await ready;
  } catch {
    ready.catch(() => {});
    await thread?.end();
    return undefined;
  }
  const { post, end } = thread;
  return {
    ask(message, transfer = []) {
      const answer = next();
      if (broken) return answer;
      try {
        post(message, transfer);
      } catch (cause) {
        // Nothing was sent, so the next answer is not this one's.
        waiting.pop()!.reject(cause);
      }
      return answer;
    },
    close: end,
  };
}
