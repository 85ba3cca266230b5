import { setTimeout as delay } from "node:timers/promises";
import { GraftError } from "../base/index.ts";
import { type HubFile, isCommit, isHubFile } from "./cache.node.ts";
import { refusalError } from "./hub-errors.ts";
import { formatModelSpec, type ModelSpec } from "./model-spec.ts";
import type { HubSettings } from "./settings.node.ts";

/** One model's side of the hub's API. Every method throws GraftError HUB_NETWORK, HUB_ACCESS, HUB_NOT_FOUND, HUB_STATUS. */
export interface HubClient {
  /** The commit the spec's revision is at. */
  commit(): Promise<string>;
  /** Every file at a commit. */
  files(commit: string): Promise<readonly HubFile[]>;
  /** Start reading a file from a byte on; the answer is 206, or 200 where the server sends all of it. */
  read(commit: string, path: string, from: number): Promise<Response>;
}

/** Seconds the hub has to begin an answer. */
const ANSWER_SECONDS = 20;

/**
 * @param hint  put before the remedy of "no such model", e.g. `did you mean "…"? `
 */
export function hubClient(
  spec: ModelSpec,
  settings: HubSettings,
  { signal, hint }: { signal?: AbortSignal; hint: () => Promise<string> },
): HubClient {
  const { endpoint, token, pauses } = settings;
  const home = new URL(endpoint).origin;

  async function ask(url: string, headers: Record<string, string> = {}): Promise<Response> {
    // A page of a listing may lie elsewhere; the token is for the hub alone.
    const own = new URL(url).origin === home && token !== undefined;
    const answering = new AbortController();
    const timer = setTimeout(
      () => answering.abort(new Error(`no answer in ${ANSWER_SECONDS} seconds`)),
      ANSWER_SECONDS * 1000,
    );
    try {
      return await fetch(url, {
        headers: { "accept-encoding": "identity", ...headers, ...(own && { authorization: `Bearer ${token}` }) },
        signal: signal ? AbortSignal.any([signal, answering.signal]) : answering.signal,
      });
    } catch (cause) {
      signal?.throwIfAborted();
      throw networkError(spec, endpoint, cause);
    } finally {
      clearTimeout(timer);
    }
  }

  async function request(url: string, headers?: Record<string, string>): Promise<Response> {
    for (let attempt = 0; ; attempt++) {
      const pause = pauses[attempt];
      const response = await ask(url, headers).catch((error: unknown) => {
        if (pause === undefined || !isPassing(error)) throw error;
        return undefined;
      });
      if (response?.ok) return response;
      if (response && (pause === undefined || (response.status < 500 && response.status !== 429))) {
        await response.body?.cancel();
        const code = response.headers.get("x-error-code");
        const refusal = { status: response.status, code, hasToken: token !== undefined, endpoint };
        throw refusalError(spec, refusal, await hint());
      }
      await response?.body?.cancel();
      await delay(pause, undefined, { signal }).catch(() => signal?.throwIfAborted());
    }
  }

  /** For the hub's own library: its token check refuses other hubs' tokens, so that ours goes with every request. */
  const library = async () => ({
    ...(await import("@huggingface/hub")),
    common: {
      hubUrl: endpoint,
      fetch: ((url: string) => request(url, { accept: "application/json" })) as typeof fetch,
    },
  });

  return {
    async commit() {
      const { modelInfo, common } = await library();
      const info = await readable(spec, endpoint, () =>
        modelInfo({ ...common, name: spec.repo, revision: spec.revision, additionalFields: ["sha"] }),
      );
      if (isCommit(info.sha)) return info.sha;
      throw strange(spec, endpoint, new Error("no commit in its answer"));
    },
    async files(commit) {
      const { listFiles, common } = await library();
      const repo = { type: "model", name: spec.repo } as const;
      return readable(spec, endpoint, async () => {
        const files: HubFile[] = [];
        for await (const entry of listFiles({ ...common, repo, revision: commit, recursive: true })) {
          const file = {
            path: entry.path,
            size: entry.lfs?.size ?? entry.size,
            etag: entry.lfs?.oid ?? entry.oid ?? "",
          };
          if (entry.type === "file" && isHubFile(file)) files.push(file);
        }
        return files;
      });
    },
    read(commit, path, from) {
      const place = path.split("/").map(encodeURIComponent).join("/");
      return request(
        `${endpoint}/${spec.repo}/resolve/${commit}/${place}`,
        from > 0 ? { range: `bytes=${from}-` } : {},
      );
    },
  };
}

/** Whether asking again may help: a connection that broke, not one that cannot be made. */
function isPassing(error: unknown): boolean {
  if (!(error instanceof GraftError) || error.code !== "HUB_NETWORK") return false;
  const code = systemCode(error.cause);
  return code === "ECONNRESET" || code === "EPIPE" || code === "UND_ERR_SOCKET";
}

function systemCode(cause: unknown): string | undefined {
  for (let at = cause; at instanceof Error; at = at.cause) {
    const { code } = at as NodeJS.ErrnoException;
    if (typeof code === "string") return code;
  }
  return undefined;
}

function networkError(spec: ModelSpec, endpoint: string, cause: unknown): GraftError {
  const why = systemCode(cause) ?? (cause instanceof Error ? cause.message : String(cause));
  return new GraftError("HUB_NETWORK", {
    thing: `"${formatModelSpec(spec)}"`,
    place: `${endpoint} cannot be reached (${why})`,
    remedy: `Check the network and HF_ENDPOINT${proxyHint()}`,
    cause,
  });
}

/** Python uses a proxy that is set, Node only when told. */
function proxyHint(): string {
  const proxy = process.env.HTTPS_PROXY ?? process.env.https_proxy;
  return proxy ? "; for HTTPS_PROXY to be used set NODE_USE_ENV_PROXY=1 (Node 24 and newer)" : "";
}

/** An answer that is not what the hub's API says, e.g. a login page of the network. */
async function readable<T>(spec: ModelSpec, endpoint: string, call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (cause) {
    if (cause instanceof SyntaxError || cause instanceof TypeError) throw strange(spec, endpoint, cause);
    throw cause;
  }
}

const strange = (spec: ModelSpec, endpoint: string, cause: Error) =>
  new GraftError("HUB_STATUS", {
    thing: `"${formatModelSpec(spec)}"`,
    place: `${endpoint} answers, but not as a hub does (${cause.message})`,
    remedy: "Check HF_ENDPOINT, and whether the network asks for a login",
    cause,
  });
