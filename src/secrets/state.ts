import { KmsError, type Secret } from '#domain/domain.ts';

const maxTags = 50;

/** What waits for its end can be seen and restored, nothing else. */
export function assertNotDeleted({ deletion, name }: Secret): void {
  if (deletion !== undefined) {
    throw new KmsError(
      'secret-deleted',
      "You can't perform this operation on the secret because it was marked for deletion.",
      name,
    );
  }
}

export function assertTags(tags: Readonly<Record<string, string>>): void {
  const entries = Object.entries(tags);
  if (entries.length > maxTags) throw new KmsError('invalid-parameter', `A secret has at most ${maxTags} tags.`);
  for (const [name, value] of entries) {
    if (name.length < 1 || name.length > 128 || value.length > 256) {
      throw new KmsError('invalid-parameter', 'A tag has a name of 1 to 128 characters and a value of at most 256.');
    }
  }
}

/** What is a copy changes with the secret that it follows. */
export function assertPrimary({ replicaOf }: Secret): void {
  if (replicaOf !== undefined) {
    throw new KmsError('invalid-state', 'The secret is a replica: change it in the region that it comes from.');
  }
}
