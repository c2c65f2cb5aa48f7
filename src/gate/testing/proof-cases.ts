/** Requests of Vault's about logins by certificate and by service account, one for each row. */
import { fromPem, toBase64Url, toUtf8 } from '#encoding/encoding.ts';
import { clientCertificate, revocationList } from '../../crypto/testing/recorded-certificates.ts';
import { type Case, type Cases, canaries, fresh } from './cases.ts';
import type { Doors } from './doors.ts';

async function mounted({ house }: Doors, type: 'cert' | 'kubernetes'): Promise<string> {
  const path = fresh(type);
  await house.perform({ kind: 'enable-auth-mount', path, type });
  return path;
}

const trust = () => ({ certificate: clientCertificate });

/** At a mount of its own, with a list of what was taken back. */
function onList(method: string, path: string, body?: () => object): Case {
  return async (doors) => {
    const [mount, name] = [await mounted(doors, 'cert'), fresh('list')];
    await doors.vault('POST', `auth/${mount}/crls/${name}`, { crl: revocationList });
    return () => doors.vault(method, `auth/${mount}/${path.replace(':name', name)}`, body?.());
  };
}

/** At a mount of its own, with a certificate that is trusted. */
function onCertificate(method: string, path: string, body?: () => object): Case {
  return async (doors) => {
    const [mount, name] = [await mounted(doors, 'cert'), fresh('login')];
    await doors.vault('POST', `auth/${mount}/certs/${name}`, trust());
    return () => doors.vault(method, `auth/${mount}/${path.replace(':name', name)}`, body?.());
  };
}

const account = { namespace: 'vault', serviceaccount: { name: 'app', uid: 'd77f89bc-9055-11e7-a068-0800276d99bf' } };
const part = (value: object) => toBase64Url(toUtf8(JSON.stringify(value)));
/** Of nobody's signature: whether it holds the cluster says. */
const serviceAccountToken = [part({ alg: 'RS256' }), part({ 'kubernetes.io': account }), 'c2lnbmF0dXJl'].join('.');

const cluster = () => ({
  kubernetes_host: 'https://kubernetes.test',
  kubernetes_ca_cert: clientCertificate,
  token_reviewer_jwt: canaries.material,
});
const role = () => ({ bound_service_account_names: 'app', bound_service_account_namespaces: 'vault' });

/** What a cluster's API answers where a token holds. */
const review = {
  kind: 'TokenReview',
  apiVersion: 'authentication.k8s.io/v1',
  status: {
    authenticated: true,
    user: { username: 'system:serviceaccount:vault:app', uid: account.serviceaccount.uid },
  },
};

/** At a mount of its own with a role, and a cluster that says yes. */
function onServiceAccount(method: string, path: string, body?: (name: string) => object): Case {
  return async (doors) => {
    const [mount, name] = [await mounted(doors, 'kubernetes'), fresh('login')];
    doors.house.outbound = async () => ({ status: 201, text: JSON.stringify(review) });
    await doors.vault('POST', `auth/${mount}/config`, cluster());
    await doors.vault('POST', `auth/${mount}/role/${name}`, role());
    return () => doors.vault(method, `auth/${mount}/${path.replace(':name', name)}`, body?.(name));
  };
}

export const proofCases: Cases = {
  'GET auth/cert/config': onCertificate('GET', 'config'),
  'POST auth/cert/config': onCertificate('POST', 'config', () => ({ disable_binding: true })),
  'LIST auth/cert/certs': onCertificate('LIST', 'certs'),
  'GET auth/cert/certs/:name': onCertificate('GET', 'certs/:name'),
  'POST auth/cert/certs/:name': onCertificate('POST', 'certs/:name', trust),
  'DELETE auth/cert/certs/:name': onCertificate('DELETE', 'certs/:name'),
  'LIST auth/cert/crls': onList('LIST', 'crls'),
  'GET auth/cert/crls/:name': onList('GET', 'crls/:name'),
  'POST auth/cert/crls/:name': onList('POST', 'crls/:name', () => ({ crl: revocationList })),
  'DELETE auth/cert/crls/:name': onList('DELETE', 'crls/:name'),
  'POST auth/cert/login': async (doors) => {
    const mount = await mounted(doors, 'cert');
    await doors.vault('POST', `auth/${mount}/certs/${fresh('login')}`, trust());
    const certificates = [fromPem('CERTIFICATE', clientCertificate)!];
    const request = { method: 'POST', path: `/v1/auth/${mount}/login`, query: '', headers: [], certificates };
    return () => doors.send({ ...request, body: new Uint8Array(0) });
  },
  'GET auth/kubernetes/config': onServiceAccount('GET', 'config'),
  'POST auth/kubernetes/config': onServiceAccount('POST', 'config', cluster),
  'LIST auth/kubernetes/role': onServiceAccount('LIST', 'role'),
  'GET auth/kubernetes/role/:name': onServiceAccount('GET', 'role/:name'),
  'POST auth/kubernetes/role/:name': onServiceAccount('POST', 'role/:name', role),
  'DELETE auth/kubernetes/role/:name': onServiceAccount('DELETE', 'role/:name'),
  'POST auth/kubernetes/login': onServiceAccount('POST', 'login', (name) => ({
    role: name,
    jwt: serviceAccountToken,
  })),
};
