import { expect, test } from "vitest";
import { progressView } from "./progress-view.ts";

/** A view on a stream that collects, with a clock that is set by hand. */
function view(isTTY: boolean, options: { silent?: boolean; columns?: number } = {}) {
  const clock = { ms: 1000 };
  let text = "";
  const stream = { isTTY, columns: options.columns ?? 120, write: (part: string) => (text += part) };
  const { onProgress, clear } = progressView(stream, { silent: options.silent ?? false, now: () => clock.ms });
  const at = (seconds: number, done: number, more = {}) => {
    clock.ms = 1000 + 1000 * seconds;
    onProgress({ phase: "train", done, total: 100, unit: "steps", ...more });
  };
  return { at, clear, text: () => text };
}

test("a pipe gets a plain line every five seconds, and one at the end", () => {
  const { at, text } = view(false);
  for (let second = 0; second <= 20; second++) at(second, second * 5);
  expect(text().split("\n")).toEqual([
    "train: 25/100 steps, 5 steps/s, 15 s left",
    "train: 50/100 steps, 5 steps/s, 10 s left",
    "train: 75/100 steps, 5 steps/s, 5 s left",
    "train: 100/100 steps, 5 steps/s, in 20 s",
    "",
  ]);
});

test("the rate counts from the phase's first report, so that a resumed run is not too fast", () => {
  const { at, text } = view(false);
  at(0, 90);
  at(6, 93);
  expect(text()).toBe("train: 93/100 steps, 0.5 steps/s, 14 s left\n");
});

test("figures and long times are readable", () => {
  const { at, text } = view(false);
  at(0, 0);
  at(100, 1, { metrics: { loss: 0.43123, accuracy: 81.25 } });
  expect(text()).toBe("train: 1/100 steps, 0.01 steps/s, 2:45:00 h left, loss 0.431, accuracy 81.3\n");
});

test("a terminal gets one bar that is redrawn at most ten times a second and ends its line when done", () => {
  const { at, text } = view(true);
  at(0, 0);
  at(0.05, 10);
  at(2, 50);
  at(4, 100);
  const bars = text().split("\r\x1b[K");
  expect(bars).toEqual([
    `train            ${"░".repeat(24)} 0/100 steps`,
    `train            ${"█".repeat(12)}${"░".repeat(12)} 50/100 steps, 25 steps/s, 2 s left`,
    `train            ${"█".repeat(24)} 100/100 steps, 25 steps/s, in 4 s\n`,
  ]);
});

test("a bar never wraps, and is taken away for other text", () => {
  const { at, clear, text } = view(true, { columns: 30 });
  at(0, 0);
  expect(text()).toHaveLength(29);
  clear();
  clear();
  expect(text().endsWith("\r\x1b[K")).toBe(true);
  expect(text()).toHaveLength(29 + 4);
});

test("what takes less than a second is not worth a line in a pipe", () => {
  const { at, text } = view(false);
  at(0, 0);
  at(0.9, 100);
  expect(text()).toBe("");
});

test("a new phase of the same name starts over, a silent view writes nothing", () => {
  const again = view(false);
  again.at(0, 0);
  again.at(1, 100);
  again.at(2, 0);
  again.at(4, 100);
  expect(again.text()).toBe("train: 100/100 steps, 100 steps/s, in 1 s\ntrain: 100/100 steps, 50 steps/s, in 2 s\n");
  const silent = view(true, { silent: true });
  silent.at(0, 0);
  silent.at(9, 100);
  expect(silent.text()).toBe("");
});
