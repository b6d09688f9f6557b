import { findTool } from './binary-find.ts'
import type { Found, Search, Tool } from './binary-tool.ts'

/** nats-server: which versions will do, and where they come from. These two numbers stand here and nowhere else. */
export const NATS_SERVER: Tool = {
  name: 'nats-server',
  // The first with the security fixes, `default_sentinel` and atomic batches that Gatehouse relies on.
  minimum: '2.12.7',
  pinned: '2.15.2',
  variable: 'GATEHOUSE_NATS_SERVER',
  downloadsVariable: 'GATEHOUSE_NATS_SERVER_DOWNLOADS',
  downloads: 'https://github.com/nats-io/nats-server/releases/download',
  archive: ({ version, os, arch }) => {
    const name = `nats-server-v${version}-${os}-${arch}`
    return os === 'windows'
      ? { file: `${name}.zip`, member: `${name}/nats-server.exe` }
      : { file: `${name}.tar.gz`, member: `${name}/nats-server` }
  },
  packagedAt: 'usr/sbin/nats-server',
  goModule: 'github.com/nats-io/nats-server/v2',
  missing: 'server_missing',
}

/**
 * A nats-server that runs here, fetched if there is none. Takes seconds the first time and next to nothing
 * afterwards. See `findTool` for the order and the errors (`server_missing`, `invalid_configuration`).
 */
export function findServer(search: Search): Promise<Found> {
  return findTool(NATS_SERVER, search)
}
