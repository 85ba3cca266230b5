import { setTimeout as sleep } from "node:timers/promises";
import type { Redis } from "ioredis";
import { GraftError } from "../../base/index.ts";

export interface ConnectOptions {
  /** redis://[user:password@]host[:port][/database], or rediss:// for TLS. */
  readonly url: string;
  readonly signal?: AbortSignal;
  /** Told when the server is away, and when it is back. */
  readonly note?: (text: string) => void;
  /** How long a server that does not answer is waited for at first; default 60. */
  readonly patienceSeconds?: number;
}

/** How long an end waits for a server that is away. */
export const FAREWELL_MILLISECONDS = 2000;

/** Wait for a promise, but not longer; what it fails with no longer matters. */
export async function within(milliseconds: number, promise: Promise<unknown>): Promise<void> {
  const done = new AbortController();
  const time = sleep(milliseconds, undefined, { signal: done.signal });
  await Promise.race([promise, time]).catch(() => {});
  done.abort();
  await time.catch(() => {});
}

/** Connections to one server. All outlast its restarts: commands wait until it is back. */
export interface QueueConnection {
  /** What messages call the server: its address without the password. */
  readonly address: string;
  /** A connection of its own for who blocks it. */
  open(): Redis;
  /** At once, whatever waits. */
  close(): void;
}

/**
 * Reach the server once, then hand out connections.
 * @throws GraftError QUEUE_URL, QUEUE_REFUSED where the server wants another name or password,
 *         QUEUE_UNREACHABLE where it does not answer within `patienceSeconds`
 */
export async function connectQueue(options: ConnectOptions): Promise<QueueConnection> {
  const { url, note } = options;
  const address = addressOf(url);
  const { Redis } = await import("ioredis");
  await reach(Redis, address, options);
  const opened: Redis[] = [];
  let isAway = false;
  return {
    address,
    open() {
      const redis = new Redis(url, { maxRetriesPerRequest: null, retryStrategy });
      redis.on("error", (error) => {
        if (!isAway) note?.(`the queue at ${address} is away (${reasonOf(error)}); waiting for it`);
        isAway = true;
      });
      redis.on("ready", () => {
        if (isAway) note?.(`the queue at ${address} is back`);
        isAway = false;
      });
      opened.push(redis);
      return redis;
    },
    close() {
      for (const redis of opened) redis.disconnect();
    },
  };
}

const retryStrategy = (times: number) => Math.min(100 * 2 ** times, 3000);

async function reach(
  Redis: typeof import("ioredis").Redis,
  address: string,
  { url, signal, note, patienceSeconds = 60 }: ConnectOptions,
): Promise<void> {
  const deadline = Date.now() + patienceSeconds * 1000;
  let told: string | undefined;
  for (let attempt = 1; ; attempt++) {
    const probe = new Redis(url, { lazyConnect: true, retryStrategy: () => null, connectTimeout: 5000 });
    let lastError: unknown;
    probe.on("error", (error) => {
      lastError = error;
    });
    try {
      await probe.connect();
      await probe.ping();
      return;
    } catch (error) {
      const cause = lastError ?? error;
      const reason = reasonOf(cause);
      if (/WRONGPASS|NOAUTH|NOPERM|invalid password/i.test(reason)) throw refused(address, reason, cause);
      if (Date.now() >= deadline) throw unreachable(address, reason, attempt, cause);
      if (reason !== told) note?.(`no queue at ${address} yet (${reason}); trying again for ${patienceSeconds} s`);
      told = reason;
    } finally {
      probe.disconnect();
    }
    await sleep(Math.min(1000 * attempt, 5000, Math.max(0, deadline - Date.now())), undefined, { signal });
  }
}

/** The address as it may be shown. */
function addressOf(url: string): string {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  if (parsed === undefined || !/^rediss?:$/.test(parsed.protocol) || parsed.hostname === "")
    throw new GraftError("QUEUE_URL", {
      thing: "the queue's address",
      place: parsed ? `its scheme is ${parsed.protocol}//` : "it is no URL",
      remedy:
        "Write redis://HOST:6379, with rediss:// for TLS, and user:password@ before the host where it asks for them",
    });
  return `${parsed.protocol}//${parsed.hostname}:${parsed.port || 6379}${parsed.pathname === "/" ? "" : parsed.pathname}`;
}

/** `connect ECONNREFUSED 127.0.0.1:6379` of whatever ioredis gives; several addresses of one host come as several errors. */
function reasonOf(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return reasonOf(error.errors[0]);
  return error instanceof Error ? error.message || String((error as NodeJS.ErrnoException).code) : String(error);
}

const refused = (address: string, reason: string, cause: unknown) =>
  new GraftError("QUEUE_REFUSED", {
    thing: `the queue at ${address}`,
    place: `it refused us: ${reason}`,
    remedy: "Put the user and password into the address: redis://user:password@host:port",
    cause,
  });

const unreachable = (address: string, reason: string, attempts: number, cause: unknown) =>
  new GraftError("QUEUE_UNREACHABLE", {
    thing: `the queue at ${address}`,
    place: `it did not answer in ${attempts} attempts: ${reason}`,
    remedy: "Start it (`redis-server --appendonly yes`), or check host, port and firewall",
    cause,
  });
