import { readdir, stat } from "node:fs/promises";
import { basename, extname, join, resolve } from "node:path";
import { openRecordStore } from "../base/index.node.ts";
import { breathe, GraftError, type LongCall, nameSeed, type RecordStore, random } from "../base/index.ts";
import { decodeImage } from "./decode-image.node.ts";
import type { ImageTarget } from "./resize.ts";
import type { Augmentation, ImageSplit, ImageTask } from "./task.ts";

export interface ImageFolderOptions extends ImageTarget, LongCall {
  /** Which images a missing split takes from `train`, default 0. */
  readonly seed?: number;
  /** Share of each class that goes to validation where there is no `val` folder, default 0.1. */
  readonly validationShare?: number;
  /** Share of each class that goes to test where there is no `test` folder, default 0.2; 0.1 where there is no `train`. */
  readonly testShare?: number;
  /** Changes that keep the labels; default a shift by a sixteenth of the width, no flip (it would turn b into d). */
  readonly augment?: Augmentation;
}

/** An image folder's task. Pictures beyond 256 MiB a split lie in a temporary file. */
export interface ImageFolderTask extends ImageTask {
  /** Let the pictures go; the task cannot be read afterwards. */
  close(): void;
}

const extensions = new Set([".png", ".jpg", ".jpeg", ".jfif", ".webp", ".gif", ".avif", ".tif", ".tiff"]);
/** Endings of pictures that the decoder cannot read: not to be passed over in silence. */
const undecodable = new Set([".bmp", ".heic", ".heif", ".jxl", ".jp2", ".tga", ".ico", ".psd", ".dng", ".raw"]);

/** Files of each class, by class name. */
type Listing = Map<string, string[]>;

/** Files left out because of their ending: how many of each. */
type LeftOut = Map<string, number>;

interface Example {
  readonly path: string;
  readonly label: number;
}

/**
 * Open a folder of images: `train/<class>/*.png|jpg|webp|gif|avif|tif`, likewise `val/` (or `validation/`) and `test/`. A
 * missing one of the latter two is split off `train`, seeded and class by class, and `notes` says so, and how many pictures
 * of kinds that cannot be read were left out. In a folder with none of these, its own folders are the classes. Classes are the folders of `train` in code-unit order. All images are decoded
 * here and held as bytes at the given size, in a temporary file where memory would not do.
 * @throws GraftError NO_SUCH_FOLDER, NO_IMAGES, ONE_CLASS, UNKNOWN_CLASS, TOO_FEW_IMAGES, UNREADABLE_IMAGE, and what an
 *         aborted `signal` gives as its reason
 */
export async function openImageFolder(path: string, options: ImageFolderOptions): Promise<ImageFolderTask> {
  const { height, width, resize, seed = 0, validationShare = 0.1, signal, onProgress } = options;
  const root = resolve(path);
  const leftOut: LeftOut = new Map();
  const own = await listSplit(root, ["train"], path, leftOut);
  const train = own ?? (await listFlat(root, path, leftOut));
  const { testShare = own ? 0.2 : 0.1 } = options;
  const validation = await listSplit(root, ["val", "validation"], path, leftOut);
  const test = await listSplit(root, ["test"], path, leftOut);
  const classes = [...train.keys()];
  checkClasses(path, own ? join(path, "train") : path, classes, { val: validation, test });

  const notes = [...leftOut].map(
    ([ending, count]) => `${count} ${ending} file${count === 1 ? "" : "s"} left out: this kind cannot be read`,
  );
  const shares = { validation: validation ? 0 : validationShare, test: test ? 0 : testShare };
  const parts = divide(train, shares, seed);
  if (own === undefined)
    notes.push(
      `no train/ folder: the ${classes.length} folders are the classes, ${parts.validation.length} images of them serve as validation and ${parts.test.length} as test (seed ${seed})`,
    );
  else
    for (const name of ["validation", "test"] as const) {
      if (shares[name] === 0) continue;
      notes.push(
        `no ${name === "validation" ? "val" : name}/ folder: ${parts[name].length} images of train/ serve as ${name} (seed ${seed})`,
      );
    }
  const examples = {
    train: parts.train,
    validation: validation ? examplesOf(validation, classes) : parts.validation,
    test: test ? examplesOf(test, classes) : parts.test,
  };

  const total = examples.train.length + examples.validation.length + examples.test.length;
  let done = 0;
  const each = async () => {
    done++;
    onProgress?.({ phase: "read images", done, total, unit: "images" });
    if (done % 16 === 0) await breathe(signal);
    signal?.throwIfAborted();
  };
  signal?.throwIfAborted();
  const stores = { train: openRecordStore(), validation: openRecordStore(), test: openRecordStore() };
  const close = () => {
    for (const store of Object.values(stores)) store.close();
  };
  try {
    for (const name of ["train", "validation", "test"] as const)
      await decodeInto(stores[name], examples[name], { height, width, resize }, each);
  } catch (error) {
    close();
    throw error;
  }
  return {
    name: basename(root),
    title: `Images of ${path}`,
    goal: { kind: "classify", classes },
    image: { height, width },
    augment: options.augment ?? { flip: false, shift: Math.floor(width / 16) },
    notes,
    train: splitOf(stores.train, examples.train),
    validation: splitOf(stores.validation, examples.validation),
    test: splitOf(stores.test, examples.test),
    close,
  };
}

/** List a split's classes and files, sorted; undefined where none of its folders exists. */
async function listSplit(
  root: string,
  names: readonly string[],
  shown: string,
  leftOut: LeftOut,
): Promise<Listing | undefined> {
  const top = await entriesOf(root, shown);
  const name = names.find((candidate) => top.some((entry) => entry === candidate));
  if (name === undefined) return undefined;
  const listing = await listClasses(join(root, name), join(shown, name), leftOut);
  if (listing.size === 0) {
    throw new GraftError("NO_IMAGES", {
      thing: `folder ${join(shown, name)}`,
      place: "it has no class folders with images",
      remedy: `Put images under ${name}/<class>/`,
    });
  }
  return listing;
}

/** Classes that lie in the folder itself: at least one folder with pictures, and none of those that name a split. */
async function listFlat(root: string, shown: string, leftOut: LeftOut): Promise<Listing> {
  const top = await entriesOf(root, shown);
  const isSplit = top.some((name) => ["val", "validation", "test"].includes(name));
  const inside = await Promise.all(top.map((name) => readdir(join(root, name)).catch(() => [])));
  if (!isSplit && inside.some((files) => files.some((file) => extensions.has(extname(file).toLowerCase()))))
    return listClasses(root, shown, leftOut);
  throw new GraftError("NO_IMAGES", {
    thing: `folder ${shown}`,
    place: "it has no folder train/",
    remedy: "Put images under train/<class>/, and under val/<class>/ and test/<class>/ if you have them",
  });
}

/** The pictures of each folder in a folder. */
async function listClasses(root: string, shown: string, leftOut: LeftOut): Promise<Listing> {
  const listing: Listing = new Map();
  for (const className of await entriesOf(root, shown)) {
    const folder = join(root, className);
    if (!(await stat(folder).catch(() => undefined))?.isDirectory()) continue; // a file or a dangling link
    const files: string[] = [];
    for (const file of await entriesOf(folder, folder)) {
      const ending = extname(file).toLowerCase();
      if (extensions.has(ending)) files.push(file);
      else if (undecodable.has(ending)) leftOut.set(ending, (leftOut.get(ending) ?? 0) + 1);
    }
    if (files.length === 0) {
      throw new GraftError("NO_IMAGES", {
        thing: `class folder ${join(shown, className)}`,
        place: `it has no ${[...extensions].join(", ")} file`,
        remedy: "Add images or remove the folder",
      });
    }
    listing.set(
      className,
      files.map((file) => join(folder, file)),
    );
  }
  return listing;
}

/** Names in a folder in code-unit order, hidden ones left out. */
async function entriesOf(folder: string, shown: string): Promise<string[]> {
  try {
    return (await readdir(folder)).filter((name) => !name.startsWith(".")).sort();
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code;
    const why: Record<string, string> = { ENOENT: "there is no such folder", ENOTDIR: "it is a file, not a folder" };
    throw new GraftError("NO_SUCH_FOLDER", {
      thing: `folder ${shown}`,
      place: why[code ?? ""] ?? `it cannot be read (${code})`,
      remedy: "Give a folder that holds train/<class>/ with images",
      cause,
    });
  }
}

function checkClasses(
  path: string,
  train: string,
  classes: string[],
  others: Record<string, Listing | undefined>,
): void {
  if (classes.length < 2) {
    throw new GraftError("ONE_CLASS", {
      thing: `folder ${train}`,
      place: `it has one class only, "${classes[0]}"`,
      remedy: "Give at least two class folders",
    });
  }
  for (const [name, listing] of Object.entries(others)) {
    for (const className of listing?.keys() ?? []) {
      if (classes.includes(className)) continue;
      throw new GraftError("UNKNOWN_CLASS", {
        thing: `class "${className}"`,
        place: `${join(path, name)} has it, ${train} does not`,
        remedy: `Remove it or add training images; train/ has ${classes.join(", ")}`,
      });
    }
  }
}

/** Deal each class's files out: the shares of validation and test (at least one image each, unless 0), the rest to train. */
function divide(
  train: Listing,
  shares: { validation: number; test: number },
  seed: number,
): Record<"train" | "validation" | "test", Example[]> {
  const parts = { train: [] as Example[], validation: [] as Example[], test: [] as Example[] };
  let label = 0;
  for (const [className, files] of train) {
    const take = (share: number) => (share === 0 ? 0 : Math.max(1, Math.round(share * files.length)));
    const [validation, test] = [take(shares.validation), take(shares.test)];
    if (validation + test >= files.length) {
      throw new GraftError("TOO_FEW_IMAGES", {
        thing: `class "${className}" with ${files.length} training image${files.length === 1 ? "" : "s"}`,
        place: `${validation} would go to validation and ${test} to test, which leaves none to train on`,
        remedy: "Add images, or give val/ and test/ folders",
      });
    }
    const order = random(seed, nameSeed("split"), nameSeed(className)).permutation(files.length);
    order.forEach((file, k) => {
      const part = k < validation ? "validation" : k < validation + test ? "test" : "train";
      parts[part].push({ path: files[file]!, label });
    });
    label++;
  }
  return parts;
}

function examplesOf(listing: Listing, classes: readonly string[]): Example[] {
  return [...listing].flatMap(([name, files]) => files.map((path) => ({ path, label: classes.indexOf(name) })));
}

/** Decode four at a time, so that disk, decoder and resizing overlap. */
async function decodeInto(
  store: RecordStore,
  examples: readonly Example[],
  target: ImageTarget,
  each: () => Promise<void>,
): Promise<void> {
  const ahead: Promise<Uint8Array>[] = [];
  let next = 0;
  while (store.count < examples.length) {
    for (; ahead.length < 4 && next < examples.length; next++) {
      const decoding = decodeImage(examples[next]!.path, target);
      decoding.catch(() => {}); // told when its turn comes
      ahead.push(decoding);
    }
    store.append(await ahead.shift()!);
    await each();
  }
}

function splitOf(store: RecordStore, examples: readonly Example[]): ImageSplit {
  return {
    kind: "image",
    count: examples.length,
    targets: { kind: "classes", labels: Int32Array.from(examples, ({ label }) => label) },
    pixels: (index) => store.get(index),
  };
}
