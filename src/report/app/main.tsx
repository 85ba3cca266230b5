import { render } from "preact";
import type { StudyView } from "../study-view.ts";
import { App } from "./app.tsx";

const POLL_MILLISECONDS = 1000;

const root = document.getElementById("app")!;
const show = (view: StudyView, isLost = false) => render(<App view={view} isLost={isLost} />, root);

let view = JSON.parse(document.getElementById("view")!.textContent) as StudyView;
show(view);
if (root.dataset.live === "true") watch();

/** Ask the server for the study again and again; it answers 304 while nothing changed. */
async function watch(): Promise<void> {
  let tag = "";
  for (;;) {
    await new Promise((resolve) => setTimeout(resolve, POLL_MILLISECONDS));
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
  }
}
