import type { Account, AccountRole } from '../domain/account.ts'
import { FOUNDED_NAMES, type Founding, type FoundingAccount } from '../admin/found.ts'
import { GatehouseError } from '../errors.ts'
import {
  calloutClaims,
  PURGER_PERMISSIONS,
  SENTINEL_PERMISSIONS,
  SERVICE_PERMISSIONS,
  systemClaims,
  type Chain,
} from '../jwt/chain.ts'
import { buildOperator } from '../jwt/operator.ts'
import { encode } from '../jwt/token.ts'
import { buildUser } from '../jwt/user.ts'
import type { NkeyKind } from '../keys/nkey.ts'
import type { Signer } from '../keys/signer.ts'
import type { SealedKey, Vault } from '../keys/vault.ts'
import type { Xkey } from '../keys/xkey.ts'
import { readJsonFile, writeAtomically } from './data-dir.ts'

/** How a system is made, chosen once. */
export interface TrustOptions {
  readonly operatorName: string
  /** `strict` (the default): only signing keys sign (reference B.4). `root`: there are none, root keys sign. */
  readonly signing?: 'strict' | 'root' | undefined
  /** Whether servers box their requests (reference A.6). On by default. */
  readonly xkey?: 'on' | 'off' | undefined
}

/** Every key of the trust chain. Those that are not there were not wanted: signing keys, the xkey. */
const KEYS = {
  operator: 'operator',
  operatorSigning: 'operator',
  system: 'account',
  systemSigning: 'account',
  callout: 'account',
  calloutSigning: 'account',
  admin: 'account',
  adminSigning: 'account',
  service: 'user',
  sentinel: 'user',
  xkey: 'curve',
} as const satisfies Readonly<Record<string, NkeyKind>>
type KeyName = keyof typeof KEYS
const SIGNING: readonly KeyName[] = ['operatorSigning', 'systemSigning', 'calloutSigning', 'adminSigning']

/** Longer than a purge takes, and than clocks differ. */
const PURGER_SECONDS = 60

/** What is kept in the data directory: seeds sealed, nothing else secret. */
interface TrustFile {
  readonly v: 1
  /** Tells a wrong master key before anything is touched. */
  readonly check: string
  readonly operatorName: string
  readonly signing: 'strict' | 'root'
  /** RFC 3339. Everything signed at the founding bears this time, so it comes out the same at every start. */
  readonly createdAt: string
  readonly keys: Readonly<Partial<Record<KeyName, SealedKey>>>
}

/**
 * The trust chain of one system (architecture section 1): its keys, and what they sign before there is any state.
 * Holders can have signatures and JWTs; no seed leaves.
 */
export class TrustChain {
  readonly #file: TrustFile
  readonly #vault: Vault
  readonly #signers = new Map<KeyName, Signer>()

  private constructor(file: TrustFile, vault: Vault) {
    this.#file = file
    this.#vault = vault
  }

  /**
   * Finds the chain in the file, or makes one and writes it there. Throws `wrong_master_key`, or
   * `invalid_configuration` for a choice other than the one it was made with, and touches nothing.
   */
  static open(path: string, vault: Vault, make: TrustOptions & { readonly at: string }): TrustChain {
    const remedy = 'put it back from a backup; nothing else can open this system'
    const found = readJsonFile(path, { fields: ['check', 'signing', 'keys'], remedy })
    if (found !== undefined) {
      const file = found as unknown as TrustFile
      vault.verifyCheck(file.check)
      refuseChange(file, make)
      return new TrustChain(file, vault)
    }
    const names = (Object.keys(KEYS) as KeyName[]).filter((name) => isWanted(name, make))
    const { operatorName, signing = 'strict', at } = make
    const keys = Object.fromEntries(names.map((name) => [name, vault.generate(KEYS[name])]))
    const file: TrustFile = { v: 1, check: vault.checkValue, operatorName, signing, createdAt: at, keys }
    writeAtomically(path, `${JSON.stringify(file, null, 2)}\n`)
    return new TrustChain(file, vault)
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

  get operatorSigner(): Signer {
    return this.#either('operatorSigning', 'operator')
  }

  get calloutSigner(): Signer {
    return this.#either('calloutSigning', 'callout')
  }

  /** Self-signed by the root key: servers take no other (reference B.4). */
  get operatorJwt(): string {
    const { operatorName, signing, keys } = this.#file
    const claims = buildOperator(
      { publicKey: this.#key('operator'), name: operatorName, issuedAt: this.#issuedAt },
      {
        system_account: this.#key('system'),
        strict_signing_key_usage: signing === 'strict',
        ...(keys.operatorSigning && { signing_keys: [keys.operatorSigning.publicKey] }),
      },
    )
    return encode(claims, this.#signer('operator'))
  }

  /** What the resolver must hold before anybody can connect, by account. */
  get accountJwts(): ReadonlyMap<string, string> {
    const issue = { issuedAt: this.#issuedAt, chain: this.chain }
    const system = systemClaims(this.#account('system'), issue)
    const callout = calloutClaims(this.#account('callout'), issue, this.#either('systemSigning', 'system'))
    return new Map([system, callout].map((claims) => [claims.sub, encode(claims, this.operatorSigner)]))
  }

  /** The bearer JWT that stands in for a client that has none: deny-all, and without an end (reference 0.1, 0.6). */
  get sentinelJwt(): string {
    return this.#user('sentinel', SENTINEL_PERMISSIONS)
  }

  /** The first commit. The operator's root key stays where it is: replicas run on signing keys. */
  get founding(): Founding {
    const { operatorName, signing, keys } = this.#file
    const kept = Object.entries(keys).filter(([name]) => name !== 'operator' || signing === 'root')
    return {
      operator: {
        id: this.#key('operator'),
        name: operatorName,
        signing,
        signingKeys: keys.operatorSigning === undefined ? [] : [keys.operatorSigning.publicKey],
      },
      system: this.#founding('system'),
      callout: this.#founding('callout'),
      admin: this.#founding('admin'),
      sealed: new Map(kept.map(([, sealed]) => [sealed.publicKey, sealed])),
    }
  }

  get #issuedAt(): number {
    return Math.floor(Date.parse(this.#file.createdAt) / 1_000)
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

  #user(name: 'service' | 'sentinel', permissions: typeof SERVICE_PERMISSIONS): string {
    const signer = this.calloutSigner
    const issuerAccount =
      signer.publicKey === this.#key('callout') ? {} : { issuerAccount: this.#key('callout') }
    const identity = { publicKey: this.#key(name), name, issuedAt: this.#issuedAt, ...issuerAccount }
    return encode(buildUser(identity, permissions), signer)
  }

  #either(signing: KeyName, root: KeyName): Signer {
    return this.#signer(this.#file.keys[signing] === undefined ? root : signing)
  }

  #signer(name: KeyName): Signer {
    const known = this.#signers.get(name)
    if (known !== undefined) return known
    const signer = this.#vault.signer(this.#sealed(name))
    this.#signers.set(name, signer)
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

/** What was chosen when the chain was made cannot be chosen again: that would take other keys. */
function refuseChange({ signing, keys }: TrustFile, wanted: TrustOptions): void {
  const xkey = keys.xkey === undefined ? 'off' : 'on'
  const faults = [
    { where: 'GATEHOUSE_SIGNING', made: signing, wanted: wanted.signing },
    { where: 'GATEHOUSE_XKEY', made: xkey, wanted: wanted.xkey },
  ]
    .filter((choice) => choice.wanted !== undefined && choice.wanted !== choice.made)
    .map(({ where, made }) => ({ where, rule: `must be ${made}, as the system was made` }))
  if (faults.length === 0) return
  const message = faults.map(({ where, rule }) => `${where} ${rule}`).join('; ')
  throw new GatehouseError('invalid_configuration', message, { faults })
}

function isWanted(name: KeyName, { signing = 'strict', xkey = 'on' }: TrustOptions): boolean {
  if (name === 'xkey') return xkey === 'on'
  return signing === 'strict' || !SIGNING.includes(name)
}
