/**
 * How many tokens of each text are kept, "longest first": the longer loses until both are equal, then both.
 * @param room  tokens that fit, special ones not counted; at least 0
 * @param b     undefined where there is one text
 */
export function keptLengths(room: number, a: number, b?: number): [a: number, b: number] {
  if (b === undefined) return [Math.min(a, room), 0];
  if (a + b <= room) return [a, b];
  const shorter = Math.min(a, b);
  // The longer keeps what the shorter leaves; where that makes it the shorter, they share evenly, with an odd token
  // to the longer one, or to the second of two equal ones.
  const rest = room - shorter;
  const [less, more] = rest >= shorter ? [shorter, rest] : [Math.floor(room / 2), Math.ceil(room / 2)];
  return a > b ? [more, less] : [less, more];
}
