import { type Graph, hashGraph } from "../graph/index.ts";
import type { Runtime, Session, SessionOptions } from "./session.ts";

/** Sessions kept open for a graph that comes again; each holds the memory it worked in. */
const DEFAULT_IDLE = 4;

export interface SearchRuntime extends Runtime {
  /** Let go of the sessions that are kept. */
  close(): Promise<void>;
}

/**
 * A runtime for many short trainings on one backbone: a graph that was open before, for other data or another seed, takes
 * over the session it had.
 * @param idle  how many sessions that nobody uses stay open; default 4
 */
export function searchRuntime(runtime: Runtime, { idle = DEFAULT_IDLE } = {}): SearchRuntime {
  const waiting: { readonly key: string; readonly session: Session }[] = [];
  const close = async (from: number) => {
    for (const { session } of waiting.splice(from)) await session.release();
  };
  return {
    ...runtime,
    close: () => close(0),
    async open(graph, options) {
      const key = await keyOf(graph, options);
      const at = waiting.findIndex((one) => one.key === key);
      const session = at < 0 ? await runtime.open(graph, options) : waiting.splice(at, 1)[0]!.session;
      let isOpen = true;
      return {
        ...session,
        async release() {
          if (!isOpen) return;
          isOpen = false;
          if (key === undefined) return session.release();
          waiting.unshift({ key, session });
          await close(idle);
        },
      };
    },
  };
}

/** What two graphs have in common that may share a session; undefined where the hash does not see all of a graph. */
async function keyOf(graph: Graph, options: SessionOptions = {}): Promise<string | undefined> {
  const isOpaque = graph.nodes.some(({ attributes }) =>
    Object.values(attributes).some(({ type }) => type === "opaque"),
  );
  if (isOpaque) return undefined;
  const types = graph.inputs.map((name) => graph.types.get(name));
  return JSON.stringify([await hashGraph(graph), types, [...graph.opsets], options]);
}
