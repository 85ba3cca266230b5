import { type Backbone, GraftError, openBackbone, openTask, openTrained, type Task } from "../node.ts";
import type { DeviceChoice } from "../runtime/index.ts";
import type { TunedModel } from "../training/index.ts";
import { type ColumnArgs, columnNames } from "./arguments.ts";
import type { CommandContext } from "./define-command.ts";

export interface DataArgs extends ColumnArgs {
  readonly task?: string;
  readonly data?: string;
  readonly trainSize?: number;
  readonly seed?: number;
  readonly skipUnreadable?: boolean;
}

type Context = Pick<CommandContext<unknown>, "signal" | "onProgress" | "note">;

/** The backbone that `--model` names. */
export async function openModel(
  { model, dtype, device }: { readonly model: string; readonly dtype?: string; readonly device?: DeviceChoice },
  { signal, onProgress, note }: Context,
): Promise<Backbone> {
  const backbone = await openBackbone(model, { dtype, device, onNote: note, signal, onProgress });
  for (const text of backbone.notes) note(text);
  return backbone;
}

/** The trained model that `--model` names: a folder that `graft train` wrote. */
export async function openTrainedModel(
  {
    model,
    backbone,
    device,
  }: { readonly model: string; readonly backbone?: string | undefined; readonly device?: DeviceChoice },
  { signal, onProgress, note }: Context,
): Promise<TunedModel> {
  if (model.startsWith("builtin:"))
    throw new GraftError("NOT_TRAINED", {
      thing: `model ${model}`,
      place: "it has no trained head",
      remedy: "Name the folder that `graft train --out` wrote: --model DIR",
    });
  return openTrained(model, backbone, { device, onNote: note, signal, onProgress }).catch((error) => {
    throw backbone === undefined ? whereIsTheBackbone(error, model) : error;
  });
}

/** A backbone that is no longer where training found it. */
function whereIsTheBackbone(error: unknown, folder: string): unknown {
  if (!(error instanceof GraftError) || error.code !== "FILE_MISSING" || error.thing.includes(folder)) return error;
  return new GraftError("BACKBONE_MISSING", {
    thing: `the frozen model ${error.thing.replaceAll('"', "")}`,
    place: `${folder} was trained on it, and it is no longer there`,
    remedy: "Say where it lies now: --backbone MODEL",
    cause: error,
  });
}

/** Data has one source. Checked before a model is opened, which may take long. */
export function checkData({ task, data }: DataArgs): void {
  if ((task === undefined) !== (data === undefined)) return;
  throw new GraftError("USAGE", {
    thing: "the data",
    place: task === undefined ? "neither --task nor --data is given" : "both --task and --data are given",
    remedy:
      "Give --task NAME (a generated task, e.g. count) or --data PATH (a table, or a folder with train/<class>/ pictures)",
  });
}

/** The task that `--task` or `--data` names, at the size the backbone takes. */
export async function openData(
  args: DataArgs,
  backbone: Backbone,
  { signal, onProgress, note }: Context,
): Promise<Task> {
  checkData(args);
  const { task, data, trainSize, seed } = args;
  const opened = await openTask(task ?? data!, {
    from: task === undefined ? "data" : "generated",
    backbone,
    trainSize,
    seed,
    columns: columnNames(args),
    skipUnreadable: args.skipUnreadable,
    signal,
    onProgress,
  });
  for (const text of opened.notes) note(text);
  return opened;
}
