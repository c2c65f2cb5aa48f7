/** How keys of a folder are made; '' for the realm's own names. */
export interface KeyRules {
  /** Nobody makes a key by encrypting under a name that nothing has. */
  readonly madeOnPurpose: boolean;
}

interface InFolder {
  readonly folder: string;
}

export interface KeyRulesCommands {
  'get-key-rules': InFolder;
  'set-key-rules': InFolder & { readonly rules: KeyRules };
}

export interface KeyRulesResults {
  'get-key-rules': { readonly rules: KeyRules };
  'set-key-rules': { readonly rules: KeyRules };
}
