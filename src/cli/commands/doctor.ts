import * as z from "zod";
import { terminalTable } from "../../report/index.ts";
import { type SelfTest, testDevice } from "../../runtime/index.node.ts";
import { devices } from "../../runtime/index.ts";
import { commonArgs } from "../arguments.ts";
import { defineCommand } from "../define-command.ts";
import { type Check, checkFacts } from "../doctor-checks.ts";
import { gatherFacts } from "../doctor-facts.ts";

export const doctor = defineCommand({
  args: {
    network: z.boolean().default(false).describe("ask the hub too, over the network"),
    device: z.enum(devices).optional().describe("run this device's self-test alone"),
    ...commonArgs,
  },
  examples: ["graft doctor", "graft doctor --device webgpu", "graft doctor --network --json"],
  async run({ args, signal, print }) {
    if (args.device !== undefined) {
      print(await testDevice(args.device), selfTestReport);
      return 0;
    }
    const checks = checkFacts(await gatherFacts({ network: args.network, signal }));
    print({ checks }, () => report(checks));
    return checks.some(({ status }) => status === "problem") ? 1 : 0;
  },
});

const selfTestReport = ({ difference, seconds }: SelfTest): string =>
  `a training step of a small transformer agrees with the CPU's to ${difference.toExponential(1)}, in ${(1000 * seconds).toFixed(1)} ms`;

function report(checks: readonly Check[]): string {
  const table = terminalTable({
    columns: [{ title: "" }, { title: "check" }, { title: "found" }],
    rows: checks.map(({ name, status, detail }) => [status, name, detail]),
  });
  const remedies = checks.flatMap(({ name, status, remedy }) => (remedy ? [`${status}: ${name}: ${remedy}`] : []));
  return remedies.length > 0 ? `${table}\n${remedies.join("\n")}\n` : table;
}
