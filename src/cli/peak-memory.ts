import { readFileSync } from "node:fs";

/** Most resident memory of this process so far, bytes. `maxRSS` is Linux's parent's too, where that took more. */
export function peakMemory(): number {
  try {
    return 1024 * Number(/^VmHWM:\s+(\d+) kB/m.exec(readFileSync("/proc/self/status", "utf8"))![1]);
  } catch {
    return process.resourceUsage().maxRSS * 1024;
  }
}
