import { expect, test } from "vitest";
import { fixtureNames, fixtureRecord } from "../test/support/fixtures.ts";
import { agreement, listedFixtures, readModelPage, TOLERANCE } from "./model-table.ts";

const page = readModelPage();

test("docs/models.md lists every fixture as its record says; `npm run models` makes it again", () => {
  const listed = listedFixtures(page);
  expect([...listed.keys()].sort()).toEqual(fixtureNames());
  for (const [name, [architecture, exporter, opset, , , states, output, gradient]] of listed) {
    const record = fixtureRecord(name);
    const said = [architecture, exporter, Number(opset), states];
    expect(said, name).toEqual([
      record.architecture,
      record.exporter,
      record.opset,
      `${record.normPosition}, ${record.states.length}`,
    ]);
    expect(Number(output), name).toBeLessThan(TOLERANCE.output);
    expect(Number(gradient), name).toBeLessThan(TOLERANCE.gradient);
  }
});

test("docs/models.md lists every model that is refused", () => {
  const refused = page.slice(page.indexOf("## Refused"));
  expect(fixtureNames(true).filter((name) => !refused.includes(`| \`${name}\` |`))).toEqual([]);
});

test("12 architectures or more agree as both exporters write them", () => {
  const both = new Map<string, Set<string>>();
  for (const [architecture, exporter] of listedFixtures(page).values())
    both.set(architecture!, (both.get(architecture!) ?? new Set()).add(exporter!));
  const complete = [...both.values()].filter((exporters) => exporters.has("torchscript") && exporters.has("dynamo"));
  expect(complete.length).toBeGreaterThanOrEqual(12);
});

// The numbers of the page come from such runs; find-states.test.ts and encoders.test.ts check every fixture.
test.each(["bert-dynamo18", "clip-text-ts14"])("%s is measured, not assumed", async (name) => {
  const found = await agreement(name);
  expect(found.states).toBe(fixtureRecord(name).states.length);
  expect(found.output).toBeGreaterThan(0);
  expect(found.output).toBeLessThan(TOLERANCE.output);
  expect(found.gradient).toBeGreaterThan(0);
  expect(found.gradient).toBeLessThan(TOLERANCE.gradient);
});
