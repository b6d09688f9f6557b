import { GatehouseError } from '../errors.ts'
import type { NkeyKind } from '../keys/nkey.ts'
import type { SealedKey, Vault } from '../keys/vault.ts'
import { readJsonFile } from './data-dir.ts'

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
export type KeyName = keyof typeof KEYS
const SIGNING: readonly KeyName[] = ['operatorSigning', 'systemSigning', 'calloutSigning', 'adminSigning']

/** What is kept in the data directory: seeds sealed, nothing else secret. */
export interface TrustFile {
  readonly v: 1
  /** Tells a wrong master key before anything is touched. */
  readonly check: string
  readonly operatorName: string
  readonly signing: 'strict' | 'root'
  /** RFC 3339. Everything signed at the founding bears this time, so it comes out the same at every start. */
  readonly createdAt: string
  readonly keys: Readonly<Partial<Record<KeyName, SealedKey>>>
  /** What the operator has become since: its JWT, and the signing keys that JWT lists, the one that signs last. */
  readonly operator?: { readonly jwt: string; readonly signingKeys: readonly SealedKey[] }
}

/** A system is made at a moment, RFC 3339. */
type Making = TrustOptions & { readonly at: string }

/**
 * The file, or undefined where there is none. Throws `wrong_master_key`, or `invalid_configuration` for a choice other
 * than the one it was made with.
 */
export function readTrustFile(path: string, vault: Vault, make: Making): TrustFile | undefined {
  const remedy = 'put it back from a backup; nothing else can open this system'
  const found = readJsonFile(path, { fields: ['check', 'signing', 'keys'], remedy })
  if (found === undefined) return undefined
  const file = found as unknown as TrustFile
  vault.verifyCheck(file.check)
  refuseChange(file, make)
  return file
}

/** Fresh keys for everything that is wanted. */
export function makeTrustFile(vault: Vault, make: Making): TrustFile {
  const names = (Object.keys(KEYS) as KeyName[]).filter((name) => isWanted(name, make))
  const { operatorName, signing = 'strict', at } = make
  const keys = Object.fromEntries(names.map((name) => [name, vault.generate(KEYS[name])]))
  return { v: 1, check: vault.checkValue, operatorName, signing, createdAt: at, keys }
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
