import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { GraftError } from "../base/index.ts";
import { type StudyView, studyPage, studyView } from "../report/index.ts";
import { importance, paretoFront, type StudyStorage } from "../study/index.ts";
import { isBuilt } from "./worker-host.ts";

/** The page's program, in the folder of whatever file this is built into. From source it is the one of the last build. */
const program = new URL(isBuilt ? "./study-app.js" : "../../dist/study-app.js", import.meta.url);

/** What a study's page shows of it, as it is now. */
export const viewOf = (storage: StudyStorage): StudyView =>
  studyView(storage.study, storage.trials(), { front: paretoFront, importance });

/**
 * A study as one page.
 * @throws GraftError NOT_BUILT where graft runs from source that was never built
 */
export function pageOf(view: StudyView, options: { readonly isLive?: boolean } = {}): string {
  const app = readProgram();
  return studyPage(view, { app, appHash: createHash("sha256").update(app).digest("base64"), ...options });
}

function readProgram(): string {
  try {
    return readFileSync(program, "utf8");
  } catch {
    throw new GraftError("NOT_BUILT", {
      thing: "the program of a study's page",
      place: `${program.pathname} is not there`,
      remedy: "Build it: `npm run build`",
    });
  }
}
