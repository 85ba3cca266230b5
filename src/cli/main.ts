#!/usr/bin/env node
import { runMain } from "./run-main.ts";
import { serveCommand, workerCall } from "./worker.ts";

const call = workerCall();
if (call) await serveCommand(call);
else process.exitCode = await runMain(process.argv.slice(2));
