import { GraftError } from "../base/index.ts";

/** Where sessions run: ONNX Runtime's execution providers, as graft names them. */
export const devices = ["cpu", "webgpu", "cuda", "coreml", "dml"] as const;
export type Device = (typeof devices)[number];

/** A device, or the fastest that passes its self-test. */
export type DeviceChoice = Device | "auto";

/** Where sessions of a page run. */
export type WebDevice = "wasm" | "webgpu";

/** What makes a device available, for people. */
const REMEDIES: Readonly<Record<Device, string>> = {
  cpu: "Install onnxruntime-node anew",
  webgpu: "It needs Windows, macOS or Linux on x64 (or an arm64 Mac), and a graphics driver (on Linux Vulkan)",
  cuda: "It needs Linux on x64, a NVIDIA driver, CUDA 12 and cuDNN 9, and its libraries beside the runtime: npm install onnxruntime-node --onnxruntime-node-install=cuda12",
  coreml: "It needs macOS",
  dml: "It needs Windows",
};

const CPU = "Or leave --device out, for the CPU";

/** What a device was found to be unable to do. Codes: DEVICE_MISSING, DEVICE_FAILED, DEVICE_DIFFERS. */
export const deviceError = (code: string, device: Device, place: string, cause?: unknown): GraftError =>
  new GraftError(code, { thing: `device ${device}`, place, remedy: `${REMEDIES[device]}. ${CPU}`, cause });

/** What a page's device was found to be unable to do. Codes as above. */
export const webDeviceError: typeof deviceError = (code, device, place, cause) =>
  new GraftError(code, {
    thing: `device ${device}`,
    place,
    remedy:
      'It needs a browser with WebGPU, a page of https or localhost, and the build that has it: import * as ort from "onnxruntime-web/webgpu", given as `ort`. Or leave `device` out, for WebAssembly',
    cause,
  });
