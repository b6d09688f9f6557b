import { tokenAuthenticator, type NatsConnection } from '@nats-io/transport-node'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ask, auditOf, type Heard, type Reply } from '../admin/bus.ts'
import { openCluster, type Cluster } from '../support/cluster.ts'
import { eventually } from '../support/eventually.ts'
import { EVERYONE, rows, type Person, type Stage } from './changes.ts'

let cluster: Cluster
let admin: NatsConnection
let audit: readonly Heard[]
beforeAll(async () => {
  cluster = await openCluster({ servers: 1, replicas: 2 })
  admin = await cluster.connectAs('admin')
  audit = await auditOf(cluster)
})
afterAll(() => cluster[Symbol.asyncDispose]())

async function done(command: string, payload: object): Promise<Reply> {
  const reply = await ask(admin, { command, payload })
  expect([command, reply.status, reply.error]).toEqual([command, 200, undefined])
  return reply
}

async function person(account: string, user: string, more: object = {}): Promise<Person> {
  await done('user.create', { account, name: user, ...more })
  const issued = [
    await done('user.issue-token', { account, user }),
    await done('user.issue-token', { account, user }),
  ].map(({ body }) => body as { readonly token: string; readonly credential: string })
  return {
    account,
    user,
    credentials: issued.map(({ credential }) => credential),
    tokens: issued.map(({ token }) => token),
  }
}

/** A connection that says when it was ended. */
async function enter(token: string | undefined): Promise<NatsConnection> {
  return cluster.connect({ authenticator: tokenAuthenticator(token ?? '') })
}

let stages = 0
/** An account with four users, each with a grant of another kind. */
async function stage(): Promise<Stage> {
  const n = (stages += 1)
  const account = `STAGE${n}`
  const own = (name: string) => ({ name: `${name}-${n}` })
  await done('account.create', { name: account })
  const policies = { publish: { allow: ['work.>'], deny: [] } }
  await done('policy.create', { ...own('work'), ...policies })
  await done('policy.create', { ...own('other'), publish: { allow: ['other.>'], deny: [] } })
  await done('policy.create', {
    ...own('regional'),
    publish: { allow: ['r.{{user.metadata.region}}'], deny: [] },
  })
  await done('role.create', { ...own('clerk'), policies: [`work-${n}`] })
  const of = {
    plain: await person(account, 'plain', { policies: [`work-${n}`] }),
    withRole: await person(account, 'withRole', { roles: [`clerk-${n}`] }),
    withOther: await person(account, 'withOther', { policies: [`other-${n}`] }),
    regional: await person(account, 'regional', {
      policies: [`regional-${n}`],
      metadata: { region: 'eu', colour: 'red' },
    }),
  }
  return { account, of }
}

describe('a change', () => {
  it.each(rows)(
    'of $what ends exactly the sessions it touches',
    async ({ command, payload, ends, reason, isRevoked }) => {
      const at = await stage()
      const there = await Promise.all(
        EVERYONE.map(async (who) => ({ who, nc: await enter(at.of[who].tokens[0]) })),
      )
      const reply = await done(command, payload(stages, at))
      expect(reply.body['behind']).toBeUndefined()
      const report = { affected: ends.length, kicked: ends.length, left: 0 }
      if (!isRevoked) expect(reply.body['connections']).toEqual(ends.length === 0 ? undefined : report)
      for (const { who, nc } of there) {
        if (ends.includes(who)) await nc.closed()
        else await nc.flush()
      }
      const correlationId = (reply.body['events'] as Heard['event'][])[0]!.metadata['correlationId']
      const kicks = () =>
        audit.filter(
          ({ event, subject }) =>
            subject.endsWith('.session.kicked') && event.metadata['correlationId'] === correlationId,
        )
      await eventually(() => isRevoked ?? kicks().length >= ends.length)
      const reasons = kicks().map(({ event }) => event.data['reason'])
      expect(reasons).toEqual(isRevoked ? reasons.map(() => reason) : ends.map(() => reason))
    },
  )

  it('of one credential ends what came in with it, and not what came in with another', async () => {
    const { of: who } = await stage()
    const { account, user, credentials, tokens } = who.plain
    const [first, second] = await Promise.all(tokens.map(enter))
    const { body } = await done('user.revoke-credential', { account, user, credential: credentials[0] })
    expect(body['connections']).toEqual({ affected: 1, kicked: 1, left: 0 })
    await first!.closed()
    await second!.flush()
  })

  it('that touches what a session has come to rest on meanwhile ends it', async () => {
    const { of: who } = await stage()
    const nc = await enter(who.plain.tokens[0])
    const { account, user } = who.plain
    const policy = `less-${stages}`
    await done('policy.create', { name: policy, publish: { allow: ['work.a'], deny: [] } })
    await done('user.assign-policy', { account, user, policy }) // Gives nothing new.
    await nc.flush()
    const changed = { policy, publish: { allow: ['more'], deny: [] } }
    const { body } = await done('policy.update-permissions', changed)
    expect(body['connections']).toEqual({ affected: 1, kicked: 1, left: 0 })
    await nc.closed()
  })

  it('is summed up in one event', async () => {
    const { account, of: who } = await stage()
    await Promise.all(EVERYONE.map((each) => enter(who[each].tokens[0])))
    const { body } = await done('account.suspend', { account, reason: 'unpaid' })
    const { correlationId } = (body['events'] as Heard['event'][])[0]!.metadata
    const sums = () =>
      audit.filter(
        ({ event, subject }) =>
          subject.endsWith('.session.reexamined') && event.metadata['correlationId'] === correlationId,
      )
    const [{ event }] = (await eventually(() => sums().length > 0 && sums())) as [Heard]
    // A server that has the account's new JWT first closes its connections itself.
    const { affected, kicked, left } = event.data as { affected: number; kicked: number; left: number }
    expect([kicked, left]).toEqual([affected, 0])
    expect(affected).toBeLessThanOrEqual(4)
    expect(event.metadata['actor']).toEqual({ account: cluster.trust.chain.admin, user: 'admin' })
    expect(sums()).toHaveLength(1)
  })
})
