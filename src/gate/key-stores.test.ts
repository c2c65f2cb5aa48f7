import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Doors } from './testing/doors.ts';
import { House } from './testing/house.ts';

const cluster = {
  CustomKeyStoreName: 'store',
  CloudHsmClusterId: 'cluster-1a23b4cdefg'.replace('1', '2'),
  TrustAnchorCertificate: '-----BEGIN CERTIFICATE-----',
  KeyStorePassword: 'kmsuser password',
};
const proxy = {
  CustomKeyStoreName: 'store',
  CustomKeyStoreType: 'EXTERNAL_KEY_STORE',
  XksProxyUriEndpoint: 'https://proxy.example',
  XksProxyUriPath: '/kms/xks/v1',
  XksProxyConnectivity: 'PUBLIC_ENDPOINT',
  XksProxyAuthenticationCredential: {
    AccessKeyId: 'ABCDEFGHIJKLMNOPQRST',
    RawSecretAccessKey: 'a-secret'.replace('-', '/').padEnd(43, 'x'),
  },
};
const linked = {
  ...proxy,
  XksProxyConnectivity: 'VPC_ENDPOINT_SERVICE',
  XksProxyVpcEndpointServiceName: 'com.amazonaws.vpce.us-east-1.vpce-svc-0123456789',
};
const store = { CustomKeyStoreId: 'cks-1234567890abcdef0' };
const { XksProxyAuthenticationCredential: _, ...withoutCredential } = proxy;

const cases: ReadonlyArray<readonly [operation: string, body: object, answer: string]> = [
  ['DescribeCustomKeyStores', {}, 'ok'],
  ['DescribeCustomKeyStores', { Limit: 5 }, 'ok'],
  ['DescribeCustomKeyStores', store, 'CustomKeyStoreNotFoundException'],
  ['DescribeCustomKeyStores', { CustomKeyStoreName: 'store' }, 'CustomKeyStoreNotFoundException'],
  ['DescribeCustomKeyStores', { ...store, CustomKeyStoreName: 'store' }, 'ValidationException'],
  ['DescribeCustomKeyStores', { Marker: '!' }, 'InvalidMarkerException'],
  ['CreateCustomKeyStore', cluster, 'CloudHsmClusterNotFoundException'],
  ['CreateCustomKeyStore', { ...cluster, KeyStorePassword: 'short' }, 'ValidationException'],
  ['CreateCustomKeyStore', { ...cluster, CloudHsmClusterId: undefined }, 'ValidationException'],
  ['CreateCustomKeyStore', proxy, 'XksProxyUriUnreachableException'],
  ['CreateCustomKeyStore', linked, 'XksProxyVpcEndpointServiceNotFoundException'],
  ['CreateCustomKeyStore', { ...linked, XksProxyVpcEndpointServiceName: undefined }, 'ValidationException'],
  ['CreateCustomKeyStore', { ...proxy, XksProxyUriEndpoint: 'http://proxy.example' }, 'ValidationException'],
  ['CreateCustomKeyStore', withoutCredential, 'ValidationException'],
  ['UpdateCustomKeyStore', { ...store, NewCustomKeyStoreName: 'other' }, 'CustomKeyStoreNotFoundException'],
  ['UpdateCustomKeyStore', { ...store, XksProxyUriPath: '/elsewhere' }, 'ValidationException'],
  ['UpdateCustomKeyStore', { NewCustomKeyStoreName: 'other' }, 'ValidationException'],
  ['DeleteCustomKeyStore', store, 'CustomKeyStoreNotFoundException'],
  ['ConnectCustomKeyStore', store, 'CustomKeyStoreNotFoundException'],
  ['DisconnectCustomKeyStore', store, 'CustomKeyStoreNotFoundException'],
  ['CreateKey', { ...store, Origin: 'AWS_CLOUDHSM' }, 'CustomKeyStoreNotFoundException'],
  ['CreateKey', { ...store, Origin: 'EXTERNAL_KEY_STORE', XksKeyId: 'x' }, 'CustomKeyStoreNotFoundException'],
  ['CreateKey', { Origin: 'AWS_CLOUDHSM' }, 'ValidationException'],
  ['CreateKey', store, 'ValidationException'],
  ['CreateKey', { ...store, Origin: 'EXTERNAL_KEY_STORE', XksKeyId: 'no spaces' }, 'ValidationException'],
  ['GenerateRandom', { ...store, NumberOfBytes: 8 }, 'CustomKeyStoreNotFoundException'],
];

const typeOf = (json: object): string => (json as { readonly __type?: string }).__type ?? 'ok';

test('calls about key stores are answered as AWS documents where there is none', async () => {
  const house = await House.open();
  const doors = new Doors(house);
  for (const [operation, body, wanted] of cases) {
    const [rows, size] = [await house.rows(), house.ledgerSize];
    const { json, text } = await doors.aws(operation, body);
    assert.equal(typeOf(json), wanted, `${operation} ${JSON.stringify(body)}: ${text}`);
    assert.equal(house.ledgerSize, size + 1, operation);
    assert.deepEqual(await house.rows(), rows, operation);
    for (const secret of [cluster.KeyStorePassword, proxy.XksProxyAuthenticationCredential.RawSecretAccessKey]) {
      assert.ok(!JSON.stringify(await house.entries(size)).includes(secret));
    }
  }
});

test('only who governs the realm learns whether there are key stores', async () => {
  const house = await House.open({ mode: 'production' });
  const doors = new Doors(house);
  const officer = house.first;
  for (const role of ['key-administrator', 'key-user', 'auditor'] as const) {
    const member = await house.hire(role, role);
    for (const [operation, body] of [
      ['DescribeCustomKeyStores', {}],
      ['CreateCustomKeyStore', cluster],
      ['DeleteCustomKeyStore', store],
    ] as const) {
      assert.equal(
        typeOf((await doors.aws(operation, body, member)).json),
        'AccessDeniedException',
        `${role} ${operation}`,
      );
    }
  }
  assert.deepEqual((await doors.aws('DescribeCustomKeyStores', {}, officer)).json, {
    CustomKeyStores: [],
    Truncated: false,
  });
});
