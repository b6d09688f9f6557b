import type { Signers } from '../callout/sign.ts'
import type { Signer } from '../keys/signer.ts'
import type { SealedKey, Vault } from '../keys/vault.ts'
import type { KvDirectory } from './directory.ts'
import type { TrustChain } from './trust.ts'

/** The newest signing key of an account signs its users, or its root where there is none. Opened once. */
export function signers(
  directory: KvDirectory,
  { trust, vault }: { trust: TrustChain; vault: Vault },
): Signers {
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
  }

  async function open(publicKey: string): Promise<Signer | undefined> {
    const sealed = (await directory.sealed(publicKey)) as SealedKey | undefined
    if (sealed === undefined) return undefined
    const signer = vault.signer(sealed)
    opened.set(publicKey, signer)
    return signer
  }
}
