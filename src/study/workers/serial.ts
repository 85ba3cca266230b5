import type { Trainer } from "../run-one.ts";
import type { Workers } from "./workers.ts";

/** The process itself as the only worker: for tests, pages, and studies of a few trials. */
export function serialWorkers(trainer: Trainer): Workers {
  return {
    slots: 1,
    async run(request, call) {
      call.onStart("this process");
      return trainer.run(request, call);
    },
    close: () => trainer.close(),
  };
}
