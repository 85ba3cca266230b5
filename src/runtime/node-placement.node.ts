import { randomUUID } from "node:crypto";
import { readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";

/** Where a session's nodes ran. */
export interface NodePlacement {
  readonly nodes: number;
  /** Nodes that ran on the CPU, by operator. */
  readonly onCpu: ReadonlyMap<string, number>;
}

/** A prefix for the profile of one session, in the system's folder for temporary files. */
export const profilePrefix = (): string => join(tmpdir(), `graft-profile-${randomUUID()}`);

/** Read where nodes ran from the profile that a session of that prefix wrote, and remove it; undefined without one. */
export function readPlacement(prefix: string): NodePlacement | undefined {
  const name = readdirSync(tmpdir()).find((each) => each.startsWith(basename(prefix)));
  if (name === undefined) return undefined;
  const path = join(tmpdir(), name);
  const events = JSON.parse(readFileSync(path, "utf8")) as readonly ProfileEvent[];
  rmSync(path, { force: true });
  const nodes = new Map<string, { op: string; provider: string }>();
  for (const { cat, name, args } of events)
    if (cat === "Node" && name.endsWith("_kernel_time"))
      nodes.set(name, { op: args?.op_name ?? "?", provider: args?.provider ?? "" });
  const onCpu = new Map<string, number>();
  for (const { op, provider } of nodes.values())
    if (provider === "CPUExecutionProvider") onCpu.set(op, (onCpu.get(op) ?? 0) + 1);
  return { nodes: nodes.size, onCpu };
}

interface ProfileEvent {
  readonly cat?: string;
  readonly name: string;
  readonly args?: { readonly op_name?: string; readonly provider?: string };
}
