import type { ExperimentName } from "../study/index.ts";
import type { Command } from "./define-command.ts";

/** Commands load on use: `graft --help` reads this table and nothing else. */
export type CommandEntry = RunnableEntry | CommandGroup;

/** Commands under one word: `graft study create`. */
export interface CommandGroup {
  readonly name: string;
  readonly description: string;
  readonly commands: readonly RunnableEntry[];
}

export interface RunnableEntry {
  readonly name: string;
  readonly description: string;
  readonly load: () => Promise<Command>;
  /** Runs in a thread of its own, so that the main one stays free while the runtime works. */
  readonly inWorker?: boolean;
}

export const commandList: readonly CommandEntry[] = [
  {
    name: "demo",
    description: "Score, place, train, compare and export on the embedded model: the whole path in minutes",
    load: async () => (await import("./commands/demo.ts")).demo,
    inWorker: true,
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
    inWorker: true,
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
    name: "study",
    description: "Search for the best placement: many trainings, safe from crashes, on one machine or many",
    commands: [
      {
        name: "create",
        description: "Make the file of a study from a study.yaml, and say how many trainings it is",
        load: async () => (await import("./commands/study/create.ts")).create,
      },
      {
        name: "run",
        description: "Train a study's trials until its limits",
        load: async () => (await import("./commands/study/run.ts")).runCommand,
      },
      {
        name: "resume",
        description: "Go on with a study that stopped: the same as run",
        load: async () => (await import("./commands/study/run.ts")).resumeCommand,
      },
      {
        name: "status",
        description: "Say how far a study is, what is best so far and when it will be done",
        load: async () => (await import("./commands/study/status.ts")).status,
      },
      {
        name: "stop",
        description: "Ask the process that runs a study to end after the trainings under way",
        load: async () => (await import("./commands/study/stop.ts")).stop,
      },
      {
        name: "export",
        description: "Write a study's trials as CSV or JSON lines",
        load: async () => (await import("./commands/study/export.ts")).exportStudyCommand,
      },
      {
        name: "report",
        description: "Write a study as one page: history, map of edges, trials, cost",
        load: async () => (await import("./commands/study/report.ts")).reportCommand,
      },
      {
        name: "watch",
        description: "Show a study in the browser while it runs",
        load: async () => (await import("./commands/study/watch.ts")).watch,
      },
    ],
  },
  {
    name: "worker",
    description: "Train runs of studies that a queue holds ready, beside other machines",
    load: async () => (await import("./commands/worker.ts")).worker,
  },
  {
    name: "paper",
    description: "Do the paper's experiments as studies, on the embedded model or yours",
    commands: [
      paper("places", "One parallel adapter at each place, task by task"),
      paper("edges", "One adapter on every third edge, task by task"),
      paper("correlation", "Are edges that are good for one task good for another? Reads the study of edges"),
      paper("scores", "Whether scores tell, before any training, how good those edges are. Reads the study of edges"),
      paper("random", "Draws of as many edges as there are places, as a distribution; the best is tested once"),
      paper("baselines", "The table: linear head, first places, every place, LoRA, full fine-tuning, random draws"),
    ],
  },
  {
    name: "doctor",
    description: "Look at runtime, memory, cache and settings, and say what is wrong",
    load: async () => (await import("./commands/doctor.ts")).doctor,
  },
];

function paper(name: ExperimentName, description: string): RunnableEntry {
  return { name, description, load: async () => (await import("./commands/paper.ts")).paperCommand(name) };
}
