import { setTimeout as sleep } from "node:timers/promises";
import { GraftError } from "../../src/base/index.ts";
import type { RunRequest, RunResult, Trainer } from "../../src/study/index.ts";

/** What a made-up training of a method comes to. */
export const madeUpResult = ({ seed, candidate }: RunRequest): RunResult => ({
  validation: { value: candidate.method.length / 100, loss: seed },
  measured: { value: candidate.method.length / 200, loss: seed },
  bestEpoch: 2,
  trainableParameters: 7,
  seconds: 0.01,
});

/** Two epochs of nothing. The method `fails` fails, `dies` takes its process along, `hangs` waits for the signal. */
export function fakeTrainer(): Trainer {
  return {
    async run(request, { signal, onReport, onLog }) {
      signal.throwIfAborted();
      const { method } = request.candidate;
      if (method === "fails")
        throw new GraftError("LOSS_NOT_FINITE", { thing: "loss", place: "step 1", remedy: "less" });
      if (method === "throws") throw new TypeError("a mistake");
      if (method === "dies") process.kill(process.pid, "SIGKILL");
      onLog(`trains ${method}`);
      for (let epoch = 1; epoch <= 2; epoch++) {
        onReport({ epoch, value: epoch / 10, loss: 1 });
        await sleep(method === "hangs" ? 60_000 : 1, undefined, { signal });
      }
      return madeUpResult(request);
    },
    close: async () => {},
  };
}
