import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { carryOut, draft, serviceOf, type Draft, type Run } from '../../src/admin/apply.ts'
import { parseDocuments, type Documents } from '../../src/admin/documents.ts'
import type { Step } from '../../src/admin/steps.ts'
import type { Reply, Service } from '../../src/admin/snapshot.ts'
import { GatehouseError } from '../../src/errors.ts'
import { openWorld, type World } from '../support/world.ts'

let world: World
let service: Service
beforeAll(async () => {
  world = await openWorld()
  service = serviceOf(world.gatehouse.admin, { account: world.trust.chain.admin, user: 'admin' })
})
afterAll(() => world[Symbol.asyncDispose]())

const documents = (text: string): Documents => parseDocuments([{ path: 'd.yaml', text }])

const policy = (name: string, allow: string): string => `kind: policy
name: ${name}
publish: { allow: [${allow}] }
`

const team = (name: string, allow: string): string => `${policy(`${name}-shared`, allow)}---
kind: account
name: ${name}
metadata: { allow: ${allow} }
users:
  - { name: u, policies: [${name}-shared], metadata: { allow: ${allow} } }
  - { name: v }
`

/** The service, and what is done before or after a command of it. */
function around(hook: (send: () => Promise<Reply>, name: string) => Promise<Reply>): Service {
  return { offers: service.offers, request: (name, body) => hook(() => service.request(name, body), name) }
}

let runs = 0
function runOf(declared: Documents, more: Partial<Run> = {}): Run {
  runs += 1
  return { id: `run-${runs}`, redraft: () => draft(service, declared), ...more }
}

const targets = (steps: readonly Step[]): string[] => [...new Set(steps.map(({ target }) => target))]

async function left(declared: Documents): Promise<string[]> {
  return targets((await draft(service, declared)).steps)
}

describe('a draft that is carried out', () => {
  it('does everything once, also when every first answer is lost', async () => {
    const declared = documents(team('LOST', 'x'))
    const first = await draft(service, declared)
    const asked = new Set<string>()
    const lossy = around(async (send, name) => {
      const reply = await send()
      const key = `${name} ${JSON.stringify(reply['events'])}`
      if (asked.has(key)) return reply
      asked.add(key)
      throw new GatehouseError('unavailable', 'no answer')
    })
    const conflicts: string[] = []
    const done = await carryOut(
      lossy,
      first,
      runOf(declared, { onConflict: ({ target }) => conflicts.push(target) }),
    )
    expect(done).toEqual(first.steps)
    expect(conflicts).toEqual([])
    expect(await left(declared)).toEqual([])
  })

  it('looks again at what somebody else changed meanwhile, and says so', async () => {
    await carryOut(
      service,
      await draft(service, documents(team('MOVED', 'x'))),
      runOf(documents(team('MOVED', 'x'))),
    )
    const declared = documents(team('MOVED', 'y'))
    const first = await draft(service, declared)
    await service.request('policy.update-permissions', { policy: 'MOVED-shared', publish: { allow: ['z'] } })
    const conflicts: string[] = []
    const onConflict = ({ target }: Step, { code }: GatehouseError): number =>
      conflicts.push(`${code} ${target}`)
    const done = await carryOut(
      service,
      first,
      runOf(declared, { onConflict: (...told) => void onConflict(...told) }),
    )
    expect(conflicts).toEqual(['revision_conflict policy MOVED-shared'])
    expect(targets(done)).toEqual(['account MOVED', 'user u in MOVED', 'policy MOVED-shared'])
    expect(await left(declared)).toEqual([])
  })

  it('of two at once ends as declared, with nothing made twice', async () => {
    const text = Array.from({ length: 6 }, (_, n) => team(`TWIN${n}`, 'x')).join('---\n')
    const declared = documents(text)
    const firsts = await Promise.all([draft(service, declared), draft(service, declared)])
    const done = await Promise.all(firsts.map((first) => carryOut(service, first, runOf(declared))))
    expect(done.flat()).toHaveLength(firsts[0].steps.length)
    expect(await left(declared)).toEqual([])
  })

  it('removes nothing that was not agreed to', async () => {
    const declared = documents(`${team('AGREED', 'x')}---\n${policy('base', 'auth.v1.whoami')}`)
    await carryOut(service, await draft(service, declared), runOf(declared))
    await service.request('user.create', { account: 'AGREED', name: 'known' })
    const pruning = { self: { account: 'ADMIN', user: 'admin' } }
    const removals = ({ steps }: Draft): Draft => ({
      steps: steps.filter(({ target }) => target.endsWith(' in AGREED')),
      kept: [],
    })
    const first = removals(await draft(service, declared, pruning))
    expect(targets(first.steps)).toEqual(['user known in AGREED'])
    await service.request('user.create', { account: 'AGREED', name: 'newcomer' })
    await service.request('user.update-metadata', { account: 'AGREED', user: 'known', metadata: { a: 'b' } })
    const done = await carryOut(
      service,
      first,
      runOf(declared, { redraft: async () => removals(await draft(service, declared, pruning)) }),
    )
    expect(targets(done)).toEqual(['user known in AGREED'])
    expect(await service.request('user.get', { account: 'AGREED', user: 'newcomer' })).toBeDefined()
  })

  it('gives up on what is changed under its hands every time, and names it', async () => {
    const declared = documents(policy('restless', 'x'))
    await carryOut(service, await draft(service, declared), runOf(declared))
    let n = 0
    const restless = around(async (send) => {
      n += 1
      await service.request('policy.set-description', { policy: 'restless', description: String(n) })
      return send()
    })
    const other = documents(policy('restless', 'y'))
    await expect(carryOut(restless, await draft(service, other), runOf(other))).rejects.toMatchObject({
      code: 'revision_conflict',
      message: expect.stringMatching(/^policy restless \(policy\.\S+\): it is at revision/) as string,
    })
    expect(n).toBe(3)
  })

  it('stops where it is refused, and goes on from there when it is drafted again', async () => {
    const declared = documents(team('STOPPED', 'x'))
    const refusing = around((send, name) =>
      name === 'user.create' ? Promise.reject(new GatehouseError('forbidden', 'no')) : send(),
    )
    await expect(carryOut(refusing, await draft(service, declared), runOf(declared))).rejects.toMatchObject({
      code: 'forbidden',
      message: 'user u in STOPPED (user.create): no',
    })
    expect(await left(declared)).toEqual(['user u in STOPPED', 'user v in STOPPED'])
    await carryOut(service, await draft(service, declared), runOf(declared))
    expect(await left(declared)).toEqual([])
  })
})
