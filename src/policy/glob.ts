/** `*` stands for any text and `?` for one character. Never takes longer than the product of both lengths. */
export function globMatches(pattern: string, text: string): boolean {
  let p = 0;
  let t = 0;
  let star = -1;
  let mark = 0;
  while (t < text.length) {
    if (p < pattern.length && pattern[p] === '*') {
      star = p++;
      mark = t;
    } else if (p < pattern.length && (pattern[p] === '?' || pattern[p] === text[t])) {
      p++;
      t++;
    } else if (star >= 0) {
      p = star + 1;
      t = ++mark;
    } else return false;
  }
  while (pattern[p] === '*') p++;
  return p === pattern.length;
}

/** Each of the six parts of an ARN on its own, so that no `*` reaches over a colon but in the last; `*` alone is any ARN. */
export function arnMatches(pattern: string, arn: string): boolean {
  if (pattern === '*') return true;
  const wanted = arnParts(pattern);
  const found = arnParts(arn);
  if (wanted === undefined || found === undefined) return false;
  return wanted.every((part, index) => globMatches(part, found[index]!));
}

/** Undefined for what has fewer than six parts; colons after the fifth belong to the last. */
export function arnParts(arn: string): readonly string[] | undefined {
  const parts = arn.split(':');
  if (parts.length < 6) return undefined;
  return [...parts.slice(0, 5), parts.slice(5).join(':')];
}
