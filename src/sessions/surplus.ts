import { LEAF_NODE, sessionId, type Session } from './session.ts'

/** How many connections a user may have at a time, and which stay when there are more. */
export interface SessionLimits {
  readonly perUser: number
  readonly perCredential: number
  readonly keep: 'oldest' | 'newest'
}

/** A leaf node is no session of its user as far as these limits go: `limits.leafNodes` of the account is theirs. */
export function isCounted({ client }: Pick<Session, 'client'>): boolean {
  return client.kind !== LEAF_NODE
}

/**
 * Which sessions of one user are too many. Those that are to stay are taken in their order, each as long as there is
 * room for it: so all replicas come to the same ones, whatever order they heard of them in. One whose credential
 * is empty, for nobody knows it, counts for the user alone.
 */
export function surplusOf(
  sessions: readonly Session[],
  { perUser, perCredential, keep }: SessionLimits,
): readonly Session[] {
  const byCredential = new Map<string, number>()
  const surplus: Session[] = []
  let stay = 0
  for (const session of inOrder(sessions.filter(isCounted), keep)) {
    const { credential } = session
    const ofCredential = credential === '' ? 0 : (byCredential.get(credential) ?? 0)
    const isFull = stay >= perUser || ofCredential >= perCredential
    if (isFull) surplus.push(session)
    else {
      stay += 1
      byCredential.set(credential, ofCredential + 1)
    }
  }
  return surplus
}

function inOrder(sessions: readonly Session[], first: SessionLimits['keep']): readonly Session[] {
  const oldestFirst = sessions.toSorted(
    (a, b) => compare(a.since, b.since) || compare(sessionId(a), sessionId(b)),
  )
  return first === 'oldest' ? oldestFirst : oldestFirst.reverse()
}

function compare(left: string, right: string): number {
  if (left === right) return 0
  return left < right ? -1 : 1
}
