import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import * as z from "zod";
import { writeFileAtomic } from "../base/index.node.ts";

const FILE = "selection.json";
const schema = z.object({ schema: z.literal(1), about: z.string(), placement: z.string() });

/**
 * A choice of edges that took trainings, kept in a folder for a training that goes on.
 * @param about  everything that the choice depends on; one made with other settings is not taken
 */
export function keptSelection(folder: string, about: object) {
  const path = join(folder, FILE);
  const key = createHash("sha256").update(JSON.stringify(about)).digest("hex");
  return {
    /** The placement as it is written; undefined where there is none of these settings. */
    async read(): Promise<string | undefined> {
      const text = await readFile(path, "utf8").catch(() => undefined);
      if (text === undefined) return undefined;
      const found = schema.safeParse(asJson(text));
      return found.success && found.data.about === key ? found.data.placement : undefined;
    },
    write: (placement: string) =>
      writeFileAtomic(path, `${JSON.stringify({ schema: 1, placement, about: key }, undefined, 2)}\n`),
  };
}

function asJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // of no use, like none
  }
}
