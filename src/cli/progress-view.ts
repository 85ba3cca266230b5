import type { Progress } from "../base/index.ts";

/** Where progress is drawn: stderr, or a test's collector. */
export interface TextStream {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

export interface ProgressView {
  readonly onProgress: (progress: Progress) => void;
  /** Take an unfinished bar off the screen, so that other text can be written; the next report draws it again. */
  clear(): void;
}

export interface ProgressViewOptions {
  readonly silent?: boolean;
  /** Milliseconds between redraws on a terminal; default 100. */
  readonly redrawEvery?: number;
  /** Milliseconds between lines in a pipe; default 5000. */
  readonly lineEvery?: number;
  /** A clock in milliseconds; default: performance.now. */
  readonly now?: () => number;
}

/** Characters; fewer where the line would be cut. */
const barWidth = 24;

/**
 * Show a long call's progress: a bar with rate and time left on a terminal, plain lines every few seconds in a pipe.
 * The end of a phase is shown too, but for one that took less than a second in a pipe. The rate is the mean since the phase's first report.
 */
export function progressView(
  stream: TextStream,
  { silent = false, redrawEvery = 100, lineEvery = 5000, now = () => performance.now() }: ProgressViewOptions = {},
): ProgressView {
  let phase: { name: string; startTime: number; startDone: number } | undefined;
  let lastDone = 0;
  let lastShown = Number.NEGATIVE_INFINITY;
  let barOnScreen = false;
  const clear = () => {
    if (barOnScreen) stream.write("\r\x1b[K");
    barOnScreen = false;
  };
  const onProgress = (progress: Progress) => {
    const time = now();
    if (phase?.name !== progress.phase || progress.done < lastDone) {
      phase = { name: progress.phase, startTime: time, startDone: progress.done };
      // A pipe's first line comes after the first wait: a phase that is over sooner says so once, at its end.
      lastShown = stream.isTTY ? Number.NEGATIVE_INFINITY : time;
    }
    lastDone = progress.done;
    const finished = progress.done >= progress.total;
    if (!finished && time - lastShown < (stream.isTTY ? redrawEvery : lineEvery)) return;
    const seconds = (time - phase.startTime) / 1000;
    if (finished && !stream.isTTY && seconds < 1) return;
    lastShown = time;
    const text = describe(progress, (progress.done - phase.startDone) / seconds, seconds);
    if (!stream.isTTY) {
      stream.write(`${progress.phase}: ${text}\n`);
      return;
    }
    clear();
    const columns = (stream.columns ?? 80) - 1;
    const width = Math.min(barWidth, Math.max(0, columns - 18 - text.length));
    const line = `${progress.phase.padEnd(16)} ${bar(progress.done / progress.total, width)} ${text}`;
    stream.write(line.slice(0, columns));
    if (finished) stream.write("\n");
    barOnScreen = !finished;
    if (finished) phase = undefined;
  };
  return silent ? { onProgress: () => {}, clear: () => {} } : { onProgress, clear };
}

function describe({ done, total, unit, metrics = {} }: Progress, perSecond: number, seconds: number): string {
  const parts = [`${done}/${total} ${unit}`];
  if (Number.isFinite(perSecond) && perSecond > 0) {
    parts.push(`${figure(perSecond)} ${unit}/s`);
    parts.push(done < total ? `${duration((total - done) / perSecond)} left` : `in ${duration(seconds)}`);
  }
  for (const [name, value] of Object.entries(metrics)) parts.push(`${name} ${figure(value)}`);
  return parts.join(", ");
}

function bar(share: number, width: number): string {
  const full = Math.round(Math.min(1, Math.max(0, share)) * width);
  return "█".repeat(full) + "░".repeat(width - full);
}

/** Three significant digits, no exponent for everyday sizes: 0.431, 14.2, 1830. */
function figure(value: number): string {
  if (Math.abs(value) >= 100 && Math.abs(value) < 1e6) return value.toFixed(0);
  return String(Number(value.toPrecision(3)));
}

/** 7 s, 1:05 min, 2:03:10 h */
export function duration(seconds: number): string {
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  const two = (n: number) => String(n).padStart(2, "0");
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60];
  return hours === 0 ? `${minutes}:${two(whole % 60)} min` : `${hours}:${two(minutes)}:${two(whole % 60)} h`;
}
