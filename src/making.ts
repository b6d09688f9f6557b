import { randomBytes } from 'node:crypto'
import type { KeyRing, Secrets } from './admin/command.ts'
import type { Passwords } from './keys/password.ts'
import { createToken, hashToken } from './keys/token.ts'
import type { SealedText, Vault } from './keys/vault.ts'

/** Keys of accounts and of the operator, as they are stored: sealed. */
export function keyRing(vault: Vault): KeyRing {
  const create = (kind: 'account' | 'operator') => {
    const sealed = vault.generate(kind)
    return { publicKey: sealed.publicKey, sealed }
  }
  return { createAccountKey: () => create('account'), createOperatorKey: () => create('operator') }
}

/** What users prove themselves with, as it is shown and as it is stored. */
export function secrets(passwords: Passwords, vault: Vault): Secrets {
  return {
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
