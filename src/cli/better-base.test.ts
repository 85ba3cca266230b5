import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { refuseWorseThanBase } from "./better-base.ts";

let folder: string;
const write = (text: string) => writeFile(join(folder, "result.json"), text);
const result = (betterBase?: string) =>
  JSON.stringify({
    metric: "accuracy",
    validation: { loss: 1, value: 0.5 },
    base: [
      { name: "nearest neighbours", validation: { loss: 1, value: 0.4 } },
      { name: "linear head", validation: { loss: 1, value: 0.625 } },
    ],
    betterBase,
  });

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "graft-better-base-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

test("a model that is worse than its base is refused, with the measure and both values", async () => {
  await write(result("linear head"));
  await expect(refuseWorseThanBase(folder)).rejects.toMatchObject({
    code: "WORSE_THAN_BASE",
    thing: `model ${folder}`,
    place: expect.stringMatching(/linear head.*accuracy 62\.5 %.*50\.0 %/),
    remedy: expect.stringContaining("--force"),
  });
});

test("a value that is not defined, null in the record, is worse than any", async () => {
  const record = {
    ...JSON.parse(result("linear head")),
    metric: "pearson",
    validation: { loss: 1, value: Number.NaN },
  };
  await write(JSON.stringify(record));
  const place = expect.stringContaining("pearson 0.625, the adapters NaN");
  await expect(refuseWorseThanBase(folder)).rejects.toMatchObject({ code: "WORSE_THAN_BASE", place });
});

test.each([
  ["better than its base", result()],
  ["without a record of its training", "{}"],
  ["with a damaged record", "{"],
])("a model %s is not refused", async (_, text) => {
  await write(text);
  await refuseWorseThanBase(folder);
});

test("a folder without the record is not refused", () => refuseWorseThanBase(join(folder, "nowhere")));
