export { type Device, type DeviceChoice, devices, type WebDevice } from "./devices.ts";
export type { HostWorker } from "./host-worker.ts";
export type { Ort } from "./ort-session.ts";
export { outputBuffers } from "./output-buffers.ts";
export { type SearchRuntime, searchRuntime } from "./search-runtime.ts";
export type { HostArray, HostTensor, Runtime, Session, SessionOptions } from "./session.ts";
export { type SessionMemory, sessionMemory } from "./session-memory.ts";
export { createWebRuntime } from "./web.ts";
