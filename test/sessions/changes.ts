/** Changes of authority, and whose sessions end by them. */

/** One user of a place of its own, with two tokens. */
export interface Person {
  readonly account: string
  readonly user: string
  readonly credentials: readonly string[]
  readonly tokens: readonly string[]
}

/** Who is there in an account before a change: those that it is about, and others. */
export interface Stage {
  readonly account: string
  readonly of: Readonly<Record<'plain' | 'withRole' | 'withOther' | 'regional', Person>>
}

type Who = keyof Stage['of']

interface Row {
  readonly what: string
  readonly command: string
  readonly payload: (n: number, stage: Stage) => object
  /** Whose sessions end; everybody else's stay. */
  readonly ends: readonly Who[]
  readonly reason: string
  /** The account JWT tells the servers too, and they may be first. */
  readonly isRevoked?: true
}

export const EVERYONE: readonly Who[] = ['plain', 'withRole', 'withOther', 'regional']
const of =
  (user: string) =>
  (_n: number, { account }: Stage) => ({ account, user })
const soon = () => new Date(Date.now() + 3_600_000).toISOString()

export const rows: readonly Row[] = [
  {
    what: 'a user that is locked',
    command: 'user.lock',
    payload: (n, at) => ({ ...of('plain')(n, at), reason: 'lost laptop' }),
    ends: ['plain'],
    reason: 'user_locked',
  },
  {
    what: 'a user that is deleted',
    command: 'user.delete',
    payload: of('plain'),
    ends: ['plain'],
    reason: 'unknown_credential',
  },
  {
    what: 'a user that is to expire',
    command: 'user.set-expiry',
    payload: (n, at) => ({ ...of('plain')(n, at), expiresAt: soon() }),
    ends: ['plain'],
    reason: 'grant_changed',
  },
  {
    what: 'a policy that was given',
    command: 'user.assign-policy',
    payload: (n, at) => ({ ...of('plain')(n, at), policy: `other-${n}` }),
    ends: ['plain'],
    reason: 'grant_changed',
  },
  {
    what: 'a policy that was given and gives nothing new',
    command: 'user.assign-policy',
    payload: (n, at) => ({ ...of('withRole')(n, at), policy: `work-${n}` }),
    ends: [],
    reason: '',
  },
  {
    what: 'a role that was taken away',
    command: 'user.remove-role',
    payload: (n, at) => ({ ...of('withRole')(n, at), role: `clerk-${n}` }),
    ends: ['withRole'],
    reason: 'grant_changed',
  },
  {
    what: 'the permissions of a policy',
    command: 'policy.update-permissions',
    payload: (n) => ({ policy: `work-${n}`, publish: { allow: ['work.a'], deny: [] } }),
    ends: ['plain', 'withRole'],
    reason: 'grant_changed',
  },
  {
    what: 'a source that a policy no longer allows',
    command: 'policy.update-limits',
    payload: (n) => ({ policy: `work-${n}`, limits: { sources: ['10.0.0.0/8'] } }),
    ends: ['plain', 'withRole'],
    reason: 'source_not_allowed',
  },
  {
    what: 'a lifetime that a policy has now',
    command: 'policy.update-limits',
    payload: (n) => ({ policy: `work-${n}`, limits: { lifetime: '1h' } }),
    ends: ['plain', 'withRole'],
    reason: 'grant_changed',
  },
  {
    what: 'how many sessions a policy allows',
    command: 'policy.update-limits',
    payload: (n) => ({ policy: `work-${n}`, limits: { sessions: 100 } }),
    ends: [],
    reason: '',
  },
  {
    what: 'the policies of a role',
    command: 'role.update',
    payload: (n) => ({ role: `clerk-${n}`, policies: [`other-${n}`] }),
    ends: ['withRole'],
    reason: 'grant_changed',
  },
  {
    what: 'the default policy of the account',
    command: 'account.set-default-policy',
    payload: (n, { account }) => ({ account, policy: `other-${n}` }),
    ends: EVERYONE,
    reason: 'grant_changed',
  },
  {
    what: 'the boundary of the account',
    command: 'account.set-boundary-policy',
    payload: (n, { account }) => ({ account, policy: `other-${n}` }),
    ends: EVERYONE,
    reason: 'grant_changed',
  },
  {
    what: 'an account that is suspended',
    command: 'account.suspend',
    payload: (_n, { account }) => ({ account, reason: 'unpaid' }),
    ends: EVERYONE,
    reason: 'account_suspended',
    isRevoked: true,
  },
  {
    what: 'an account that is to expire',
    command: 'account.set-expiry',
    payload: (_n, { account }) => ({ account, expiresAt: soon() }),
    ends: EVERYONE,
    reason: 'grant_changed',
  },
  {
    what: 'facts of an account that nothing uses',
    command: 'account.update-metadata',
    payload: (_n, { account }) => ({ account, metadata: { floor: '2' } }),
    ends: [],
    reason: '',
  },
  {
    what: 'an account that is deleted',
    command: 'account.delete',
    payload: (_n, { account }) => ({ account, force: true }),
    ends: EVERYONE,
    reason: 'account_missing',
    isRevoked: true,
  },
  {
    what: 'metadata that a template uses',
    command: 'user.update-metadata',
    payload: (n, at) => ({ ...of('regional')(n, at), metadata: { region: 'us', colour: 'red' } }),
    ends: ['regional'],
    reason: 'grant_changed',
  },
  {
    what: 'metadata that a template cannot do without',
    command: 'user.update-metadata',
    payload: (n, at) => ({ ...of('regional')(n, at), metadata: {} }),
    ends: ['regional'],
    reason: 'template_value_missing',
  },
  {
    what: 'metadata that nothing uses',
    command: 'user.update-metadata',
    payload: (n, at) => ({ ...of('regional')(n, at), metadata: { region: 'eu', colour: 'blue' } }),
    ends: [],
    reason: '',
  },
]
