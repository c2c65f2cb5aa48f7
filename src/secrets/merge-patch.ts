import type { Json } from '#encoding/encoding.ts';

type Members = { readonly [key: string]: Json };

export function isMembers(value: Json | undefined): value is Members {
  return value !== undefined && value !== null && typeof value === 'object' && !Array.isArray(value);
}

/** JSON Merge Patch (RFC 7396): null takes a member away, an object goes on member by member, all else takes its place. */
export function mergePatch(target: Members, patch: Members): Members {
  const members = new Map(Object.entries(target));
  for (const [name, change] of Object.entries(patch)) {
    if (change === null) members.delete(name);
    else if (isMembers(change)) {
      const former = members.get(name);
      members.set(name, mergePatch(isMembers(former) ? former : {}, change));
    } else members.set(name, change);
  }
  return Object.fromEntries(members);
}
