import type { Command } from "./define-command.ts";

export interface CommandEntry {
  readonly name: string;
  readonly description: string;
  /** Commands load on use: `graft --help` reads this table and nothing else. */
  readonly load: () => Promise<Command>;
}

export const commandList: readonly CommandEntry[] = [
  {
    name: "select",
    description: "Turn a file of scores into a placement: which edges to give an adapter",
    load: async () => (await import("./commands/select.ts")).select,
  },
];
