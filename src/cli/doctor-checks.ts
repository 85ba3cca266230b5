import type { Facts } from "./doctor-facts.ts";

/** A finding: all is well, something to know, or something that will make graft fail. */
export interface Check {
  readonly name: string;
  readonly status: "ok" | "note" | "problem";
  readonly detail: string;
  readonly remedy?: string;
}

const GB = 2 ** 30;
/** The oldest Node that package.json's `engines` allows. */
const NODE: readonly [number, number] = [20, 19];

/** Judge what was found. A note or problem comes with its remedy. */
export function checkFacts(facts: Facts): Check[] {
  return [
    node(facts),
    runtime(facts),
    ...facts.devices.map(device),
    copies(facts),
    processor(facts),
    int8(facts),
    memory(facts),
    sharp(facts),
    web(facts),
    cache(facts),
    workingFolder(facts),
    hub(facts),
    embedded(facts),
    ...network(facts),
  ];
}

const ok = (name: string, detail: string): Check => ({ name, status: "ok", detail });
const note = (name: string, detail: string, remedy: string): Check => ({ name, status: "note", detail, remedy });
const problem = (name: string, detail: string, remedy: string): Check => ({ name, status: "problem", detail, remedy });

function node({ node, platform, graft }: Facts): Check {
  const [major = 0, minor = 0] = node.split(".").map(Number);
  const detail = `${node} on ${platform}, graft ${graft}`;
  return major > NODE[0] || (major === NODE[0] && minor >= NODE[1])
    ? ok("node", detail)
    : problem("node", detail, `Install Node ${NODE.join(".")} or newer`);
}

function runtime({ runtime }: Facts): Check {
  const name = "onnxruntime-node";
  if ("fault" in runtime) return problem(name, `it cannot be loaded: ${runtime.fault}`, `npm install ${name}`);
  const { version, providers } = runtime.value;
  return ok(name, `${version}; execution providers: ${providers.join(", ")}`);
}

function device({ device, test }: Facts["devices"][number]): Check {
  const name = `device ${device}`;
  if ("fault" in test)
    return note(name, `not usable: ${test.fault}`, "Only --device needs it; without, graft runs on the CPU");
  const { difference, seconds } = test.value;
  return ok(
    name,
    `a step agrees with the CPU's to ${difference.toExponential(1)}, in ${(1000 * seconds).toFixed(1)} ms`,
  );
}

function copies({ runtimeCopies }: Facts): Check {
  const shown = runtimeCopies.map(({ folder, version }) => `${version} in ${folder}`).join(", ");
  if (runtimeCopies.length <= 1) return ok("copies of onnxruntime-node", shown || "none found");
  return note(
    "copies of onnxruntime-node",
    `${runtimeCopies.length}: ${shown}; two native copies in one process crash it`,
    "`npm dedupe`, or an `overrides` entry in package.json; a program passes its own to `openBackbone` as `ort`",
  );
}

function processor({ cores, cpuFlags, platform }: Facts): Check {
  const flags = cpuFlags === undefined ? "its abilities are not told here" : cpuFlags.join(" ") || "no wide registers";
  const detail = `${cores} ${cores === 1 ? "core" : "cores"}; ${flags}`;
  if (cpuFlags !== undefined && platform.endsWith("x64") && !cpuFlags.includes("avx2"))
    return note("processor", detail, "Without AVX2 training takes several times longer: use a newer machine");
  return ok("processor", detail);
}

function int8({ int8 }: Facts): Check {
  const name = "int8 products";
  if ("fault" in int8)
    return note(name, `not with this runtime: ${int8.fault}`, "Train with --backbone-precision fp32");
  if (int8.value === 127) return ok(name, "exact, for --backbone-precision int8");
  return note(
    name,
    `exact with weights up to ±${int8.value} alone: this processor adds up products of bytes in 16 bits`,
    "--backbone-precision int8 works, one bit coarser and hardly faster",
  );
}

function memory({ memoryFree, memoryTotal }: Facts): Check {
  const detail = `${gigabytes(memoryFree)} free of ${gigabytes(memoryTotal)}`;
  if (memoryFree < 0.5 * GB)
    return problem("memory", detail, "Close other programs: the smallest training takes about half a gigabyte");
  if (memoryFree < 2 * GB)
    return note("memory", detail, "Give a small --batch-size; `graft train --dry-run` says what a training takes");
  return ok("memory", detail);
}

function sharp({ sharp }: Facts): Check {
  return "value" in sharp
    ? ok("sharp", `${sharp.value}, for pictures`)
    : problem("sharp", `it cannot be loaded, so no picture can be read: ${sharp.fault}`, "npm install sharp");
}

function web({ web }: Facts): Check {
  return "value" in web
    ? ok("onnxruntime-web", `${web.value}, for pages`)
    : note("onnxruntime-web", "it is not installed; only pages need it", "For pages: npm install onnxruntime-web");
}

function cache({ cache: { folder, models, size, isWritable, diskFree } }: Facts): Check {
  const kept = `${models} ${models === 1 ? "model" : "models"}, ${gigabytes(size)} of them fetched by graft`;
  const detail = `${folder}: ${kept}; ${gigabytes(diskFree)} free on its disk`;
  if (!isWritable)
    return problem("cache", `${detail}; it cannot be written`, "Grant the right, or set HF_HOME to another folder");
  if (diskFree < GB) return note("cache", detail, "Make room, or set HF_HOME to a folder on another disk");
  return ok("cache", detail);
}

function workingFolder({ workingFolder: { folder, isWritable, diskFree } }: Facts): Check {
  const detail = `${folder}: ${gigabytes(diskFree)} free`;
  if (!isWritable)
    return note(
      "working folder",
      `${detail}; it cannot be written`,
      "Give --out a folder elsewhere, or grant the right",
    );
  if (diskFree < GB) return note("working folder", detail, "Make room, or give --out a folder on another disk");
  return ok("working folder", detail);
}

const HUB = "https://huggingface.co";

function hub({ endpoint, hasToken, isOffline }: Facts): Check {
  const token = hasToken ? "a token is set" : "no token, which open models do not need";
  const detail = `${endpoint}; ${token}`;
  if (isOffline)
    return note(
      "hub",
      `${detail}; offline: only models in the cache`,
      "Unset HF_HUB_OFFLINE and TRANSFORMERS_OFFLINE to fetch",
    );
  if (endpoint !== HUB) return note("hub", detail, "Unset HF_ENDPOINT for the public hub");
  return ok("hub", detail);
}

function embedded({ embedded }: Facts): Check {
  if ("fault" in embedded)
    return problem(
      "embedded model",
      `it does not run: ${embedded.fault}`,
      "Install graft anew: npm install onnx-graft",
    );
  const { open, run } = embedded.value;
  return ok("embedded model", `opened in ${open.toFixed(0)} ms, loaded and run once in ${run.toFixed(0)} ms`);
}

function network({ network, endpoint }: Facts): Check[] {
  if (network === undefined) return [];
  if ("fault" in network)
    return [
      problem(
        "network",
        `${endpoint} cannot be reached: ${network.fault}`,
        "Check the connection, and the proxy: NODE_USE_ENV_PROXY=1 lets Node use HTTPS_PROXY",
      ),
    ];
  const { status, milliseconds } = network.value;
  if (status === 401 || status === 403)
    return [
      problem("network", `${endpoint} refuses the token (HTTP ${status})`, "Make a new token, or unset HF_TOKEN"),
    ];
  const detail = `${endpoint} answers HTTP ${status} in ${milliseconds.toFixed(0)} ms`;
  return [
    status < 400 ? ok("network", detail) : problem("network", detail, "Try later, or set HF_ENDPOINT to another hub"),
  ];
}

const gigabytes = (bytes: number) => `${(bytes / GB).toFixed(1)} GB`;
