import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { exportTo } from '../../src/cli/export.ts'
import { openApplying, type Applying } from '../support/applying.ts'
import { listenedShell } from '../support/shell.ts'
import { openWorld, PROJECT, type World } from '../support/world.ts'

let world: World
let documents: Applying
beforeAll(async () => {
  world = await openWorld()
  documents = await openApplying(world)
})
afterAll(async () => {
  await documents[Symbol.asyncDispose]()
  await world[Symbol.asyncDispose]()
})

const EXCHANGE = `
kind: account
name: BUYER
imports: [{ account: SELLER, subject: news.>, type: stream, localSubject: s.news.> }]
users: [{ name: u }]
---
kind: account
name: SELLER
limits: { users: 5, sessionsPerUser: 2, jetstream: { tiers: { R1: { disk: 1GiB, diskStream: 64MiB } } } }
exports:
  - { subject: news.>, type: stream, access: public }
  - { subject: q.*, type: service, access: private, responseThreshold: 90s, latency: { sampling: 10, results: lat } }
`

it('accounts that give each other something are applied, exported and pruned', async () => {
  const file = await documents.write('exchange.yaml', EXCHANGE)
  expect(await documents.plan(file)).toMatchObject({ outcome: 'planned' })
  await documents.apply([file])
  expect(await documents.plan(file)).toMatchObject({ outcome: 'nothing' })

  const exported = join(documents.path, 'exported')
  await exportTo(exported, documents.flags, listenedShell().shell)
  expect(await documents.apply([exported], { dryRun: true, prune: true })).toMatchObject({
    outcome: 'nothing',
  })

  await documents.apply([PROJECT], { prune: true, yes: true })
  expect(await documents.plan(PROJECT)).toMatchObject({ outcome: 'nothing' })
  const accounts = world.gatehouse.directory.accounts.map(({ name }) => name)
  expect(accounts).not.toContain('SELLER')
  expect(accounts).not.toContain('BUYER')
})
