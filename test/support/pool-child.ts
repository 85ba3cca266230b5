import { servePool } from "../../src/study/index.node.ts";
import { fakeTrainer } from "./fake-trainer.ts";

/** A process of the pool whose trainings are made up. */
servePool(fakeTrainer());
