import { connect, NoRespondersError, type NatsConnection } from '@nats-io/transport-node'
import type { ServerRemains } from '../admin/account-remains.ts'
import { GatehouseError } from '../errors.ts'
import { buildAccountDeletion } from '../jwt/generic.ts'
import { encode } from '../jwt/token.ts'
import type { Signer } from '../keys/signer.ts'
import { askServers } from './ask-servers.ts'
import { authenticatorOf, type ServiceUser } from './connection.ts'

const ROUND_MS_MAX = 5_000
const PURGE_MS_MAX = 5_000
/** Nobody has anything more to say. */
const QUIET_MS = 300

export interface AccountRemovalOptions {
  readonly url: string
  readonly operatorSigner: () => Promise<Signer>
  /** A user of the system account that may purge, for a moment. */
  readonly purger: () => ServiceUser
  readonly nowMs: () => number
  /** How many servers there are. */
  readonly servers: () => number
}

interface Deleted {
  readonly error?: { readonly description?: string }
}

/** Takes deleted accounts out of resolvers and JetStream. */
export class AccountRemoval implements ServerRemains {
  readonly #nc: NatsConnection
  readonly #options: AccountRemovalOptions

  constructor(nc: NatsConnection, options: AccountRemovalOptions) {
    this.#nc = nc
    this.#options = options
  }

  /** A server that forgets an account ends its connections as expired (reference C.5). Forgetting twice is no fault. */
  async forget(account: string): Promise<boolean> {
    const wasHeld = await this.#isHeld(account)
    const { nowMs } = this.#options
    const operatorSigner = await this.#options.operatorSigner()
    const issuedAt = Math.floor(nowMs() / 1_000)
    const operator = operatorSigner.publicKey
    const deletion = encode(buildAccountDeletion({ operator, accounts: [account], issuedAt }), operatorSigner)
    const answers = await this.#askAll<Deleted>('$SYS.REQ.CLAIMS.DELETE', deletion)
    const refused = answers.find(({ error }) => error !== undefined)
    if (refused === undefined) return wasHeld
    const why = refused.error?.description ?? ''
    throw new GatehouseError('unavailable', `a resolver keeps account ${account}: ${why}`)
  }

  /**
   * The purge of an account is for the system account alone, and no import leads there: nats-server looks at the
   * account that asks. So somebody of the system account asks, who may do nothing else and is gone after it.
   */
  async purge(account: string): Promise<void> {
    const { url, purger } = this.#options
    const user = purger()
    try {
      const nc = await connect({
        servers: url,
        name: 'gatehouse purge',
        inboxPrefix: PURGE_INBOX,
        reconnect: false,
        authenticator: authenticatorOf(user),
      })
      try {
        await nc.request(`$JS.API.ACCOUNT.PURGE.${account}`, '', { timeout: PURGE_MS_MAX })
      } finally {
        await nc.close()
      }
    } catch (cause) {
      if (cause instanceof NoRespondersError) return // No JetStream, no streams.
      throw new GatehouseError('unavailable', 'the streams of the account cannot be purged', { cause })
    }
  }

  /**
   * As far as the answers tell. "Not found" is an empty message, and that ends the answers which a service import lets
   * through: in a cluster nobody is heard after the first who has nothing. So what is not found is deleted all the same.
   */
  async #isHeld(account: string): Promise<boolean> {
    const subject = `$SYS.REQ.ACCOUNT.${account}.CLAIMS.LOOKUP`
    const options = { strategy: 'stall', stall: QUIET_MS, maxWait: ROUND_MS_MAX } as const
    for await (const reply of await this.#nc.requestMany(subject, '', options)) {
      if (reply.data.length > 0) return true
      if (this.#options.servers() === 1) break
    }
    return false
  }

  #askAll<Answer>(subject: string, body: string): Promise<readonly Answer[]> {
    const servers = this.#options.servers()
    return askServers<Answer>(this.#nc, { subject, body, servers, waitMsMax: ROUND_MS_MAX })
  }
}

/** Inbox of whoever purges, which its permissions name. */
export const PURGE_INBOX = '_INBOX_gatehouse_purge'
