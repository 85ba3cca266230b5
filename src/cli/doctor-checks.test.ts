import { expect, test } from "vitest";
import { checkFacts } from "./doctor-checks.ts";
import type { Facts } from "./doctor-facts.ts";

const GB = 2 ** 30;

const healthy: Facts = {
  graft: "1.2.3",
  node: "22.1.0",
  platform: "linux x64",
  runtime: { value: { version: "1.30.0", providers: ["cpu"] } },
  devices: [{ device: "webgpu", test: { value: { difference: 2e-7, seconds: 0.01 } } }],
  runtimeCopies: [{ folder: "/app/node_modules/onnxruntime-node", version: "1.30.0" }],
  cores: 2,
  cpuFlags: ["avx2"],
  int8: { value: 127 },
  memoryTotal: 8 * GB,
  memoryFree: 4 * GB,
  sharp: { value: "0.35.0" },
  web: { value: "1.30.0" },
  cache: { folder: "/cache", models: 2, size: 3 * GB, isWritable: true, diskFree: 10 * GB },
  workingFolder: { folder: "/app", isWritable: true, diskFree: 10 * GB },
  hasToken: false,
  endpoint: "https://huggingface.co",
  isOffline: false,
  embedded: { value: { open: 100, run: 50 } },
  network: undefined,
};

test("a healthy machine has nothing but ok, and no remedy", () => {
  for (const check of checkFacts(healthy)) expect(check).toEqual({ ...check, status: "ok", remedy: undefined });
});

const ill: [name: string, status: "note" | "problem", facts: Partial<Facts>, detail: string, remedy: string][] = [
  ["node", "problem", { node: "20.18.3" }, "20.18.3 on linux x64", "20.19"],
  ["onnxruntime-node", "problem", { runtime: { fault: "no such library" } }, "no such library", "npm install"],
  [
    "device webgpu",
    "note",
    { devices: [{ device: "webgpu", test: { fault: "no adapter" } }] },
    "not usable: no adapter",
    "--device",
  ],
  [
    "copies of onnxruntime-node",
    "note",
    { runtimeCopies: ["/a", "/b"].map((folder) => ({ folder, version: "1.24.3" })) },
    "1.24.3 in /a, 1.24.3 in /b",
    "npm dedupe",
  ],
  ["processor", "note", { cpuFlags: [] }, "no wide registers", "AVX2"],
  ["int8 products", "note", { int8: { value: 63 } }, "up to ±63", "one bit coarser"],
  ["int8 products", "note", { int8: { fault: "no such operator" } }, "no such operator", "fp32"],
  ["memory", "note", { memoryFree: GB }, "1.0 GB free of 8.0 GB", "--batch-size"],
  ["memory", "problem", { memoryFree: GB / 4 }, "0.3 GB free", "Close"],
  ["sharp", "problem", { sharp: { fault: "not installed" } }, "not installed", "npm install sharp"],
  ["onnxruntime-web", "note", { web: { fault: "not installed" } }, "only pages need it", "npm install onnxruntime-web"],
  ["cache", "problem", { cache: { ...healthy.cache, isWritable: false } }, "cannot be written", "HF_HOME"],
  ["cache", "note", { cache: { ...healthy.cache, diskFree: 0 } }, "0.0 GB free", "Make room"],
  ["working folder", "note", { workingFolder: { ...healthy.workingFolder, isWritable: false } }, "cannot", "--out"],
  ["working folder", "note", { workingFolder: { ...healthy.workingFolder, diskFree: 0 } }, "0.0 GB free", "--out"],
  ["hub", "note", { isOffline: true }, "offline", "HF_HUB_OFFLINE"],
  ["hub", "note", { endpoint: "https://mirror.example" }, "https://mirror.example", "HF_ENDPOINT"],
  ["embedded model", "problem", { embedded: { fault: "file gone" } }, "file gone", "Install graft anew"],
  ["network", "problem", { network: { fault: "ENOTFOUND" } }, "ENOTFOUND", "proxy"],
  ["network", "problem", { network: { value: { status: 401, milliseconds: 9 } } }, "refuses the token", "HF_TOKEN"],
  ["network", "problem", { network: { value: { status: 503, milliseconds: 9 } } }, "HTTP 503", "later"],
];

test.each(ill)("%s: %s", (name, status, facts, detail, remedy) => {
  const findings = checkFacts({ ...healthy, ...facts }).filter((check) => check.status !== "ok");
  expect(findings).toEqual([
    { name, status, detail: expect.stringContaining(detail), remedy: expect.stringContaining(remedy) },
  ]);
});

test("a hub that answers is ok, and a token is told without its text", () => {
  const facts = { ...healthy, hasToken: true, network: { value: { status: 200, milliseconds: 12.4 } } };
  const checks = checkFacts(facts);
  expect(checks.find(({ name }) => name === "network")).toMatchObject({
    status: "ok",
    detail: expect.stringContaining("12 ms"),
  });
  expect(checks.find(({ name }) => name === "hub")?.detail).toContain("a token is set");
});
