/** `npm run bench [NAME …]`: speed against a bound or a peer in the same run; medians. The machine is named first. */
import { cpus, totalmem } from "node:os";
import { loopOverhead } from "./loop-overhead.ts";
import { stepVitB } from "./step-vit-b.ts";

const benches: Readonly<Record<string, () => Promise<object>>> = {
  "step-vit-b": stepVitB,
  "loop-overhead": loopOverhead,
};

const wanted = process.argv.slice(2);
const unknown = wanted.find((name) => !Object.hasOwn(benches, name));
if (unknown !== undefined) {
  console.error(`no benchmark "${unknown}"; there are: ${Object.keys(benches).join(", ")}`);
  process.exit(2);
}
console.log(`${cpus().length} × ${cpus()[0]?.model}, ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.version}`);
for (const name of wanted.length ? wanted : Object.keys(benches)) {
  console.log(name);
  for (const [key, value] of Object.entries(await benches[name]!()))
    console.log(`  ${key.padEnd(16)} ${typeof value === "number" ? Number(value.toPrecision(4)) : value}`);
}
