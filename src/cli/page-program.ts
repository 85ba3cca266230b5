import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { GraftError } from "../base/index.ts";
import type { PageProgram } from "../report/index.ts";
import { isBuilt } from "./worker-host.ts";

/**
 * The program of a page, in the folder of whatever file this is built into. From source it is the one of the last build.
 * @throws GraftError NOT_BUILT where graft runs from source that was never built
 */
export function pageProgram(name: "study-app" | "map-app"): PageProgram {
  const file = new URL(isBuilt ? `./${name}.js` : `../../dist/${name}.js`, import.meta.url);
  try {
    const app = readFileSync(file, "utf8");
    return { app, appHash: createHash("sha256").update(app).digest("base64") };
  } catch {
    throw new GraftError("NOT_BUILT", {
      thing: "the program of a page",
      place: `${file.pathname} is not there`,
      remedy: "Build it: `npm run build`",
    });
  }
}
