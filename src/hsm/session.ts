import { ckr, notFound, severalFound } from './ckr.ts';
import type { HsmKey, KeyClass, KeyName, NewKey, TokenFacts } from './contract.ts';
import { type Binding, type Handle, type Module, returnValue } from './cryptoki.ts';
import { CallFailed } from './failure.ts';
import { givesKnownAnswers } from './known-answers.ts';
import { asked } from './mechanisms.ts';
import { type Connect, type Failure, keyNamed, nameOf } from './messages.ts';
import { classOf, idBytes, readKey, readPublicKey, search, templates } from './objects.ts';
import type { PackedUse } from './packing.ts';

const failed = (rv: number) => new CallFailed({ rv });

/** One session with a token, on the thread that calls it. Every method throws `CallFailed` or what the binding throws. */
export class TokenSession {
  readonly #binding: Binding;
  #module: Module | undefined;
  #slot: Handle | undefined;
  #session: Handle | undefined;
  #serial = '';
  /** Handles live as long as the module stays initialised. */
  readonly #handles = new Map<string, Handle>();

  constructor(binding: Binding) {
    this.#binding = binding;
  }

  /** Loads the module the first time; from then on leaves what was, and begins again. */
  connect({ modulePath, serial, label, pin, afresh, leave }: Connect): TokenFacts {
    const module = this.#load(modulePath);
    this.#handles.clear();
    if (afresh) ignoring(() => module.C_Finalize(), ckr.CRYPTOKI_NOT_INITIALIZED);
    else if (leave && this.#session !== undefined) this.#leave(module, this.#session);
    this.#session = undefined;
    ignoring(() => module.C_Initialize({ flags: this.#binding.CKF_OS_LOCKING_OK }), ckr.CRYPTOKI_ALREADY_INITIALIZED);
    const { slot, facts } = this.#findToken(module, serial, label);
    this.#serial = facts.serial;
    this.#slot = slot;
    const session = module.C_OpenSession(slot, this.#binding.CKF_RW_SESSION | this.#binding.CKF_SERIAL_SESSION);
    this.#session = session;
    if ((module.C_GetTokenInfo(slot).flags & lastTry) !== 0) {
      const words = `The token ${facts.serial} locks its PIN at the next wrong one, so none is tried: log in by another program, which clears that.`;
      throw new CallFailed({ rv: ckr.PIN_LOCKED, fault: 'invalid-unseal', words });
    }
    this.#login(module, session, pin, afresh);
    if (afresh && !givesKnownAnswers(this.#binding, module, session, slot)) {
      const words = `The token ${facts.serial} gives a wrong answer to a question whose answer is known.`;
      throw new CallFailed({ rv: ckr.GENERAL_ERROR, fault: 'tampered', words });
    }
    return facts;
  }

  /** Writes the result into `room` and answers its length. */
  use(use: PackedUse, room: Buffer): number {
    const [module, session] = this.#open();
    const { call, mechanism, data } = asked(this.#binding, use);
    try {
      return this.#withHandle(use.key, (handle) => {
        switch (call) {
          case 'sign':
            module.C_SignInit(session, mechanism, handle);
            return module.C_Sign(session, data, room).length;
          case 'encrypt':
            module.C_EncryptInit(session, mechanism, handle);
            return module.C_Encrypt(session, data, room).length;
          case 'decrypt':
            module.C_DecryptInit(session, mechanism, handle);
            return module.C_Decrypt(session, data, room).length;
        }
      });
    } catch (error) {
      const failure = this.failureOf(error);
      throw call === 'decrypt' && dependsOnData.has(failure.rv) ? failed(ckr.ENCRYPTED_DATA_INVALID) : error;
    }
  }

  find({
    class: kind,
    id,
    label,
  }: {
    readonly class: KeyClass;
    readonly id?: string;
    readonly label?: string;
  }): HsmKey {
    const [module, session] = this.#open();
    const found = this.#objects(kind, id, label);
    if (found.length !== 1) throw failed(this.#noneOrSeveral(found.length));
    return readKey(this.#binding, module, session, found[0]!, kind);
  }

  list(): readonly HsmKey[] {
    const [module, session] = this.#open();
    const kinds: readonly KeyClass[] = ['secret', 'private'];
    const keys = kinds.flatMap((kind) =>
      this.#objects(kind).map((object) => readKey(this.#binding, module, session, object, kind)),
    );
    // Of a token that is gone some modules list nothing, without an error.
    this.#mustBeThere();
    return keys;
  }

  generate(wanted: NewKey): HsmKey {
    const [module, session] = this.#open();
    const kind: KeyClass = wanted.key.type === 'rsa' || wanted.key.type === 'ec' ? 'private' : 'secret';
    if (this.#objects(kind, wanted.id).length > 0) {
      const words = `The token ${this.#serial} has a key with the id ${wanted.id} already.`;
      throw new CallFailed({ rv: ckr.GENERAL_ERROR, fault: 'already-exists', words });
    }
    this.#mustBeThere();
    const make = (fixed: boolean): Handle => {
      const { mechanism, secret, open } = templates(this.#binding, wanted, fixed);
      if (kind === 'secret') return module.C_GenerateKey(session, { mechanism }, secret);
      return module.C_GenerateKeyPair(session, { mechanism }, open, secret).privateKey;
    };
    try {
      return readKey(this.#binding, module, session, make(true), kind);
    } catch (error) {
      if (!cannotFix.has(returnValue(error))) throw error;
      return readKey(this.#binding, module, session, make(false), kind);
    }
  }

  publicKey({ id }: KeyName): Uint8Array {
    const [module, session] = this.#open();
    const found = this.#objects('public', id);
    if (found.length !== 1) throw failed(this.#noneOrSeveral(found.length));
    const key = readPublicKey(this.#binding, module, session, found[0]!);
    if (key === undefined) throw failed(ckr.KEY_TYPE_INCONSISTENT);
    return key;
  }

  destroy(key: KeyName): void {
    const [module, session] = this.#open();
    this.#handles.delete(nameOf(key));
    const halves: ReadonlyArray<KeyClass | 'public'> = key.class === 'private' ? ['private', 'public'] : ['secret'];
    for (const half of halves)
      for (const object of this.#objects(half, key.id)) module.C_DestroyObject(session, object);
    this.#mustBeThere();
  }

  /** `last`: of every thread of the module. */
  close(last: boolean): void {
    const module = this.#module;
    if (module === undefined) return;
    if (this.#session !== undefined) this.#leave(module, this.#session);
    this.#session = undefined;
    if (last) ignoring(() => module.C_Finalize(), ckr.CRYPTOKI_NOT_INITIALIZED);
  }

  #load(path: string): Module {
    if (this.#module !== undefined) return this.#module;
    const module = new this.#binding.PKCS11();
    try {
      module.load(path);
    } catch (error) {
      const words = `The PKCS#11 module can't be loaded: ${(error as Error).message}`;
      throw new CallFailed({ rv: ckr.GENERAL_ERROR, fault: 'unavailable', words });
    }
    this.#module = module;
    return module;
  }

  #login(module: Module, session: Handle, pin: Uint8Array, afresh: boolean): void {
    // The binding takes the PIN as a string only, which stays in this thread's heap until it is collected.
    const login = () =>
      module.C_Login(
        session,
        this.#binding.CKU_USER,
        Buffer.from(pin.buffer, pin.byteOffset, pin.length).toString('utf8'),
      );
    try {
      login();
    } catch (error) {
      if (returnValue(error) !== ckr.USER_ALREADY_LOGGED_IN) throw error;
      // By another thread of this pool; or, where the module shares its state with another user of it, by somebody whose PIN is not ours.
      if (!afresh) return;
      module.C_Logout(session);
      login();
    }
  }

  #findToken(
    module: Module,
    serial: string | undefined,
    label: string | undefined,
  ): { readonly slot: Handle; readonly facts: TokenFacts } {
    const there = module.C_GetSlotList(true).flatMap((slot) => {
      const facts = tokenFacts(module, slot);
      return facts === undefined || facts.serial === '' ? [] : [{ slot, facts }];
    });
    const labelled = there.filter(({ facts }) => facts.label === label);
    const found = serial === undefined ? labelled : there.filter(({ facts }) => facts.serial === serial);
    const [token] = found;
    if (token !== undefined && found.length === 1) return token;
    const [other] = labelled;
    if (serial !== undefined && found.length === 0 && other !== undefined) {
      const words = `The token "${label}" has the serial ${other.facts.serial}, and not ${serial}: it is another, or was made anew.`;
      throw new CallFailed({ rv: ckr.TOKEN_NOT_PRESENT, fault: 'tampered', words });
    }
    const how = serial === undefined ? `label "${label}"` : `serial ${serial}`;
    const words =
      found.length > 1 ? `Several tokens have the ${how}: name one by its serial.` : `No token has the ${how}.`;
    throw new CallFailed({ rv: ckr.TOKEN_NOT_PRESENT, fault: 'unavailable', words });
  }

  #open(): readonly [Module, Handle] {
    if (this.#module === undefined || this.#session === undefined) throw failed(ckr.SESSION_CLOSED);
    return [this.#module, this.#session];
  }

  #withHandle<T>(name: string, act: (handle: Handle) => T): T {
    const known = this.#handles.get(name);
    if (known !== undefined) {
      try {
        return act(known);
      } catch (error) {
        if (!noHandle.has(returnValue(error))) throw error;
      }
    }
    this.#handles.delete(name);
    const { class: kind, id } = keyNamed(name);
    const found = this.#objects(kind, id);
    const [handle] = found;
    if (handle === undefined || found.length > 1) throw failed(this.#noneOrSeveral(found.length));
    this.#handles.set(name, handle);
    return act(handle);
  }

  #objects(kind: KeyClass | 'public', id?: string, label?: string): readonly Handle[] {
    const [module, session] = this.#open();
    return search(module, session, [
      { type: this.#binding.CKA_CLASS, value: classOf(this.#binding, kind) },
      { type: this.#binding.CKA_TOKEN, value: true },
      ...(id === undefined ? [] : [{ type: this.#binding.CKA_ID, value: idBytes(id) }]),
      ...(label === undefined ? [] : [{ type: this.#binding.CKA_LABEL, value: label }]),
    ]);
  }

  #noneOrSeveral(count: number): number {
    if (count > 1) return severalFound;
    return this.#isThere() ? notFound : ckr.TOKEN_NOT_PRESENT;
  }

  /** What a call came to; where modules say little, by whether the token is still there. */
  failureOf(error: unknown): Failure {
    if (error instanceof CallFailed) return error.failure;
    // A binding that refuses an argument names its type, and nothing of its value.
    const rv = returnValue(error) ?? ckr.ARGUMENTS_BAD;
    return { rv: vague.has(rv) && !this.#isThere() ? ckr.TOKEN_NOT_PRESENT : rv };
  }

  #isThere(): boolean {
    if (this.#module === undefined || this.#slot === undefined || this.#session === undefined) return false;
    try {
      const session = this.#module.C_GetSessionInfo(this.#session);
      const loggedIn = session.state === userFunctions;
      return loggedIn && tokenFacts(this.#module, this.#slot)?.serial === this.#serial;
    } catch {
      return false;
    }
  }

  #mustBeThere(): void {
    if (!this.#isThere()) throw failed(ckr.TOKEN_NOT_PRESENT);
  }

  #leave(module: Module, session: Handle): void {
    try {
      module.C_CloseSession(session);
    } catch {
      // It was lost already.
    }
  }
}

/** CKF_USER_PIN_FINAL_TRY. */
const lastTry = 0x20000;
/** CKS_RW_USER_FUNCTIONS. */
const userFunctions = 3;
const noHandle: ReadonlySet<number | undefined> = new Set([ckr.KEY_HANDLE_INVALID, ckr.OBJECT_HANDLE_INVALID]);
const vague: ReadonlySet<number> = new Set([ckr.GENERAL_ERROR, ckr.FUNCTION_FAILED]);
const dependsOnData: ReadonlySet<number> = new Set([
  ...vague,
  ckr.ARGUMENTS_BAD,
  ckr.BUFFER_TOO_SMALL,
  ckr.DATA_INVALID,
  ckr.DATA_LEN_RANGE,
]);
const cannotFix: ReadonlySet<number | undefined> = new Set([
  ckr.ATTRIBUTE_READ_ONLY,
  ckr.ATTRIBUTE_TYPE_INVALID,
  ckr.ATTRIBUTE_VALUE_INVALID,
  ckr.TEMPLATE_INCONSISTENT,
]);

function ignoring(call: () => void, rv: number): void {
  try {
    call();
  } catch (error) {
    if (returnValue(error) !== rv) throw error;
  }
}

function tokenFacts(module: Module, slot: Handle): TokenFacts | undefined {
  try {
    const { serialNumber, label, manufacturerID, model, firmwareVersion } = module.C_GetTokenInfo(slot);
    return {
      serial: text(serialNumber),
      label: text(label),
      manufacturer: text(manufacturerID),
      model: text(model),
      firmware: `${firmwareVersion.major}.${firmwareVersion.minor}`,
    };
  } catch {
    return undefined;
  }
}

/** Fixed-width text of PKCS#11, whose rest is blanks, and in some modules zeros. */
function text(padded: string): string {
  const end = padded.indexOf('\0');
  return (end < 0 ? padded : padded.slice(0, end)).trimEnd();
}
