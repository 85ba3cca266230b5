import { readFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join, resolve } from "node:path";

/** Where models come from and where they are kept. */
export interface HubSettings {
  /** Folder of the cache, shared with Python: it holds `models--org--name`. */
  readonly cache: string;
  /** Address of the hub, no slash at its end. */
  readonly endpoint: string;
  readonly token: string | undefined;
  /** Never touch the network. */
  readonly offline: boolean;
  /** Milliseconds before each further attempt, where a connection broke or the hub is busy. */
  readonly pauses: readonly number[];
}

const PAUSES = [300, 1500, 5000];

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Read the settings as Python's `huggingface_hub` does: `HF_HOME`, `HF_HUB_CACHE` (`HUGGINGFACE_HUB_CACHE`),
 * `XDG_CACHE_HOME`, `HF_ENDPOINT`, `HF_TOKEN` (`HUGGING_FACE_HUB_TOKEN`), else the file `HF_TOKEN_PATH` or
 * `$HF_HOME/token`, `HF_HUB_DISABLE_IMPLICIT_TOKEN`, `HF_HUB_OFFLINE` (`TRANSFORMERS_OFFLINE`).
 */
export async function hubSettings(env: Environment = process.env): Promise<HubSettings> {
  const home = path(env.HF_HOME) ?? join(path(env.XDG_CACHE_HOME) ?? join(homedir(), ".cache"), "huggingface");
  return {
    cache: path(env.HF_HUB_CACHE) ?? path(env.HUGGINGFACE_HUB_CACHE) ?? join(home, "hub"),
    endpoint: (env.HF_ENDPOINT || "https://huggingface.co").replace(/\/+$/, ""),
    token: isOn(env.HF_HUB_DISABLE_IMPLICIT_TOKEN) ? undefined : await tokenOf(env, home),
    offline: isOn(env.HF_HUB_OFFLINE) || isOn(env.TRANSFORMERS_OFFLINE),
    pauses: PAUSES,
  };
}

async function tokenOf(env: Environment, home: string): Promise<string | undefined> {
  const given = env.HF_TOKEN?.trim() || env.HUGGING_FACE_HUB_TOKEN?.trim();
  if (given) return given;
  // Most people have no such file, and one that cannot be read is none.
  const text = await readFile(path(env.HF_TOKEN_PATH) ?? join(home, "token"), "utf8").catch(() => "");
  return text.trim() || undefined;
}

function path(text: string | undefined): string | undefined {
  return text ? resolve(text.replace(/^~(?=$|[\\/])/, homedir())) : undefined;
}

function isOn(text: string | undefined): boolean {
  return /^(1|on|yes|true)$/i.test(text ?? "");
}
