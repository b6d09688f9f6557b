import type { Account } from '../domain/account.ts'
import { nameFault } from '../domain/name.ts'
import type { Credential, User } from '../domain/user.ts'
import type { PasswordVerdict } from '../keys/password.ts'
import { verify } from '../keys/signer.ts'
import { hashToken, isToken, sameHash } from '../keys/token.ts'
import { fetched, type Directory } from './directory.ts'
import type { Offer } from './identify.ts'
import { Denial } from './reason.ts'
import type { Visitor } from './visitor.ts'

/** Checks passwords off the event loop, a bounded number at a time. */
export interface PasswordCheck {
  verify(phc: string, password: string): Promise<PasswordVerdict>
  /** Costs what `verify` costs, for a user that is not there. */
  verifyAbsent(password: string): Promise<PasswordVerdict>
}

/** A user and what it proved itself with. */
export interface Holder {
  readonly user: User
  readonly credential: Credential
  /** RFC 3339, where nothing was proven anew: the connection ends when it was to end. */
  readonly endsBy?: string | undefined
}

export interface Authentication {
  readonly directory: Directory
  readonly passwords: PasswordCheck
  readonly visitor: Pick<Visitor, 'passwordRefused' | 'userRefused' | 'judged'>
}

/** Who the client is: the first offer that proves a user. The reason for none is that of the last one tried. */
export async function authenticate(offers: readonly Offer[], by: Authentication): Promise<Holder | Denial> {
  let denial = new Denial('no_credential')
  for (const offer of offers) {
    const proven = await fetched(prove(offer, by))
    if (!(proven instanceof Denial)) return proven
    denial = proven
  }
  return denial
}

function prove(offer: Offer, by: Authentication): Promise<Holder | Denial> {
  switch (offer.kind) {
    case 'token':
      return proveByToken(offer.token, by)
    case 'password':
      return proveByPassword(offer, by)
    case 'nkey':
      return proveByNkey(offer, by)
  }
}

async function proveByToken(token: string, { directory }: Authentication): Promise<Holder | Denial> {
  if (!isToken(token)) return new Denial('unknown_credential') // Not worth a look-up.
  const hash = hashToken(token)
  const user = await directory.userByToken(hash)
  return user === undefined ? new Denial('unknown_credential') : heldToken(user, hash)
}

function heldToken(user: User, hash: string): Holder | Denial {
  const credential = user.credentials.find((held) => held.kind === 'token' && sameHash(held.hash, hash))
  return credential === undefined
    ? new Denial('unknown_credential', user.name, { user })
    : { user, credential }
}

async function proveByNkey(
  { publicKey, nonce, signature }: Extract<Offer, { kind: 'nkey' }>,
  { directory }: Authentication,
): Promise<Holder | Denial> {
  if (!verify(publicKey, Buffer.from(nonce), Buffer.from(signature, 'base64url')))
    return new Denial('wrong_signature')
  const user = await directory.userByNkey(publicKey)
  const credential = user?.credentials.find((held) => held.kind === 'nkey' && held.publicKey === publicKey)
  return user === undefined || credential === undefined
    ? new Denial('unknown_credential')
    : { user, credential }
}

/**
 * A password may be one of the user's bearer tokens: for clients that can send nothing but user and password. Nobody
 * guesses one, so the throttle has no say there.
 */
async function proveByPassword(
  { user: login, password }: Extract<Offer, { kind: 'password' }>,
  by: Authentication,
): Promise<Holder | Denial> {
  const { directory, passwords, visitor } = by
  if (isToken(password)) {
    const found = await userAt(login, directory)
    return found instanceof Denial ? found : heldToken(found, hashToken(password))
  }
  const refused = visitor.passwordRefused()
  if (refused !== undefined) return refused
  const found = await userAt(login, directory)
  const user = found instanceof Denial ? undefined : found
  const unheard = visitor.userRefused(user)
  if (unheard !== undefined) return unheard
  const proven = await tried(found, password, passwords)
  return user === undefined ? proven : visitor.judged(user, proven)
}

/** Costs a hash, whether or not there is such a user or a password: time tells nobody who exists. */
async function tried(
  found: User | Denial,
  password: string,
  passwords: PasswordCheck,
): Promise<Holder | Denial> {
  const held = found instanceof Denial ? [] : found.credentials.filter((each) => each.kind === 'password')
  if (found instanceof Denial || held.length === 0) {
    const denial = found instanceof Denial ? found : new Denial('wrong_password', found.name, { user: found })
    return (await passwords.verifyAbsent(password)) === 'busy' ? new Denial('hashing_busy') : denial
  }
  for (const credential of held) {
    const verdict = await passwords.verify(credential.hash, password)
    if (verdict === 'match') return { user: found, credential }
    if (verdict === 'busy') return new Denial('hashing_busy', found.name, { user: found })
  }
  return new Denial('wrong_password', found.name, { user: found })
}

/** The user at `name`, or at `ACCOUNT/name` where several accounts have somebody of that name. */
async function userAt(login: string, directory: Directory): Promise<User | Denial> {
  const slash = login.indexOf('/')
  const name = login.slice(slash + 1)
  if (nameFault(name) !== undefined) return new Denial('unknown_credential') // Nobody's: not worth a look-up.
  const named = await directory.usersNamed(name)
  const users =
    slash === -1
      ? inAccounts(named, directory)
      : named.filter((user) => isCalled(directory.account(user.account), login.slice(0, slash)))
  const [user] = users
  if (user === undefined) return new Denial('unknown_credential')
  return users.length > 1 ? new Denial('ambiguous_user') : user
}

/** Whoever is left of an account that was deleted does not stand in the way of a namesake. */
function inAccounts(named: readonly User[], directory: Directory): readonly User[] {
  return named.length < 2 ? named : named.filter(({ account }) => directory.account(account) !== undefined)
}

function isCalled(account: Account | undefined, name: string): boolean {
  return account !== undefined && (account.name === name || account.id === name)
}
