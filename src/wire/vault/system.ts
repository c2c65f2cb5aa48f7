import type { Status } from '#domain/domain.ts';
import type { OpenRow } from './row.ts';

/** What Vault's /sys says to anyone: how the server is. */

const clusterName = 'claviger';

/** A status that the request chooses instead of Vault's usual one; nonsense is ignored. */
function chosen(query: string, name: string, usual: number): number {
  const value = query === '' ? undefined : new URLSearchParams(query).get(name);
  return value !== undefined && value !== null && /^[2-5]\d\d$/.test(value) ? Number(value) : usual;
}

function health(status: Status, query: string, version: string): { status: number; body: string } {
  const code = !status.initialized
    ? chosen(query, 'uninitcode', 501)
    : status.sealed
      ? chosen(query, 'sealedcode', 503)
      : chosen(query, 'activecode', 200);
  return {
    status: code,
    body: JSON.stringify({
      initialized: status.initialized,
      sealed: status.sealed,
      standby: false,
      performance_standby: false,
      replication_performance_mode: 'disabled',
      replication_dr_mode: 'disabled',
      server_time_utc: Math.floor(status.time / 1000),
      version,
      cluster_name: clusterName,
    }),
  };
}

/** A seal that takes no shares is opened whole, by one of one. Of several, the one that takes shares is what a client can go on with. */
export function sealStatus(status: Status, _query: string, version: string): { status: number; body: string } {
  const shared = status.seals.find(({ shares }) => shares !== undefined);
  const { threshold, total, progress, nonce } = shared?.shares ?? { threshold: 1, total: 1, progress: 0, nonce: '' };
  return {
    status: 200,
    body: JSON.stringify({
      type: shared?.kind ?? status.sealKind,
      initialized: status.initialized,
      sealed: status.sealed,
      t: threshold,
      n: total,
      progress,
      nonce,
      version,
      build_date: '',
      migration: false,
      cluster_name: clusterName,
      recovery_seal: false,
      storage_type: 'claviger',
    }),
  };
}

function leader(status: Status): { status: number; body: string } {
  return {
    status: 200,
    body: JSON.stringify({
      ha_enabled: false,
      is_self: !status.sealed,
      active_time: '0001-01-01T00:00:00Z',
      leader_address: '',
      leader_cluster_address: '',
      performance_standby: false,
      performance_standby_last_remote_wal: 0,
    }),
  };
}

function init(status: Status): { status: number; body: string } {
  return { status: 200, body: JSON.stringify({ initialized: status.initialized }) };
}

export const openOperations: readonly OpenRow[] = [
  { operation: 'sys/health', paths: ['sys/health'], open: health },
  { operation: 'sys/seal-status', paths: ['sys/seal-status'], open: sealStatus },
  { operation: 'sys/leader', paths: ['sys/leader'], open: leader },
  { operation: 'sys/init', paths: ['sys/init'], open: init },
];
