import type { Progress } from "../base/index.ts";
import { progressView, type TextStream } from "./progress-view.ts";

/** Version of every JSON document graft prints. It grows when a field changes its meaning or goes. */
export const jsonSchema = 1;

/** A command's two channels: results on stdout, as JSON or as text for people; everything else on stderr. */
export interface Output {
  /** The command's result. With --json one document, `{ schema: 1, ...value }`; else what `human` makes of it. */
  print<Value extends object>(value: Value, human: (value: Value) => string): void;
  /** With --json a line of its own, `{ schema: 1, type, ...value }`, for commands that report while they run. */
  line(type: string, value: object): void;
  /** A remark for people on stderr; --quiet drops it. */
  note(text: string): void;
  readonly onProgress: (progress: Progress) => void;
  close(): void;
}

export interface OutputOptions {
  readonly json: boolean;
  readonly quiet: boolean;
  readonly stdout: TextStream;
  readonly stderr: TextStream;
}

export function openOutput({ json, quiet, stdout, stderr }: OutputOptions): Output {
  const progress = progressView(stderr, { silent: json || quiet });
  return {
    print(value, human) {
      progress.clear();
      stdout.write(json ? jsonLine(value) : endLine(human(value)));
    },
    line(type, value) {
      if (json) stdout.write(jsonLine({ type, ...value }));
    },
    note(text) {
      if (quiet) return;
      progress.clear();
      stderr.write(endLine(text));
    },
    onProgress: progress.onProgress,
    close: progress.clear,
  };
}

export function jsonLine(value: object): string {
  return `${JSON.stringify({ schema: jsonSchema, ...value })}\n`;
}

function endLine(text: string): string {
  return text.endsWith("\n") ? text : `${text}\n`;
}
