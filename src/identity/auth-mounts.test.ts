import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Command, Plaintext, type Proof } from '#domain/domain.ts';
import { fromUtf8, toUtf8 } from '#encoding/encoding.ts';
import { fails, makeToken, Rig, rejectsWith, works } from './rig.test.ts';

const peer = '127.0.0.1:7';

type Officer = Awaited<ReturnType<typeof Rig.withOfficer>>['officer'];
type Mounting = 'enable-auth-mount' | 'disable-auth-mount' | 'tune-auth-mount' | 'list-auth-mounts' | 'read-auth-mount';

/** What an officer does with mounts and their logins, committed. */
class Office {
  readonly rig: Rig;
  readonly #officer: Officer;

  constructor({ rig, officer }: { readonly rig: Rig; readonly officer: Officer }) {
    this.rig = rig;
    this.#officer = officer;
  }

  async do<A extends Mounting>(kind: A, command: Omit<Command<A>, 'kind'>) {
    const verb = this.rig.room.verbs[kind] as (who: unknown, command: unknown) => never;
    return this.rig.commit(verb(await this.#officer.byToken(), { kind, ...command }));
  }

  async paths(): Promise<readonly string[]> {
    const { mounts } = (await this.do('list-auth-mounts', {})) as { mounts: readonly { path: string }[] };
    return mounts.map(({ path }) => path);
  }

  /** A role of AppRole, and what proves it. */
  async role(name: string, mount?: string, roleId?: string): Promise<Proof> {
    const { verbs } = this.rig.room;
    const asking = await this.#officer.byToken();
    const at = mount === undefined ? {} : { mount };
    const { login } = await this.rig.commit(
      verbs['write-login'](asking, {
        ...{ kind: 'write-login', method: 'approle', name, ...at },
        ...(roleId !== undefined && { roleId }),
      }),
    );
    const { secretId } = await this.rig.commit(
      verbs['create-secret-id'](asking, { kind: 'create-secret-id', role: name, ...at }),
    );
    return { kind: 'approle', roleId: login.roleId!, secretId, peer, ...at };
  }

  async user(name: string, text: string, mount?: string): Promise<void> {
    const password = new Plaintext(toUtf8(text));
    const at = mount === undefined ? {} : { mount };
    const command = { kind: 'write-login', method: 'userpass', name, password, ...at } as const;
    await this.rig.commit(this.rig.room.verbs['write-login'](await this.#officer.byToken(), command));
  }

  async login(proof: Proof): Promise<Proof> {
    const who = await this.rig.room.identify(proof, true);
    const { token } = await this.rig.commit(this.rig.room.verbs.login(who, { kind: 'login' }));
    return { kind: 'token', token: fromUtf8(token.release())! };
  }
}

const open = async () => new Office(await Rig.withOfficer());
const approle = 'approle' as const;

test('a path may be called as every object has a member', async () => {
  const office = await open();
  for (const path of ['constructor', '__proto__']) {
    await office.do('enable-auth-mount', { path, type: 'approle' });
    await office.do('disable-auth-mount', { path });
    assert.deepEqual(await office.paths(), ['approle', 'token', 'userpass']);
  }
});

test('three mounts are there from the start, and the two that hold logins can be enabled once, disabled, and enabled anew', async () => {
  const office = await open();
  assert.deepEqual(await office.paths(), ['approle', 'token', 'userpass']);
  const proof = await office.role('ci');
  const token = await office.login(proof);
  await office.do('enable-auth-mount', { path: approle, type: approle });
  await works(office.rig, token);
  await rejectsWith('already-exists', () => office.do('enable-auth-mount', { path: approle, type: approle }));
  await office.do('disable-auth-mount', { path: approle });
  assert.deepEqual(await office.paths(), ['token', 'userpass']);
  await fails(office.rig, token);
  await fails(office.rig, proof);
  await rejectsWith('not-found', () => office.role('ci'));
  await office.do('enable-auth-mount', { path: approle, type: approle });
  await fails(office.rig, token);
  await fails(office.rig, proof);
  await works(office.rig, await office.login(await office.role('ci')));
});

test('no mount is above or below another, or of a name that leads elsewhere', async () => {
  const office = await open();
  await office.do('enable-auth-mount', { path: 'team/a', type: 'jwt' });
  for (const path of ['team/a', 'team', 'team/a/b', 'approle/x']) {
    await rejectsWith('already-exists', () => office.do('enable-auth-mount', { path, type: 'jwt' }));
  }
  await office.do('enable-auth-mount', { path: 'team/b', type: approle });
  await office.do('enable-auth-mount', { path: 'tea', type: approle });
  for (const path of ['', '/', 'a//b', 'A', 'a/', 'x'.repeat(65), 'a/b/c/d/e/f', 'a b', 'a+b', 'userpass', 'token']) {
    await rejectsWith('invalid-parameter', () => office.do('enable-auth-mount', { path, type: 'jwt' }));
  }
  await rejectsWith('invalid-parameter', () => office.do('enable-auth-mount', { path: 'x', type: 'token' }));
  await rejectsWith('invalid-parameter', () => office.do('disable-auth-mount', { path: 'token' }));
});

test('roles of one name at two mounts are two logins of one identity, each proven at its own mount', async () => {
  const office = await open();
  await office.do('enable-auth-mount', { path: 'a', type: approle });
  await office.do('enable-auth-mount', { path: 'b', type: approle });
  const [here, there] = [await office.role('ci', 'a'), await office.role('ci', 'b')];
  assert.ok(here.kind === 'approle' && there.kind === 'approle');
  await works(office.rig, await office.login(here));
  await fails(office.rig, { ...here, mount: 'b' });
  const { mount: _, ...anywhere } = here;
  await fails(office.rig, anywhere);
  const { secretId } = there;
  await fails(office.rig, { ...here, ...(secretId !== undefined && { secretId }) });
  await rejectsWith('already-exists', () => office.role('other', 'b', here.roleId));
});

test('what a mount gave ends with it, descendants too, and the sweep forgets all that it held', async () => {
  const office = await open();
  const { rig } = office;
  const kept = await office.login(await office.role('kept'));
  await office.do('enable-auth-mount', { path: 'a', type: approle });
  const proof = await office.role('ci', 'a', 'a-role-id');
  const token = await office.login(proof);
  const { proof: below } = await makeToken(rig, token);
  await works(rig, below);
  await office.do('disable-auth-mount', { path: 'a' });
  for (const gone of [token, below, proof]) await fails(rig, gone);
  await office.do('enable-auth-mount', { path: 'a', type: approle });
  for (const gone of [token, below, proof]) await fails(rig, gone);
  // Nobody has to wait for the sweep to use its role id again.
  await works(rig, await office.login(await office.role('ci', 'a', 'a-role-id')));
  assert.equal(await rig.commit(rig.room.sweep()), 3);
  await works(rig, kept);
  await works(rig, await office.login(await office.role('ci', 'a')));
  for (let i = 0; i < 5; i++) await rig.commit(rig.room.sweep());
  assert.equal(await rig.commit(rig.room.sweep()), 0);
});

test("a mount's tuning bounds what its tokens live", async () => {
  const office = await open();
  await office.do('enable-auth-mount', { path: 'a', type: approle, defaultTtl: 60_000, maxTtl: 120_000 });
  const proof = await office.role('ci', 'a');
  const ends = async () => {
    const who = await office.rig.room.identify(proof, true);
    const { credential } = await office.rig.commit(office.rig.room.verbs.login(who, { kind: 'login' }));
    return credential.expiresAt! - office.rig.now;
  };
  assert.equal(await ends(), 60_000);
  await office.do('tune-auth-mount', { path: 'a', defaultTtl: 0 });
  assert.equal(await ends(), 120_000);
  await rejectsWith('invalid-parameter', () => office.do('tune-auth-mount', { path: 'a', defaultTtl: 121_000 }));
  await rejectsWith('not-found', () => office.do('tune-auth-mount', { path: 'b', defaultTtl: 1000 }));
});

test('a password counts at its own mount only', async () => {
  const office = await open();
  const { rig } = office;
  await office.do('enable-auth-mount', { path: 'staff', type: 'userpass' });
  const user = (text: string, mount?: string): Proof => {
    const at = mount === undefined ? {} : { mount };
    return { kind: 'password', name: 'ann', password: new Plaintext(toUtf8(text)), peer, ...at };
  };
  await office.user('ann', 'correct horse', 'staff');
  await works(rig, await office.login(user('correct horse', 'staff')));
  await fails(rig, user('correct horse'));
  await fails(rig, user('correct horse', approle));
  await office.user('ann', 'battery staple');
  await works(rig, await office.login(user('battery staple')));
  await fails(rig, user('battery staple', 'staff'));
  // Wrong ones at one mount make nobody wait at another.
  for (let i = 0; i < 5; i++) await rejectsWith('invalid-proof', () => rig.room.identify(user('x'), true));
  await rejectsWith('throttled', () => rig.room.identify(user('x'), true));
  await works(rig, await office.login(user('correct horse', 'staff')));
});
