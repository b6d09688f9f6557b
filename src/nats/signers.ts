import type { Signers } from '../callout/sign.ts'
import { signingKeyOf, type OperatorMoment } from '../domain/operator.ts'
import { GatehouseError } from '../errors.ts'
import type { Signer } from '../keys/signer.ts'
import type { SealedKey, Vault } from '../keys/vault.ts'
import type { KvDirectory } from './directory.ts'
import type { TrustChain } from './trust.ts'

/** What signs here: users by the newest signing key of their account, or its root; accounts by the operator's. */
export interface StoredSigners extends Signers {
  /** The operator's signing key that every server trusts, or its root. Throws `invalid_key` when it is not stored. */
  operatorSigner(moment: OperatorMoment): Promise<Signer>
}

/** Signers of keys as they are stored, so that any replica can sign. Each is opened once. */
export function signers(
  directory: KvDirectory,
  { trust, vault }: { trust: TrustChain; vault: Vault },
): StoredSigners {
  const opened = new Map<string, Signer>()
  const { calloutSigner } = trust
  const { callout } = trust.chain
  return {
    response: calloutSigner,
    responseIssuerAccount: calloutSigner.publicKey === callout ? undefined : callout,
    userSigner(account) {
      const publicKey = account.signingKeys.at(-1)?.publicKey ?? account.id
      return opened.get(publicKey) ?? open(publicKey)
    },
    async operatorSigner(moment) {
      const { operator } = directory
      if (operator === undefined) return trust.operatorSigner
      const publicKey = signingKeyOf(operator, moment)
      const signer = opened.get(publicKey) ?? (await open(publicKey))
      if (signer !== undefined) return signer
      throw new GatehouseError('invalid_key', `the seed of operator key ${publicKey} is not stored`)
    },
  }

  async function open(publicKey: string): Promise<Signer | undefined> {
    const sealed = (await directory.sealed(publicKey)) as SealedKey | undefined
    if (sealed === undefined) return undefined
    const signer = vault.signer(sealed)
    opened.set(publicKey, signer)
    return signer
  }
}
