import type { Account } from '../domain/account.ts'
import type { Grant, GrantParts } from '../domain/grant.ts'
import type { Credential, User } from '../domain/user.ts'
import type { Xkey } from '../keys/xkey.ts'
import type { Kicking } from '../sessions/kicking.ts'
import { covers, type Seen } from '../sessions/seen.ts'
import { admit } from './admit.ts'
import { authenticate, type Holder, type PasswordCheck } from './authenticate.ts'
import { compile } from './compile.ts'
import { fetched, type Directory, type Soon } from './directory.ts'
import { eligible, whose } from './eligible.ts'
import { identify } from './identify.ts'
import { open, type Incoming } from './open.ts'
import { prepare } from './prepare.ts'
import { Denial, Drop } from './reason.ts'
import { authenticateAgain, type OpenSession, type SessionsByConnection } from './resume.ts'
import type { Sessions } from './sessions.ts'
import { seal } from './seal.ts'
import { signResponse, signUser, type Signers } from './sign.ts'
import type { Throttle } from './throttle.ts'
import { isTurnedAway } from './turn-away.ts'
import { verify, type Trust, type Verified } from './verify.ts'
import { Visitor } from './visitor.ts'

/** Everything a decision rests on. Clock and chance come from outside. */
export interface Callout {
  readonly directory: Directory
  /** May be decided by what the directory has in memory? */
  readonly isInTouch: () => Soon<boolean>
  readonly passwords: PasswordCheck
  readonly throttle: Throttle
  readonly signers: Signers
  readonly sessions: Pick<Sessions, 'claim'>
  readonly openSessions: SessionsByConnection
  readonly kicking: Kicking
  /** Ours, when servers box their requests. */
  readonly xkey: Xkey | undefined
  readonly trust: Trust
  readonly nowMs: () => number
  /** Milliseconds of a clock that never jumps, with fractions: for how long things take. */
  readonly tickMs: () => number
  /** From 0 up to but not including 1. */
  readonly random: () => number
  readonly observer: Observer
}

/** Hears of every request, once it is over. */
export interface Observer {
  dropped(drop: Drop, tookMs: number): void
  denied(request: Verified, denial: Denial, tookMs: number): void
  admitted(request: Verified, admitted: Admission, tookMs: number): void
  /** Somebody who is in already stays in, by the same credential: not a login. */
  resumed(request: Verified, admitted: Admission, tookMs: number): void
}

/** Who was let in, with what, as what, by which policies. */
export interface Admission extends GrantParts {
  readonly user: User
  readonly account: Account
  readonly credential: Credential
  readonly grant: Grant
  readonly session: 'new' | 'resumed'
  /** Seconds since the epoch; absent when the connection may last. */
  readonly expiresAt: number | undefined
  /** The state it was decided on. */
  readonly seen: Seen
  /** A user JWT is good for this one connection and nobody else: its subject is the server's one-time key. */
  readonly jwt: string
}

/**
 * The life of one connection request (architecture section 3):
 *
 *   bytes → opened → verified → admitted → decided → signed → sealed
 *
 * Gives the answer, or nothing: for a request that deserves none and for a refusal of those who failed too often, whose
 * server then waits out its own timeout, and for a client that was turned away.
 */
export async function answer(callout: Callout, incoming: Incoming): Promise<Uint8Array | undefined> {
  const { xkey, signers, trust, observer, nowMs, tickMs } = callout
  const began = tickMs()

  const opened = open(incoming, xkey)
  const verified = opened instanceof Drop ? opened : await verify(opened, trust, nowMs())
  const decision = verified instanceof Drop ? verified : await decide(callout, verified)
  if (verified instanceof Drop || decision instanceof Drop) {
    observer.dropped(verified instanceof Drop ? verified : (decision as Drop), tickMs() - began)
    return undefined
  }

  const isSilent = decision instanceof Denial && (await staysSilent(decision, verified, callout))
  const outcome = decision instanceof Denial ? decision : decision.jwt
  const sealed = isSilent
    ? undefined
    : seal(signResponse(verified, outcome, { signers, nowMs: nowMs() }), verified, xkey)
  if (decision instanceof Denial) observer.denied(verified, decision, tickMs() - began)
  else if (decision.session === 'resumed') observer.resumed(verified, decision, tickMs() - began)
  else observer.admitted(verified, decision, tickMs() - began)
  return sealed
}

/** Is there nothing to answer to this refusal? */
async function staysSilent(denial: Denial, verified: Verified, callout: Callout): Promise<boolean> {
  return (
    new Visitor(verified, callout).refused(denial) || (await isTurnedAway(denial, verified, callout.kicking))
  )
}

/**
 * May this client in, and as what? Default is no; the last line is the only way to yes.
 *
 *   verified → identified → admitted → authenticated → granted
 *
 * Hashing and fetching take their time. What was decided on a state that has changed meanwhile is decided anew: once a
 * replica has said how far it has read, nothing leaves it that rests on less.
 */
async function decide(callout: Callout, verified: Verified): Promise<Admission | Denial | Drop> {
  const { directory, openSessions, nowMs } = callout
  const { server_id, client_info } = verified.claims.nats
  let { seen } = directory // Before anything is read: what changes from here on may have come too late.
  const admitted = admit(verified, nowMs())
  if (admitted instanceof Drop) return admitted
  if (!(await callout.isInTouch())) return new Denial('store_unavailable', 'memory is too old')
  const open = openSessions.at({ server: server_id.id, cid: client_info.id ?? 0 })
  const holder = await prove(callout, verified, open)
  if (holder instanceof Denial) return holder

  let granted = await grant(callout, verified, { holder, open, seen })
  while (!(granted instanceof Denial || granted instanceof Drop) && !covers(seen, directory.seen)) {
    seen = directory.seen
    const still = await stillHolding(holder, directory)
    if (still instanceof Denial) return still
    granted = await grant(callout, verified, { holder: still, open, seen })
  }
  return granted
}

/** Who the client is; of a connection that is open already, its server asks anew (reference 0.8). */
function prove(
  callout: Callout,
  verified: Verified,
  open: OpenSession | undefined,
): Promise<Holder | Denial> {
  const { directory, passwords, nowMs } = callout
  const { claims } = verified
  const offers = identify(claims)
  const by = { directory, passwords, visitor: new Visitor(verified, callout) }
  if (open === undefined) return authenticate(offers, by)
  return authenticateAgain({ claims, offers, session: open }, { ...by, nowMs: nowMs() })
}

/** Who has proved what it is, as it is now. */
async function stillHolding(holder: Holder, directory: Directory): Promise<Holder | Denial> {
  const { user, credential } = holder
  const now = await fetched(directory.user(user.account, user.id))
  if (now instanceof Denial) return now.of({ user })
  const held = now?.credentials.find(({ id }) => id === credential.id)
  return now === undefined || held === undefined
    ? new Denial('unknown_credential', user.name, { user })
    : { ...holder, user: now, credential: held }
}

/** What somebody gets who has proved who it is: eligible → compiled → prepared → counted → signed */
async function grant(
  callout: Callout,
  verified: Verified,
  {
    holder,
    open,
    seen,
  }: { readonly holder: Holder; readonly open: OpenSession | undefined; readonly seen: Seen },
): Promise<Admission | Denial | Drop> {
  const { directory, signers, nowMs } = callout
  const { claims } = verified
  const standing = eligible(holder, { directory, client: claims.nats.client_info, nowMs: nowMs() })
  if (standing instanceof Denial) return standing.of(holder)
  const compiled = compile(standing)
  if (compiled instanceof Denial) return compiled.of(whose(standing))
  const moment = { nowMs: nowMs(), random: callout.random() }
  const prepared = prepare(standing, compiled, { claims, moment })
  if (prepared instanceof Denial) return prepared.of(whose(standing))
  // Whoever is in has a place, and a server that is being reloaded cannot be asked for its connections.
  const crowded =
    open === undefined
      ? await callout.sessions.claim({ ...standing, grant: compiled }, verified, nowMs())
      : undefined
  if (crowded !== undefined) return crowded.of(whose(standing))

  const inTime = admit(verified, nowMs()) // Hashing or fetching may have taken all the time there was.
  if (inTime instanceof Drop) return inTime
  const jwt = await signUser(prepared, standing.account, signers)
  if (jwt instanceof Denial) return jwt.of(whose(standing))
  const session = isSame(holder, open) ? 'resumed' : 'new'
  return { ...standing, grant: compiled, session, expiresAt: prepared.exp, seen, jwt }
}

function isSame({ user, credential }: Holder, open: OpenSession | undefined): boolean {
  return open?.user === user.id && open.credential === credential.id
}
