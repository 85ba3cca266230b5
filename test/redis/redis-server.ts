import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Redis } from "ioredis";

const executable = process.env.REDIS_SERVER ?? "redis-server";

function isInstalled(): boolean {
  try {
    execFileSync(executable, ["--version"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

/** Why there is no server to test with, or undefined. In CI that is no excuse: starting it fails then. */
export const noRedis =
  !isInstalled() && process.env.GRAFT_NO_SKIP !== "1"
    ? "no redis-server: install it, or name it in $REDIS_SERVER"
    : undefined;

export interface RedisServer {
  readonly url: string;
  /** Ends it without a word, and starts it on what it had written. */
  restart(options?: { readonly awayMilliseconds?: number }): Promise<void>;
  stop(): Promise<void>;
}

/** A server of our own on a free port and in a temporary folder, which writes every command down (AOF). */
export async function startRedis(): Promise<RedisServer> {
  const folder = mkdtempSync(join(tmpdir(), "graft-redis-"));
  const port = await freePort();
  const url = `redis://127.0.0.1:${port}`;
  const start = async () => {
    const server = spawn(
      executable,
      [
        "--port",
        String(port),
        "--bind",
        "127.0.0.1",
        "--dir",
        folder,
        "--appendonly",
        "yes",
        "--appendfsync",
        "always",
      ],
      { stdio: "ignore" },
    );
    await answers(url, server);
    return server;
  };
  const end = async (server: ChildProcess) => {
    const ended = once(server, "exit");
    server.kill("SIGKILL");
    await ended;
  };
  let server = await start();
  return {
    url,
    async restart({ awayMilliseconds = 0 } = {}) {
      await end(server);
      await new Promise((resolve) => setTimeout(resolve, awayMilliseconds));
      server = await start();
    },
    async stop() {
      await end(server);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function answers(url: string, server: ChildProcess): Promise<void> {
  const redis = new Redis(url, { retryStrategy: () => 20, maxRetriesPerRequest: null });
  redis.on("error", () => {});
  const failed = once(server, "exit").then(() => {
    throw new Error("redis-server ended at once");
  });
  try {
    await Promise.race([redis.ping(), failed]);
  } finally {
    redis.disconnect();
    failed.catch(() => {});
  }
}

async function freePort(): Promise<number> {
  const server: Server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, "close");
  return port;
}
