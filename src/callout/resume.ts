import type { AuthorizationRequestClaims } from '../jwt/claims.ts'
import type { Connection, Session } from '../sessions/session.ts'
import { authenticate, type Authentication, type Holder } from './authenticate.ts'
import { fetched, type Directory } from './directory.ts'
import type { Offer } from './identify.ts'
import { Denial, type DenyReason } from './reason.ts'

/** What is remembered of an open connection. */
export type OpenSession = Pick<Session, 'account' | 'user' | 'name' | 'credential' | 'until'>

/** Who is connected. Answers from memory. A server gives each connection a number of its own, and no number twice. */
export interface SessionsByConnection {
  at(connection: Connection): OpenSession | undefined
}

/** A request about a connection that is open, and what it offers. */
export interface Again {
  readonly claims: AuthorizationRequestClaims
  readonly offers: readonly Offer[]
  readonly session: OpenSession
}

/**
 * Who holds a connection that is open already. A server asks again when its configuration is reloaded (2.15; others
 * close what is open), and when a client sends a second CONNECT (2.12 and 2.15). Either way the request names the user
 * as the JWT did that we issued. A reload keeps the password and takes away token and nkey; what a client says a
 * second time is put on top of that.
 *
 * Whoever brings a proof is held to it. Whoever brings none is the user that the connection belongs to, by the
 * credential that opened it, and no longer than it was to last: everything else is decided anew.
 */
export async function authenticateAgain(
  { claims, offers, session }: Again,
  by: Authentication & { readonly nowMs: number },
): Promise<Holder | Denial> {
  const { user } = claims.nats.connect_opts
  if (offers.length === 0) return recall(session, user, by)
  const proven = await authenticate(inAccount(offers, session), by)
  if (!(proven instanceof Denial)) return own(proven, session)
  return NOT_ASKED.has(proven.reason) ? recall(session, user, by) : proven
}

/**
 * A reload brings all passwords of a server at once, more than can be hashed in time; and what others have tried from
 * the same source says nothing about who is in already.
 */
const NOT_ASKED: ReadonlySet<DenyReason> = new Set(['hashing_busy', 'source_over_budget', 'locked_out'])

/** What a server remembers as the login is the name alone, which may be somebody else's in another account. */
function inAccount(offers: readonly Offer[], { account }: OpenSession): readonly Offer[] {
  return offers.map((offer) =>
    offer.kind === 'password' && !offer.user.includes('/')
      ? { ...offer, user: `${account}/${offer.user}` }
      : offer,
  )
}

/**
 * A connection does not change hands: a server before 2.15 goes on delivering what it subscribed to as the first user,
 * and nobody would know any more whose that is.
 */
function own(holder: Holder, session: OpenSession): Holder | Denial {
  return holder.user.id === session.user ? holder : new Denial('session_of_another', holder.user.name, holder)
}

async function recall(
  session: OpenSession,
  name: string | undefined,
  { directory, nowMs }: { readonly directory: Directory; readonly nowMs: number },
): Promise<Holder | Denial> {
  const endsAtMs = session.until === undefined ? Infinity : Date.parse(session.until)
  if (name !== session.name || !(endsAtMs > nowMs)) return new Denial('no_credential')
  const named = await fetched(directory.usersNamed(name))
  if (named instanceof Denial) return named
  const user = named.find(({ id, account }) => id === session.user && account === session.account)
  if (user === undefined) return new Denial('no_credential')
  const credential = user.credentials.find(({ id }) => id === session.credential)
  return credential === undefined
    ? new Denial('unknown_credential', user.name, { user })
    : { user, credential, endsBy: session.until }
}
