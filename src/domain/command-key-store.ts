/** A root of trust of its own for some keys: a cluster of HSMs, or a key manager elsewhere. */
export type KeyStoreKind = 'hsm-cluster' | 'external' | 'external-by-private-link';

export interface KeyStoreCommands {
  /** With `id` or `name`: that one, which must be there. */
  'list-key-stores': { readonly id?: string; readonly name?: string };
  'create-key-store': { readonly name: string; readonly storeKind: KeyStoreKind };
  'change-key-store': { readonly id: string; readonly change: 'update' | 'delete' | 'connect' | 'disconnect' };
}

export interface KeyStoreResults {
  'list-key-stores': {
    readonly stores: ReadonlyArray<{ readonly id: string; readonly name: string; readonly storeKind: KeyStoreKind }>;
  };
  'create-key-store': { readonly id: string };
  'change-key-store': Record<never, never>;
}
