import type { NatsConnection } from '@nats-io/transport-node'
import { followAccounts } from './account-effects.ts'
import type { Signer } from './keys/signer.ts'
import type { Vault } from './keys/vault.ts'
import type { KvDirectory } from './nats/directory.ts'
import { OperatorFollow } from './nats/operator-follow.ts'
import { KnownServers } from './nats/servers.ts'
import { signers } from './nats/signers.ts'
import type { TrustChain } from './nats/trust.ts'
import { TrustedKeys } from './nats/trusted-keys.ts'
import type { Telemetry } from './telemetry.ts'

interface Followed {
  readonly nc: NatsConnection
  readonly directory: KvDirectory
  readonly nowMs: () => number
}

interface FollowingOptions {
  readonly trust: TrustChain
  readonly vault: Vault
  readonly telemetry: Telemetry
}

/** What the servers are told follows the state: account JWTs, and the operator's. */
export async function followState(options: FollowingOptions, { nc, directory, nowMs }: Followed) {
  const { trust, vault, telemetry } = options
  const servers = new KnownServers(nc)
  await servers.refresh()
  const trusted = new TrustedKeys(nc, { operator: trust.operator, servers: () => servers.size })
  await trusted.refresh().catch((error: unknown) => telemetry.failed(error, 'asking servers whom they trust'))
  const stored = signers(directory, { trust, vault })
  const operatorSigner = (): Promise<Signer> =>
    stored.operatorSigner({ trusted: trusted.byAll, nowMs: nowMs() })
  const accounts = followAccounts(options, { nc, directory, servers, operatorSigner, nowMs })
  const operator = new OperatorFollow({
    trust,
    trusted,
    servers,
    directory,
    accountsPushed: accounts.allSettled,
    nowMs,
    onError: (error) => telemetry.failed(error, 'keeping the operator'),
  })
  return { servers, trusted, stored, operatorSigner, accounts, operator }
}

export type Following = Awaited<ReturnType<typeof followState>>
