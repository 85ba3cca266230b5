#!/usr/bin/env node
import { CHILD_VARIABLE } from "./compare-host.ts";
import { runMain } from "./run-main.ts";
import { serveCommand, workerCall } from "./worker.ts";

const call = workerCall();
if (call) await serveCommand(call);
else if (process.send && process.env[CHILD_VARIABLE]) (await import("./compare-child.ts")).serveComparison();
else if (process.send && process.env.GRAFT_STUDY_CHILD) (await import("./study-openers.ts")).serveStudy();
else process.exitCode = await runMain(process.argv.slice(2));
