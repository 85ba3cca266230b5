import type { Command } from "./define-command.ts";

export interface CommandEntry {
  readonly name: string;
  readonly description: string;
  /** Commands load on use: `graft --help` reads this table and nothing else. */
  readonly load: () => Promise<Command>;
  /** Runs in a thread of its own, so that the main one stays free while the runtime works. */
  readonly inWorker?: boolean;
}

export const commandList: readonly CommandEntry[] = [
  {
    name: "demo",
    description: "Score, place, train, compare and export on the embedded model: the whole path in minutes",
    load: async () => (await import("./commands/demo.ts")).demo,
  },
  {
    name: "inspect",
    description: "Show a model's blocks, hidden states and the edges an adapter may take",
    load: async () => (await import("./commands/inspect.ts")).inspect,
  },
  {
    name: "score",
    description: "Score every edge of a model on a task, before any training",
    load: async () => (await import("./commands/score.ts")).score,
  },
  {
    name: "select",
    description: "Turn a file of scores into a placement: which edges to give an adapter",
    load: async () => (await import("./commands/select.ts")).select,
  },
  {
    name: "train",
    description: "Place adapters on a frozen model, train them on a task, and write an ONNX model",
    load: async () => (await import("./commands/train.ts")).train,
    inWorker: true,
  },
  {
    name: "compare",
    description: "Compare methods on a task over seeds, and say which is better and how sure that is",
    load: async () => (await import("./commands/compare.ts")).compare,
  },
  {
    name: "evaluate",
    description: "Measure a trained model on a task",
    load: async () => (await import("./commands/evaluate.ts")).evaluate,
  },
  {
    name: "predict",
    description: "Use a trained model on pictures or texts",
    load: async () => (await import("./commands/predict.ts")).predict,
  },
  {
    name: "export",
    description: "Write a trained model as one ONNX file",
    load: async () => (await import("./commands/export.ts")).exportCommand,
  },
  {
    name: "doctor",
    description: "Look at runtime, memory, cache and settings, and say what is wrong",
    load: async () => (await import("./commands/doctor.ts")).doctor,
  },
];
