import type { JsonObject } from '../common/common.ts';
import { text } from './fields.ts';
import type { Names } from './names.ts';
import type { Asked } from './row.ts';

export const decodeGetKeyLastUsage = (fields: JsonObject, names: Names): Asked<'read-last-use'> => ({
  command: { kind: 'read-last-use', key: names.keyIdRef(text(fields, 'KeyId'), 'KeyId') },
});
