/**
 * The first key that an object in a JSON text holds twice, or undefined. `JSON.parse` keeps the last of them silently.
 * @param text  valid JSON
 */
export function duplicateKey(text: string): string | undefined {
  // A stack of what is open: the keys met so far for an object, undefined for a list.
  const open: (Set<string> | undefined)[] = [];
  for (let at = 0; at < text.length; at++) {
    const letter = text[at];
    if (letter === "{") open.push(new Set());
    else if (letter === "[") open.push(undefined);
    else if (letter === "}" || letter === "]") open.pop();
    else if (letter === '"') {
      const start = at++;
      while (text[at] !== '"') at += text[at] === "\\" ? 2 : 1;
      const keys = open.at(-1);
      if (keys === undefined || !colonFollows(text, at + 1)) continue;
      const key = JSON.parse(text.slice(start, at + 1)) as string;
      if (keys.has(key)) return key;
      keys.add(key);
    }
  }
  return undefined;
}

/** In an object, a string is a key if a colon comes next. */
function colonFollows(text: string, at: number): boolean {
  let next = at;
  while (" \t\n\r".includes(text[next] ?? "x")) next++;
  return text[next] === ":";
}
