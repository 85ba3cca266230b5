import { GraftError } from "./errors.ts";
import { tQuantile } from "./paired-interval.ts";
import { random } from "./random.ts";
import { mean, partialSpearman, pearson, ranks, spearman, standardDeviation } from "./statistics.ts";

/** A correlation and where it lies with 95 % confidence; bounds are undefined where there is too little to say. */
export interface Correlation {
  readonly value: number;
  readonly low: number | undefined;
  readonly high: number | undefined;
}

/** Two matrices over the same states, compared. */
export interface MatrixCorrelation extends Correlation {
  /** Share of permutations of the states, the given order among them, whose correlation is as high or higher; NaN where there is none. */
  readonly p: number;
  readonly permutations: number;
}

export interface MantelOptions {
  /** How many orders of the states are drawn; default 9,999. */
  readonly permutations?: number;
  readonly seed?: number;
}

/** Two-sided 5 % point of the normal distribution. */
const Z = 1.959963984540054;

/**
 * Spearman's correlation of independent pairs, with the interval atanh(ρ) ± 1.96 · √((1 + ρ²/2) / (n − 3)) taken back by
 * tanh (Bonett and Wright 2000).
 */
export function spearmanInterval(x: ArrayLike<number>, y: ArrayLike<number>): Correlation {
  const value = spearman(x, y);
  if (x.length < 4 || Number.isNaN(value)) return { value, low: undefined, high: undefined };
  const half = Z * Math.sqrt((1 + value ** 2 / 2) / (x.length - 3));
  return { value, low: Math.tanh(Math.atanh(value) - half), high: Math.tanh(Math.atanh(value) + half) };
}

/**
 * Spearman's correlation of two square matrices over the same states, all cells counted, the diagonal too. Cells of a row
 * or a column are not independent, so both the test and the interval take states, not cells, as what is drawn:
 * - Mantel's test (1967): the states of `b` are put in random orders, rows and columns together (so that the diagonal stays
 *   the diagonal), and ρ computed again; p = (1 + orders with ρ as high) / (1 + orders). One-sided: alike, or not.
 * - The jackknife (Arvesen 1969): a state at a time is left out, its row and its column; mean of the pseudo-values of
 *   atanh ρ ± t · their standard deviation / √n, n − 1 degrees of freedom, taken back by tanh.
 * @param a, b  [n, n], finite
 * @throws GraftError STATISTICS if they are not square, alike in size and finite
 */
export function mantelTest(
  a: Matrix,
  b: Matrix,
  { permutations = 9999, seed = 0 }: MantelOptions = {},
): MatrixCorrelation {
  const n = a.length;
  const isWhole = (matrix: Matrix) =>
    matrix.length === n && matrix.every((row) => row.length === n && row.every(Number.isFinite));
  if (n < 2 || !isWhole(a) || !isWhole(b))
    throw new GraftError("STATISTICS", {
      thing: "correlation of two matrices",
      place: `they have ${a.length} and ${b.length} rows, or a row of another length, or a number that is not finite`,
      remedy: "Give two square matrices of finite numbers over the same states, two or more",
    });
  const value = spearman(a.flat(), b.flat());
  const [ranksA, ranksB] = [ranks(a.flat()), ranks(b.flat())];
  if (Number.isNaN(value)) return { value, low: undefined, high: undefined, p: value, permutations: 0 };
  const { permutation } = random(seed);
  const permuted = new Float64Array(n * n);
  let asHigh = 1;
  for (let k = 0; k < permutations; k++) {
    const order = permutation(n);
    for (let i = 0; i < n; i++) for (let j = 0; j < n; j++) permuted[i * n + j] = ranksB[order[i]! * n + order[j]!]!;
    if (pearson(ranksA, permuted) >= value - 1e-12) asHigh++; // sums in another order round otherwise
  }
  const bounds = jackknife(n, (cells) => spearman(cells(a), cells(b)), value);
  return { value, ...bounds, p: asHigh / (1 + permutations), permutations };
}

/**
 * Spearman's partial correlation of two square matrices over the same states, given others: what their least-squares fit explains
 * is taken out of the ranks of both. The interval is the jackknife's over states, as in `mantelTest`.
 * @param a, b        [n, n], finite
 * @param covariates  [n, n] each; their numbers count, not their ranks, so that they stay the same where a state is left out
 */
export function correlationGiven(a: Matrix, b: Matrix, covariates: readonly Matrix[]): Correlation {
  const given = (cells: Cells) => partialSpearman(cells(a), cells(b), covariates.map(cells));
  const value = given((matrix) => matrix.flat());
  return { value, ...jackknife(a.length, given, value) };
}

/**
 * How much higher Spearman's correlation of `a` with `target` is than that of `b`. The interval is the jackknife's over states, of
 * the difference itself: both correlations share the target and the states, so that their own intervals may overlap where this leaves out 0.
 * @param a, b, target  [n, n], finite
 * @returns value in [−2, 2]
 */
export function correlationDifference(a: Matrix, b: Matrix, target: Matrix): Correlation {
  const difference = (cells: Cells) => spearman(cells(a), cells(target)) - spearman(cells(b), cells(target));
  const value = difference((matrix) => matrix.flat());
  return { value, ...jackknife(a.length, difference, value, AS_IT_IS) };
}

/** [n, n], a row and a column for each state. */
type Matrix = readonly (readonly number[])[];

/** The cells of a matrix that a statistic counts, in order. */
type Cells = (matrix: Matrix) => number[];

/** Where pseudo-values are taken, and the way back. */
interface Scale {
  readonly to: (value: number) => number;
  readonly back: (value: number) => number;
}

/** Fisher's, on which a correlation's error is alike wherever it lies. */
const FISHER: Scale = { to: Math.atanh, back: Math.tanh };
const AS_IT_IS: Scale = { to: (value) => value, back: (value) => value };

/** A state at a time is left out, its row and its column. */
function jackknife(n: number, of: (cells: Cells) => number, value: number, { to, back }: Scale = FISHER) {
  const pseudo = Array.from({ length: n }, (_, k) => {
    const without: Cells = (matrix) => matrix.flatMap((row, i) => (i === k ? [] : row.filter((_, j) => j !== k)));
    return n * to(value) - (n - 1) * to(of(without));
  });
  if (n < 3 || !pseudo.every(Number.isFinite)) return { low: undefined, high: undefined };
  const [centre, half] = [mean(pseudo), (tQuantile(0.95, n - 1) * standardDeviation(pseudo)) / Math.sqrt(n)];
  return { low: back(centre - half), high: back(centre + half) };
}
