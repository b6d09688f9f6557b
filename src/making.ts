import { randomBytes } from 'node:crypto'
import type { KeyRing, Secrets } from './admin/command.ts'
import type { Admin } from './admin/execute.ts'
import type { Callout } from './callout/callout.ts'
import { Replays } from './callout/replays.ts'
import type { Passwords } from './keys/password.ts'
import { formatCreds } from './jwt/creds.ts'
import { isPublicKey } from './keys/nkey.ts'
import { createToken, hashToken } from './keys/token.ts'
import type { SealedText, Vault } from './keys/vault.ts'
import type { KnownServers } from './nats/servers.ts'
import type { TrustChain } from './nats/trust.ts'

/** Keys of accounts and of the operator, as they are stored: sealed. */
export function keyRing(vault: Vault): KeyRing {
  const create = (kind: 'account' | 'operator') => {
    const sealed = vault.generate(kind)
    return { publicKey: sealed.publicKey, sealed }
  }
  return {
    createAccountKey: () => create('account'),
    createOperatorKey: () => create('operator'),
    publicKeyFault: (text, kind) =>
      isPublicKey(text, kind) ? undefined : `must be a public key of kind ${kind}`,
  }
}

interface SecretsFrom {
  readonly vault: Vault
  readonly trust: TrustChain
}

/** What users prove themselves with, as it is shown and as it is stored. */
export function secrets(passwords: Passwords, { vault, trust }: SecretsFrom): Secrets {
  return {
    createCreds({ name, at, expiresAt }) {
      const key = vault.generate('user') // Kept nowhere: the file is the only copy.
      const jwt = trust.credsJwt({
        publicKey: key.publicKey,
        name,
        issuedAt: Math.floor(Date.parse(at) / 1_000),
        // Not before the credential, which ends at a fraction of a second: the door knows it to the millisecond.
        ...(expiresAt !== undefined && { expiresAt: Math.ceil(Date.parse(expiresAt) / 1_000) }),
      })
      return { creds: formatCreds(jwt, key, vault), publicKey: key.publicKey }
    },
    createToken() {
      const token = createToken(randomBytes)
      return { token, hash: hashToken(token) }
    },
    digest: hashToken,
    hashPassword: (password) => passwords.hash(password),
    seal: (name, text) => vault.sealText(name, text),
    open: (sealed) => vault.openText(sealed as SealedText),
  }
}

/** What surrounds the commands that found a system: nobody on the bus asks for them. */
export function foundingContext({ nextId, now, version, environment }: Admin, { chain }: TrustChain) {
  const [id, at] = [nextId(), now().toISOString()]
  const actor = { account: chain.callout, user: 'gatehouse' }
  return { actor, commandId: id, correlationId: id, at, nextId, version, environment }
}

/** What requests are held against. */
export function trustOf(servers: KnownServers, { chain }: TrustChain): Callout['trust'] {
  const isServer = (id: string): boolean | Promise<boolean> => servers.isServer(id)
  return { calloutAccount: chain.callout, isServer, replays: new Replays() }
}
