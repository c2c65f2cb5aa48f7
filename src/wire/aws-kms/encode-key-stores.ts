import { KmsError, type Result } from '#domain/domain.ts';

export function encodeDescribeCustomKeyStores({ stores }: Result<'list-key-stores'>): string {
  if (stores.length > 0) throw new KmsError('internal', 'This door can not tell of key stores yet.');
  return '{"CustomKeyStores":[],"Truncated":false}';
}

export const encodeCreateCustomKeyStore = ({ id }: Result<'create-key-store'>) =>
  JSON.stringify({ CustomKeyStoreId: id });

/** Here AWS answers an empty object, where other operations answer nothing at all. */
export const encodeDone = () => '{}';
