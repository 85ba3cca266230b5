import { render } from "preact";
import type { StudyView } from "../study-view.ts";
import { App } from "./app.tsx";

/** Between two questions; where an answer takes long, ten times as long, so that trainings keep the processor. */
const POLL_MILLISECONDS = 1000;

const root = document.getElementById("app")!;
const show = (view: StudyView, isLost = false) => render(<App view={view} isLost={isLost} />, root);

let view = JSON.parse(document.getElementById("view")!.textContent) as StudyView;
show(view);
if (root.dataset.live === "true") watch();

/** Ask the server for the study again and again; it answers 304 while nothing changed. */
async function watch(): Promise<void> {
  let tag = "";
  let took = 0;
  for (;;) {
    await new Promise((resolve) => setTimeout(resolve, Math.max(POLL_MILLISECONDS, 10 * took)));
    const asked = performance.now();
    try {
      const response = await fetch("view.json", { headers: tag ? { "If-None-Match": tag } : {}, cache: "no-store" });
      if (response.status === 200) {
        tag = response.headers.get("ETag") ?? "";
        view = (await response.json()) as StudyView;
      }
      show(view, !response.ok && response.status !== 304);
    } catch {
      show(view, true);
    }
    took = performance.now() - asked;
  }
}
