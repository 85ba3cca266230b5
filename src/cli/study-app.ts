import { type StudyView, studyPage, studyView } from "../report/index.ts";
import type { StudyStorage } from "../study/index.ts";
import { pageProgram } from "./page-program.ts";

/** What a study's page shows of it, as it is now. */
export const viewOf = (storage: StudyStorage): StudyView => studyView(storage.study, storage.trials());

/**
 * A study as one page.
 * @throws GraftError NOT_BUILT where graft runs from source that was never built
 */
export function pageOf(view: StudyView, options: { readonly isLive?: boolean } = {}): string {
  return studyPage(view, { ...pageProgram("study-app"), ...options });
}
