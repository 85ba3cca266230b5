import * as z from "zod";
import { terminalTable } from "../../report/index.ts";
import { commonArgs } from "../arguments.ts";
import { defineCommand } from "../define-command.ts";
import { type Check, checkFacts } from "../doctor-checks.ts";
import { gatherFacts } from "../doctor-facts.ts";

export const doctor = defineCommand({
  args: {
    network: z.boolean().default(false).describe("ask the hub too, over the network"),
    ...commonArgs,
  },
  examples: ["graft doctor", "graft doctor --network --json"],
  async run({ args, signal, print }) {
    const checks = checkFacts(await gatherFacts({ network: args.network, signal }));
    print({ checks }, () => report(checks));
    return checks.some(({ status }) => status === "problem") ? 1 : 0;
  },
});

function report(checks: readonly Check[]): string {
  const table = terminalTable({
    columns: [{ title: "" }, { title: "check" }, { title: "found" }],
    rows: checks.map(({ name, status, detail }) => [status, name, detail]),
  });
  const remedies = checks.flatMap(({ name, status, remedy }) => (remedy ? [`${status}: ${name}: ${remedy}`] : []));
  return remedies.length > 0 ? `${table}\n${remedies.join("\n")}\n` : table;
}
