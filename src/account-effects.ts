import type { NatsConnection } from '@nats-io/transport-node'
import type { AccountJwts } from './admin/account-jwts.ts'
import { clearRemains, type Clearing } from './admin/account-remains.ts'
import type { Admin } from './admin/execute.ts'
import type { CommandContext } from './admin/transaction.ts'
import type { Account } from './domain/account.ts'
import { adminClaims, calloutClaims, systemClaims, tenantClaims } from './jwt/chain.ts'
import type { Signer } from './keys/signer.ts'
import { AccountClaimsPush } from './nats/account-claims.ts'
import { accountJwts, type AccountJwtsOptions } from './nats/account-jwts.ts'
import { AccountRemoval } from './nats/account-removal.ts'
import type { KvDirectory } from './nats/directory.ts'
import type { KnownServers } from './nats/servers.ts'
import type { TrustChain } from './nats/trust.ts'
import type { Telemetry } from './telemetry.ts'

/** What follows from accounts as they are stored: their JWTs at the servers, and nothing of those that were deleted. */

interface Effects {
  readonly trust: TrustChain
  readonly telemetry: Telemetry
}

/** What the effects of changed accounts need beside the chain of trust. */
interface Following {
  readonly nc: NatsConnection
  readonly directory: KvDirectory
  readonly servers: KnownServers
  readonly operatorSigner: () => Promise<Signer>
  readonly nowMs: () => number
}

export interface AccountsFollowed extends AsyncDisposable {
  /** Resolves when every resolver has the account as it is stored. */
  readonly settled: (account: string) => Promise<void>
  readonly allSettled: () => Promise<void>
}

/** Account JWTs follow the accounts as they are stored. */
export function followAccounts(
  { trust, telemetry }: Effects,
  { nc, directory, servers, operatorSigner, nowMs }: Following,
): AccountsFollowed {
  const push = new AccountClaimsPush(nc, {
    operatorSigner,
    claims: (account, issuedAt) => accountClaims(account, issuedAt, trust),
    nowMs,
    servers: () => servers.size,
    recount: () => void servers.refresh().catch(() => undefined),
    onError: (error, account) => telemetry.failed(error, `push of account ${account.name}`),
  })
  directory.onAccount((account) => void push.follow(account))
  directory.onAccountDeleted((account) => push.forget(account))
  return {
    settled: async (id) => {
      await directory.upToDate()
      const account = directory.account(id)
      if (account !== undefined) await push.follow(account)
    },
    allSettled: async () => {
      await directory.upToDate()
      await push.followAll(directory.accounts)
    },
    [Symbol.asyncDispose]: () => push[Symbol.asyncDispose](),
  }
}

interface ClearingParts extends Omit<Following, 'directory'> {
  readonly admin: Admin
  readonly context: () => CommandContext
}

/** Brings what is left of deleted accounts to nothing, one round at a time. */
export function clearingOf(
  { url, trust, telemetry }: Effects & { readonly url: string },
  { admin, nc, servers, operatorSigner, context, nowMs }: ClearingParts,
): () => Promise<void> {
  const removal = new AccountRemoval(nc, {
    url,
    operatorSigner,
    purger: () => trust.purger(nowMs()),
    nowMs,
    servers: () => servers.size,
  })
  const clearing: Clearing = {
    store: admin.store,
    servers: removal,
    context: (correlationId) => ({ ...context(), correlationId }),
    onError: (error, account) => telemetry.failed(error, `clearing of account ${account}`),
  }
  let round = Promise.resolve()
  return () => (round = round.catch(() => undefined).then(() => clearRemains(clearing)))
}

/** Accounts as servers see them, for commands. */
export function jwtsOf(trust: TrustChain, signer: AccountJwtsOptions['signer']): AccountJwts {
  return accountJwts({ claims: (account) => accountClaims(account, 0, trust), signer })
}

/** SYS and AUTH are in the resolver before there is a service; they are pushed when another key is to sign them. */
function accountClaims(account: Account, issuedAt: number, trust: TrustChain) {
  const issue = { issuedAt, chain: trust.chain }
  switch (account.role) {
    case 'system':
      return systemClaims(account, issue)
    case 'callout':
      return calloutClaims(account, issue, trust.systemSigner)
    case 'admin':
      return adminClaims(account, issue, trust.calloutSigner)
    case 'tenant':
      return tenantClaims(account, issue)
  }
}
