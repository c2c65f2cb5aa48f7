/**
 * A realm is one region of an account: what keys and their names live in. The home region, which the server's setting names, is
 * called by the account alone; a further one `account.region`. No account holds a dot, so `${realm}/` begins no other realm's ids.
 */
export function accountOf(realm: string): string {
  const end = realm.indexOf('.');
  return end < 0 ? realm : realm.slice(0, end);
}

export function regionOf(realm: string, home: string): string {
  const end = realm.indexOf('.');
  return end < 0 ? home : realm.slice(end + 1);
}

export function realmIn(account: string, region: string, home: string): string {
  return region === home ? account : `${account}.${region}`;
}
