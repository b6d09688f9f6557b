import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Account, AccountRole } from '../domain/account.ts'
import { signingKeysInUse, type Operator } from '../domain/operator.ts'
import { FOUNDED_NAMES, type Founding, type FoundingAccount } from '../admin/found.ts'
import { GatehouseError } from '../errors.ts'
import { calloutClaims, systemClaims, type Chain } from '../jwt/chain.ts'
import type { UserPermissionLimits } from '../jwt/claims.ts'
import { buildOperator } from '../jwt/operator.ts'
import { DENY_ALL, PURGER_PERMISSIONS, SENTINEL_PERMISSIONS, SERVICE_PERMISSIONS } from '../jwt/own-users.ts'
import { encode } from '../jwt/token.ts'
import { buildUser, type UserIdentity } from '../jwt/user.ts'
import type { Signer } from '../keys/signer.ts'
import type { SealedKey, Vault } from '../keys/vault.ts'
import type { Xkey } from '../keys/xkey.ts'
import { writeAtomically } from './data-dir.ts'
import {
  makeTrustFile,
  readTrustFile,
  type KeyName,
  type TrustFile,
  type TrustOptions,
} from './trust-file.ts'

/** What servers should be started with: nats-server takes such a path as its `operator`. */
const OPERATOR_JWT_FILE = 'operator.jwt'

/** Longer than a purge takes, and than clocks differ. */
const PURGER_SECONDS = 60

/** What the JWT of an operator tells that may change after its creation. */
type OperatorFacts = Pick<Operator, 'serviceUrls' | 'accountServerUrl' | 'changedAt'>

/**
 * The trust chain of one system (architecture section 1): its keys, and what they sign before there is any state.
 * Holders can have signatures and JWTs; no seed leaves.
 */
export class TrustChain {
  readonly #path: string
  readonly #vault: Vault
  readonly #signers = new Map<string, Signer>()
  #file: TrustFile

  private constructor(path: string, vault: Vault, file: TrustFile) {
    this.#path = path
    this.#vault = vault
    this.#file = file
  }

  /**
   * Finds the chain in the file, or makes one and writes it there. Throws `wrong_master_key`, or
   * `invalid_configuration` for a choice other than the one it was made with, and touches nothing.
   */
  static open(path: string, vault: Vault, make: TrustOptions & { readonly at: string }): TrustChain {
    const found = readTrustFile(path, vault, make)
    const file = found ?? makeTrustFile(vault, make)
    const chain = new TrustChain(path, vault, file)
    if (found === undefined) chain.#write(file)
    else chain.#tell()
    return chain
  }

  get chain(): Chain {
    return {
      system: this.#key('system'),
      callout: this.#key('callout'),
      admin: this.#key('admin'),
      serviceUser: this.#key('service'),
      xkey: this.#file.keys.xkey?.publicKey,
    }
  }

  /** The root's public key. */
  get operator(): string {
    return this.#key('operator')
  }

  get xkey(): Xkey | undefined {
    const sealed = this.#file.keys.xkey
    return sealed && this.#vault.xkey(sealed)
  }

  /** The service user's JWT and its right to sign nonces. */
  get serviceUser(): { readonly jwt: string; readonly signer: Signer } {
    return { jwt: this.#user('service', SERVICE_PERMISSIONS), signer: this.#signer('service') }
  }

  /** Somebody of the system account who may purge accounts from JetStream, for a moment. */
  purger(nowMs: number): { readonly jwt: string; readonly signer: Signer } {
    const key = this.#vault.generate('user')
    const by = this.#either('systemSigning', 'system')
    const system = this.#key('system')
    const issuedAt = Math.floor(nowMs / 1_000)
    const identity = {
      publicKey: key.publicKey,
      name: 'gatehouse-purge',
      issuedAt,
      expiresAt: issuedAt + PURGER_SECONDS,
      ...(by.publicKey !== system && { issuerAccount: system }),
    }
    return { jwt: encode(buildUser(identity, PURGER_PERMISSIONS), by), signer: this.#vault.signer(key) }
  }

  /** Signs what is there before there is any state. From then on the state says which key signs. */
  get operatorSigner(): Signer {
    const newest = this.#operatorKeys.at(-1)
    return newest === undefined ? this.#signer('operator') : this.#signerOf(newest)
  }

  get systemSigner(): Signer {
    return this.#either('systemSigning', 'system')
  }

  get calloutSigner(): Signer {
    return this.#either('calloutSigning', 'callout')
  }

  /** What servers should be started with. */
  get operatorJwt(): string {
    return this.#file.operator?.jwt ?? this.#operatorJwtOf(this.#operatorKeys, {})
  }

  /** Does `operatorJwt` say what the operator is by now? */
  isKept(operator: Operator): boolean {
    return this.#operatorJwtOf(signingKeysInUse(operator), operator) === this.operatorJwt
  }

  /**
   * Takes over what the operator has become, and keeps it in the file for the next start: its JWT, and the sealed
   * signing keys, the one that signs last. What is no longer among them is forgotten.
   */
  keep(operator: Operator, signingKeys: readonly SealedKey[]): void {
    if (this.isKept(operator)) return
    const { operatorSigning: _founded, ...keys } = this.#file.keys
    const jwt = this.#operatorJwtOf(signingKeysInUse(operator), operator)
    this.#write({ ...this.#file, keys, operator: { jwt, signingKeys } })
  }

  /** What the resolver must hold before anybody can connect, by account. */
  get accountJwts(): ReadonlyMap<string, string> {
    const issue = { issuedAt: this.#issuedAt, chain: this.chain }
    const system = systemClaims(this.#account('system'), issue)
    const callout = calloutClaims(this.#account('callout'), issue, this.systemSigner)
    return new Map([system, callout].map((claims) => [claims.sub, encode(claims, this.operatorSigner)]))
  }

  /** The bearer JWT that stands in for a client that has none: deny-all, and without an end (reference 0.1, 0.6). */
  get sentinelJwt(): string {
    return this.#user('sentinel', SENTINEL_PERMISSIONS)
  }

  /**
   * The JWT of a creds file: a user of the callout account that may do nothing there and has to sign, so that whoever
   * holds it is called out like everybody.
   */
  credsJwt(of: Pick<UserIdentity, 'publicKey' | 'name' | 'issuedAt' | 'expiresAt'>): string {
    return this.#userJwt(of, DENY_ALL)
  }

  /** The first commit. The operator's root key stays where it is: replicas run on signing keys. */
  get founding(): Founding {
    const { operatorName, signing, keys } = this.#file
    const kept = Object.entries(keys).filter(([name]) => name !== 'operator' || signing === 'root')
    const operatorKeys = this.#operatorKeys
    return {
      operator: {
        id: this.#key('operator'),
        name: operatorName,
        signing,
        signingKeys: operatorKeys.map(({ publicKey }) => publicKey),
      },
      system: this.#founding('system'),
      callout: this.#founding('callout'),
      admin: this.#founding('admin'),
      sealed: new Map(
        [...kept.map(([, sealed]) => sealed), ...operatorKeys].map((sealed) => [sealed.publicKey, sealed]),
      ),
    }
  }

  get #issuedAt(): number {
    return seconds(this.#file.createdAt)
  }

  get #operatorKeys(): readonly SealedKey[] {
    const { operator, keys } = this.#file
    return operator?.signingKeys ?? (keys.operatorSigning === undefined ? [] : [keys.operatorSigning])
  }

  /** Self-signed by the root key: servers take no other (reference B.4). */
  #operatorJwtOf(
    signingKeys: readonly { readonly publicKey: string }[],
    { serviceUrls = [], accountServerUrl, changedAt }: OperatorFacts,
  ): string {
    const { operatorName, signing, createdAt } = this.#file
    const issuedAt = seconds(changedAt ?? createdAt)
    const claims = buildOperator(
      { publicKey: this.#key('operator'), name: operatorName, issuedAt },
      {
        system_account: this.#key('system'),
        strict_signing_key_usage: signing === 'strict',
        ...(signingKeys.length > 0 && { signing_keys: signingKeys.map(({ publicKey }) => publicKey) }),
        ...(serviceUrls.length > 0 && { operator_service_urls: serviceUrls }),
        ...(accountServerUrl !== undefined && { account_server_url: accountServerUrl }),
      },
    )
    return encode(claims, this.#signer('operator'))
  }

  #write(file: TrustFile): void {
    writeAtomically(this.#path, `${JSON.stringify(file, null, 2)}\n`)
    this.#file = file
    this.#tell()
  }

  /** The operator JWT as a file of its own beside the chain, for servers that somebody else starts. */
  #tell(): void {
    const file = join(dirname(this.#path), OPERATOR_JWT_FILE)
    const jwt = `${this.operatorJwt}\n`
    if (!existsSync(file) || readFileSync(file, 'utf8') !== jwt) writeAtomically(file, jwt)
  }

  #founding(role: Exclude<AccountRole, 'tenant'>): FoundingAccount {
    const signing = this.#file.keys[`${role}Signing`]
    const name = FOUNDED_NAMES[role]
    return { id: this.#key(role), name, role, signingKeys: signing === undefined ? [] : [signing.publicKey] }
  }

  #account(role: 'system' | 'callout'): Account {
    const { signingKeys, ...facts } = this.#founding(role)
    const createdAt = this.#file.createdAt
    return {
      ...facts,
      status: 'present',
      signingKeys: signingKeys.map((publicKey) => ({ publicKey, createdAt })),
      limits: role === 'callout' ? { jetstream: {} } : {},
      metadata: {},
      createdAt,
    }
  }

  #user(name: 'service' | 'sentinel', permissions: UserPermissionLimits): string {
    return this.#userJwt({ publicKey: this.#key(name), name, issuedAt: this.#issuedAt }, permissions)
  }

  #userJwt(identity: UserIdentity, permissions: UserPermissionLimits): string {
    const signer = this.calloutSigner
    const callout = this.#key('callout')
    const issuerAccount = signer.publicKey === callout ? {} : { issuerAccount: callout }
    return encode(buildUser({ ...identity, ...issuerAccount }, permissions), signer)
  }

  #either(signing: KeyName, root: KeyName): Signer {
    return this.#signer(this.#file.keys[signing] === undefined ? root : signing)
  }

  #signer(name: KeyName): Signer {
    return this.#signerOf(this.#sealed(name))
  }

  #signerOf(sealed: SealedKey): Signer {
    const known = this.#signers.get(sealed.publicKey)
    if (known !== undefined) return known
    const signer = this.#vault.signer(sealed)
    this.#signers.set(sealed.publicKey, signer)
    return signer
  }

  #key(name: KeyName): string {
    return this.#sealed(name).publicKey
  }

  #sealed(name: KeyName): SealedKey {
    const sealed = this.#file.keys[name]
    if (sealed === undefined) throw new GatehouseError('invalid_key', `the trust chain has no key "${name}"`)
    return sealed
  }
}

function seconds(time: string): number {
  return Math.floor(Date.parse(time) / 1_000)
}
