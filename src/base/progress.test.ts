import { afterEach, expect, test, vi } from "vitest";
import { breathe } from "./index.ts";

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

const platforms = [
  ["Node", () => {}],
  ["a page", () => vi.stubGlobal("setImmediate", undefined)],
] as const;

test.each(platforms)(
  "a breath needs no timer, which a page in the background would wait for (%s)",
  async (_, become) => {
    become();
    vi.useFakeTimers({ toFake: ["setTimeout"] });
    for (let k = 0; k < 3; k++) await breathe(undefined);
  },
);

test.each(platforms)("a breath lets timers fire, and throws what the signal says (%s)", async (_, become) => {
  become();
  const stop = new AbortController();
  setTimeout(() => stop.abort(new Error("enough")), 5);
  const breatheOn = async () => {
    for (;;) await breathe(stop.signal);
  };
  await expect(breatheOn()).rejects.toThrow("enough");
});
