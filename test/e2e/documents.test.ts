import type { NatsConnection } from '@nats-io/transport-node'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { applyPaths } from '../../src/cli/apply.ts'
import type { GatehouseError } from '../../src/errors.ts'
import { openApplying, type Applying } from '../support/applying.ts'
import { command } from '../support/clients.ts'
import { listenedShell } from '../support/shell.ts'
import { openWorld, type World } from '../support/world.ts'

let world: World
let admin: NatsConnection
let documents: Applying
beforeAll(async () => {
  world = await openWorld()
  admin = await world.connectAs('admin')
  documents = await openApplying(world)
})
afterAll(async () => {
  await documents[Symbol.asyncDispose]()
  await world[Symbol.asyncDispose]()
})

const TEAM = (name: string): string => `kind: policy
name: ${name}-reader
description: Reads.
delegable: true
subscribe: { allow: [${name}.>, 'audit.> workers'] }
limits: { lifetime: 1h30m, sources: [10.0.0.0/8] }
responses: { max: 2, ttl: 90s }
---
kind: role
name: ${name}-clerk
description: Sells.
policies: [${name}-reader]
---
kind: account
name: ${name}
description: For ${name}.
limits: { connections: 7, payload: 64KiB, jetstream: { disk: 1GiB } }
defaultPolicy: own
boundaryPolicy: base
expiresAt: 2099-01-31T12:00:00Z
metadata: { team: red }
users:
  - { name: u, policies: [own], roles: [${name}-clerk, lead], metadata: { a: b }, expiresAt: 2098-01-31T12:00:00Z }
  - name: v
---
kind: policy
name: own
account: ${name}
publish: { allow: [x], deny: [y] }
---
kind: role
name: lead
account: ${name}
policies: [own, base]
`

/** The same names, and everything else otherwise. */
const OTHER = (name: string): string => `kind: policy
name: ${name}-reader
subscribe: { allow: [${name}.>] }
---
kind: role
name: ${name}-clerk
policies: []
---
kind: account
name: ${name}
description: Other words.
limits: { connections: 8, jetstream: {} }
defaultPolicy:
metadata: { team: blue, lead: x }
users:
  - { name: u, policies: [base], metadata: { a: c } }
  - { name: v, roles: [${name}-clerk] }
---
kind: policy
name: own
account: ${name}
publish: { allow: [x] }
---
kind: role
name: lead
account: ${name}
policies: [base]
`

describe('gatehouse apply', () => {
  it('does what plan said it would, and then has nothing to do', async () => {
    const file = await documents.write('d.yaml', TEAM('FIRST'))
    const before = await documents.plan(file)
    expect(before.outcome).toBe('planned')
    expect(before.out).toMatchInlineSnapshot(`
      "+ create policy FIRST-reader
          description: Reads.
          subscribe.allow
            + FIRST.>
            + "audit.> workers"
          responses.max: 2
          responses.ttl: 1m30s
          limits.lifetime: 1h30m
          limits.sources
            + 10.0.0.0/8
          delegable: true
      + create role FIRST-clerk
          description: Sells.
          policies
            + FIRST-reader
      + create account FIRST
          description: "For FIRST."
          limits.connections: 7
          limits.jetstream.disk: 1GiB
          limits.payload: 64KiB
          metadata.team: red
          defaultPolicy: own
          boundaryPolicy: base
          expiresAt: 2099-01-31T12:00:00Z
      + create policy own of FIRST
          publish.allow
            + x
          publish.deny
            + y
      + create role lead of FIRST
          policies
            + own
            + base
      + create user u in FIRST
          policies
            + own
          roles
            + FIRST-clerk
            + lead
          metadata.a: b
          expiresAt: 2098-01-31T12:00:00Z
      + create user v in FIRST

      7 to create.

      1 user of FIRST gains publish auth.v1.whoami; subscribe _INBOX.>, _INBOX_USER_ID.>: u
      "
    `)
    expect(await documents.plan(file)).toEqual(before)
    const done = await documents.apply([file])
    expect(done).toMatchObject({ outcome: 'applied', out: before.out })
    expect(done.err).toMatch(/^gatehouse: applied, 11 commands done, apply-[0-9A-Z]{26}\n$/)
    expect(await documents.plan(file)).toMatchObject({
      outcome: 'nothing',
      out: 'Nothing to do: all is as declared.\n',
    })
  })

  it('applies every time, whatever was applied before', async () => {
    const [a, b] = [
      await documents.write('a.yaml', TEAM('AGAIN')),
      await documents.write('b.yaml', OTHER('AGAIN')),
    ]
    for (const file of [a, b, a, b, a]) {
      expect(await documents.apply([file])).toMatchObject({ outcome: 'applied' })
      expect(await documents.plan(file)).toMatchObject({ outcome: 'nothing' })
    }
  })

  it('tells each change of what is there, with what it was', async () => {
    const [a, b] = [
      await documents.write('a.yaml', TEAM('TOLD')),
      await documents.write('b.yaml', OTHER('TOLD')),
    ]
    await documents.apply([a])
    const { out } = await documents.plan(b)
    expect(out).toMatchInlineSnapshot(`
      "~ change policy TOLD-reader
          subscribe.allow
            - "audit.> workers"
          responses.max: 2 → none
          responses.ttl: 1m30s → none
          limits.lifetime: 1h30m → none
          limits.sources
            - 10.0.0.0/8
          description: Reads. → none
          delegable: true → false
      ~ change role TOLD-clerk
          policies
            - TOLD-reader
          description: Sells. → none
      ~ change policy own of TOLD
          publish.deny
            - y
      ~ change role lead of TOLD
          policies
            - own
      ~ change account TOLD
          defaultPolicy: own → none
          boundaryPolicy: base → none
          limits.connections: 7 → 8
          limits.jetstream.disk: 1GiB → none
          limits.payload: 64KiB → none
          description: "For TOLD." → "Other words."
          metadata.team: red → blue
          metadata.lead: none → x
          expiresAt: 2099-01-31T12:00:00Z → none
      ~ change user u in TOLD
          policies
            + base
            - own
          roles
            - TOLD-clerk
            - lead
          metadata.a: b → c
          expiresAt: 2098-01-31T12:00:00Z → none
      ~ change user v in TOLD
          roles
            + TOLD-clerk

      7 to change.

      1 user of TOLD gains lifetime without end (was 1h30m); sources anywhere (was 10.0.0.0/8): u
      That concerns no live session.
      "
    `)
    const { out: json } = await documents.apply([b], { dryRun: true, json: true })
    const { changes } = JSON.parse(json) as { changes: Record<string, unknown>[] }
    expect(changes[0]).toEqual({
      command: 'policy.update-permissions',
      payload: { policy: 'TOLD-reader', subscribe: { allow: ['TOLD.>'] } },
      target: 'policy TOLD-reader',
      change: 'change',
      fields: [
        { field: 'subscribe.allow', old: ['TOLD.>', 'audit.> workers'], new: ['TOLD.>'] },
        { field: 'responses.max', old: 2 },
        { field: 'responses.ttl', old: '1m30s' },
      ],
      ifRevision: expect.any(Number) as number,
    })
  })

  it('reads folders, several files, and each once', async () => {
    await documents.write('more/policies/deep/one.yml', 'kind: policy\nname: read-one\n')
    await documents.write('more/roles/two.json', '{ "kind": "role", "name": "read-two" }')
    await documents.write('more/package.json', '{ "kind": "none of ours" }')
    const file = await documents.write('three.yaml', 'kind: policy\nname: read-three\n')
    const { out } = await documents.plan(`${documents.path}/more`, file, file)
    expect(out.split('\n').filter((line) => line.startsWith('+'))).toEqual([
      '+ create policy read-one',
      '+ create policy read-three',
      '+ create role read-two',
    ])
  })

  it('tells every fault of every document at once, and changes nothing', async () => {
    const file = await documents.write(
      'd.yaml',
      'kind: account\nname: ADMIN\nexpiresAt: soon\nboundaryPolicy: nope\nlimits:\n  leafNodes: 1\n  payload: 1MiB\n',
    )
    const roles = await documents.write('r.yaml', 'kind: role\nname: r\npolicies: [gone]\naccount: NOWHERE\n')
    const faults = await documents
      .apply([file, roles])
      .catch((error: unknown) => (error as GatehouseError).faults)
    const barred = 'account "ADMIN" carries the system: it cannot be barred'
    expect(faults).toEqual([
      {
        where: expect.stringMatching(/d\.yaml:3:1 expiresAt$/) as string,
        rule: expect.stringContaining('must be a time') as string,
      },
      { where: expect.stringMatching(/d\.yaml:4:1 boundaryPolicy$/) as string, rule: barred },
      { where: expect.stringMatching(/d\.yaml:3:1 expiresAt$/) as string, rule: barred },
      { where: expect.stringMatching(/d\.yaml:7:3 limits\.payload$/) as string, rule: barred },
      {
        where: expect.stringMatching(/d\.yaml:4:1 boundaryPolicy$/) as string,
        rule: 'there is no policy "nope"',
      },
      {
        where: expect.stringMatching(/r\.yaml:4:1 account$/) as string,
        rule: 'there is no account "NOWHERE"',
      },
      {
        where: expect.stringMatching(/r\.yaml:3:12 policies\[0\]$/) as string,
        rule: 'there is no policy "gone"',
      },
    ])
  })

  it('stops at the first refusal, names it, and says how far it came', async () => {
    const long = Array.from({ length: 1_000 }, (_, n) => `${'x'.repeat(80)}.${n}`)
    const file = await documents.write(
      'd.yaml',
      `kind: policy\nname: fits\n---\nkind: policy\nname: large\npublish: { allow: [${long.join(', ')}] }\n---\nkind: role\nname: later\n`,
    )
    const { shell, err } = listenedShell()
    await expect(applyPaths([file], documents.flags, shell)).rejects.toMatchObject({
      code: 'too_large',
      message: expect.stringMatching(/^policy large \(policy\.create\): /) as string,
    })
    expect(err()).toMatch(/^gatehouse: 1 command done, apply-\S+; apply again to go on\n$/)
    const { items } = await command(admin, 'role.list', {})
    expect(items).not.toContainEqual(expect.objectContaining({ name: 'later' }))
  })
})
