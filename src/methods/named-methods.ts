import type { AdapterOptions, Edge, Placement } from "../adapters/index.ts";
import { DEFAULT_RANK } from "../adapters/index.ts";
import type { Backbone } from "../backbone/index.ts";
import { HEAD_ALONE, type Method } from "./method.ts";

/** What may follow a method's name: `lora:q,v@r8@a16`, `apla:64@7`. */
export interface MethodArguments {
  readonly targets?: readonly string[];
  /** The best so many sites by score, instead of targets: `lora:top:4`. */
  readonly top?: number;
  readonly count?: number;
  readonly rank?: number;
  readonly alpha?: number;
  readonly seed?: number;
}

/** A method of the literature under its usual name. */
export interface NamedMethod {
  /** How it is written, with everything that may follow. */
  readonly usage: string;
  readonly summary: string;
  readonly paper?: string;
  /** What may follow its name. */
  readonly takes: readonly (keyof MethodArguments)[];
  make(backbone: Pick<Backbone, "states" | "hiddenSize">, given: MethodArguments): Method;
}

/** Every method under its name; names of selectors stand for placements beside them. */
export const namedMethods = {
  linear: {
    usage: "linear",
    summary: "the linear head alone",
    takes: [],
    make: () => HEAD_ALONE,
  },
  full: {
    usage: "full",
    summary: "every floating-point weight the features depend on",
    takes: [],
    make: () => ({ kind: "weights", which: "all" }),
  },
  bitfit: {
    usage: "bitfit",
    summary: "every bias",
    paper: "Ben Zaken et al. 2022, arXiv 2106.10199",
    takes: [],
    make: () => ({ kind: "weights", which: "biases" }),
  },
  norms: {
    usage: "norms",
    summary: "gain and bias of every norm",
    paper: "Basu et al. 2023, arXiv 2304.04718",
    takes: [],
    make: () => ({ kind: "weights", which: "norms" }),
  },
  lora: {
    usage: "lora:q,v@r8@a16",
    summary: "low-rank products beside frozen matrices, merged on export; lora:top:4 beside the 4 of highest score",
    paper: "Hu et al. 2021, arXiv 2106.09685",
    takes: ["targets", "top", "rank", "alpha"],
    make: (_, { targets = ["q", "v"], rank, alpha }) => ({ kind: "lora", targets, rank, alpha, dora: false }),
  },
  dora: {
    usage: "dora:q,v@r8@a16",
    summary: "LoRA with the length of every column trained apart from its direction",
    paper: "Liu et al. 2024, arXiv 2402.09353",
    takes: ["targets", "top", "rank", "alpha"],
    make: (_, { targets = ["q", "v"], rank, alpha }) => ({ kind: "lora", targets, rank, alpha, dora: true }),
  },
  houlsby: {
    usage: "houlsby@r8",
    summary: "a bottleneck inside each sub-layer's branch",
    paper: "Houlsby et al. 2019, arXiv 1902.00751",
    takes: ["rank"],
    make: (backbone, { rank }) =>
      bottlenecks(backbone, rank, (to) => [{ from: to, to }], {
        ...inside(backbone),
        activation: "gelu",
      }),
  },
  pfeiffer: {
    usage: "pfeiffer@r8",
    summary: "a bottleneck inside each feed-forward branch",
    paper: "Pfeiffer et al. 2021, arXiv 2005.00247",
    takes: ["rank"],
    make: (backbone, { rank }) =>
      bottlenecks(backbone, rank, (to) => (isFeedForward(to) ? [{ from: to, to }] : []), {
        ...inside(backbone),
        activation: "relu",
      }),
  },
  adaptformer: {
    usage: "adaptformer@r8",
    summary: "a bottleneck beside each feed-forward layer, scaled by 0.1",
    paper: "Chen et al. 2022, arXiv 2205.13535",
    takes: ["rank"],
    make: (backbone, { rank }) =>
      bottlenecks(backbone, rank, (to) => (isFeedForward(to) ? [{ from: to - 1, to }] : []), {
        ...plain,
        activation: "relu",
        factor: 0.1,
        beforeNorm: true,
        initScale: 1 / Math.sqrt(3), // the variance of its uniform start
      }),
  },
  "adapter+": {
    usage: "adapter+@r8",
    summary: "a bottleneck after each feed-forward layer, scaled by channel",
    paper: "Steitz & Roth 2024, arXiv 2406.06820",
    takes: ["rank"],
    make: (backbone, { rank }) =>
      bottlenecks(backbone, rank, (to) => (isFeedForward(to) ? [{ from: to, to }] : []), {
        ...plain,
        activation: "gelu",
        scale: "channel",
        initScale: smallStart(backbone),
      }),
  },
  apla: {
    usage: "apla:64@7",
    summary: "columns of attention's output projections, a quarter unless counted, drawn at random",
    paper: "Sorkhei et al. 2025, arXiv 2503.11335",
    takes: ["count", "seed"],
    make: (_, { count, seed }) => ({ kind: "columns", targets: ["o"], columns: count, draw: seed }),
  },
  page: {
    usage: "page:0@r8",
    summary: "one LoRA at a shallow feed-forward layer's way down, that of block 0 unless numbered",
    paper: "arXiv 2605.06183",
    takes: ["count", "rank", "alpha"],
    make: (_, { count = 0, rank, alpha }) => ({ kind: "lora", targets: [`${count}.fc2`], rank, alpha, dora: false }),
  },
} as const satisfies Record<string, NamedMethod>;

export type MethodName = keyof typeof namedMethods;

/** Of states 1..2L, those behind attention are odd. */
const isFeedForward = (state: number) => state % 2 === 0;

/** What these papers' bottlenecks have not. */
const plain = { norm: false, bias: true, scale: "none" } as const satisfies AdapterOptions;

/** W_down of standard deviation 0.01, as Houlsby et al. start it. */
const smallStart = ({ hiddenSize }: Pick<Backbone, "hiddenSize">) => 0.01 * Math.sqrt(hiddenSize);

const inside = (backbone: Pick<Backbone, "hiddenSize">) => ({
  ...plain,
  insideBranch: true,
  initScale: smallStart(backbone),
});

function bottlenecks(
  { states }: Pick<Backbone, "states">,
  rank = DEFAULT_RANK,
  edgesTo: (state: number) => readonly Edge[],
  adapter: AdapterOptions,
): Method {
  const placement: Placement = states.flatMap((_, to) =>
    to === 0 ? [] : edgesTo(to).map((edge) => ({ ...edge, rank })),
  );
  return { kind: "adapters", placement, adapter };
}
