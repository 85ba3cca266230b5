import { openPage } from "./open-page.js";

let page;
let last = Promise.resolve();
self.onmessage = ({ data }) => {
  page ??= openPage(data);
  if (typeof data === "string") return;
  // Answers go back in the order of the questions.
  last = last
    .then(() => page[data.name](...data.args))
    .then(
      (result) => postMessage({ result }),
      (error) => postMessage({ problem: String(error) }),
    );
};
