import type { Command } from "./define-command.ts";

export interface CommandEntry {
  readonly name: string;
  readonly description: string;
  /** Commands load on use: `graft --help` reads this table and nothing else. */
  readonly load: () => Promise<Command>;
}

export const commandList: readonly CommandEntry[] = [];
