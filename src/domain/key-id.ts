const form = /^([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|mrk-[0-9a-f]{32})$/;

/** A UUID, or the id of a multi-Region key, both in lower case. No name may look like one. */
export function isKeyId(text: string): boolean {
  return text.length === 36 && form.test(text);
}
