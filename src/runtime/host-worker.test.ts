import { expect, test } from "vitest";
import { startNodeWorker } from "./worker.node.ts";

test("a thread answers in order, fails alone, takes buffers over, and ends", async () => {
  const worker = (await startNodeWorker(`(() => {
    let asked = 0;
    return ({ numbers }) => {
      asked++;
      if (numbers === undefined) throw new Error("no numbers");
      return [{ asked, numbers: numbers.map((x) => 2 * x) }];
    };
  })()`))!;
  const numbers = Float64Array.of(1, 2);
  const answers = [worker.ask({ numbers }, [numbers.buffer]), worker.ask({}), worker.ask({ numbers: [5] })];
  expect(numbers).toHaveLength(0);
  const settled = await Promise.allSettled(answers);
  expect(settled).toMatchObject([
    { value: { asked: 1, numbers: Float64Array.of(2, 4) } },
    { reason: { message: "Error: no numbers" } },
    { value: { asked: 3, numbers: [10] } },
  ]);
  await worker.close();
  await expect(worker.ask({ numbers: [1] })).rejects.toThrow("the thread ended");
});

test("a message that cannot be sent rejects alone", async () => {
  const worker = (await startNodeWorker("({ numbers }) => [numbers.length]"))!;
  const { buffer } = Float64Array.of(1, 2);
  await expect(worker.ask({ numbers: [] }, [buffer, buffer])).rejects.toThrow(/duplicate/);
  expect(await worker.ask({ numbers: [1, 2, 3] })).toBe(3);
  await worker.close();
});

test("a program that does not start is no worker", async () => {
  expect(await startNodeWorker("no expression")).toBeUndefined();
  expect(await startNodeWorker("missing.member")).toBeUndefined();
});

test("a thread that ends while it is asked rejects", async () => {
  const worker = (await startNodeWorker("() => process.exit(3)"))!;
  await expect(worker.ask({})).rejects.toThrow("the thread ended (exit code 3)");
});
