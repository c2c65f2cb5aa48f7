import { type Case, type Cases, fresh } from './cases.ts';

/** Requests of Vault's about mounts and namespaces, one for each row. */

const asked = (method: string, path: string): Case => {
  return async (doors) => () => doors.vault(method, path);
};

/** On a mount of its own. */
function onMount(method: string, path: string, body?: object): Case {
  return async (doors) => {
    const name = fresh('mount');
    await doors.house.perform({ kind: 'enable-mount', path: name, engine: 'kv', version: 1, sealWrap: false });
    return () => doors.vault(method, path.replace('*', name), body);
  };
}

export const mountCases: Cases = {
  'GET sys/mounts': asked('GET', 'sys/mounts'),
  'GET sys/mounts/*': onMount('GET', 'sys/mounts/*'),
  'POST sys/mounts/*': async (doors) => {
    const name = fresh('mount');
    return () => doors.vault('POST', `sys/mounts/${name}`, { type: 'transit' });
  },
  'DELETE sys/mounts/*': onMount('DELETE', 'sys/mounts/*'),
  'GET sys/mounts/*/tune': onMount('GET', 'sys/mounts/*/tune'),
  'POST sys/mounts/*/tune': onMount('POST', 'sys/mounts/*/tune', { options: { version: '2' } }),
  'LIST sys/namespaces': async (doors) => {
    await doors.house.perform({ kind: 'create-realm', name: fresh('space') });
    return () => doors.vault('LIST', 'sys/namespaces');
  },
  'GET sys/namespaces/*': asked('GET', 'sys/namespaces/main'),
  'POST sys/namespaces/*': async (doors) => {
    const name = fresh('space');
    return () => doors.vault('POST', `sys/namespaces/${name}`, {});
  },
  'GET sys/internal/ui/mounts': asked('GET', 'sys/internal/ui/mounts'),
  'GET sys/internal/ui/mounts/*': onMount('GET', 'sys/internal/ui/mounts/*/a'),
};
