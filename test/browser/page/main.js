import { openPage } from "./open-page.js";

globalThis.page = new URLSearchParams(location.search).has("worker") ? pageInWorker() : openPage(location.search);

/** The same functions, run by a worker of the app's. */
function pageInWorker() {
  const worker = new Worker(new URL("./worker.js", import.meta.url), { type: "module" });
  const waiting = [];
  worker.onmessage = ({ data: { result, problem } }) => {
    const { resolve, reject } = waiting.shift();
    if (problem) reject(new Error(problem));
    else resolve(result);
  };
  worker.postMessage(location.search);
  const ask = (name, ...args) =>
    new Promise((resolve, reject) => {
      waiting.push({ resolve, reject });
      worker.postMessage({ name, args });
    });
  return new Proxy({}, { get: (_, name) => ask.bind(null, name) });
}
