import { arch, cpus, freemem, hostname, loadavg, platform, release, totalmem, uptime } from 'node:os';
import type { Host } from '#domain/domain.ts';

/** The machine as it is now. Nothing of the process, its environment or its network. */
export function hostNow(): Host {
  const [one = 0, five = 0, fifteen = 0] = loadavg();
  return {
    hostname: hostname(),
    platform: platform(),
    architecture: arch(),
    kernel: release(),
    uptime: Math.floor(uptime()),
    processors: cpus().map(({ model, speed }) => ({ model, mhz: speed })),
    memory: { total: totalmem(), free: freemem() },
    load: [one, five, fifteen],
  };
}
