/** Which key and version did it: every use answers so. */
export interface Used {
  readonly realm: string;
  readonly keyId: string;
  readonly version: number;
  /** Told of symmetric encryption. */
  readonly materialId?: string | undefined;
}
