import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { programOnPath } from '../../src/nats/binary-run.ts'
import { openTcp } from '../support/clients.ts'
import { openWorld, type World } from '../support/world.ts'

const ALICE = 'alice@example.com'
/** What the CLI, which is the Go client, says of itself. */
const GO_CLIENT = {
  lang: 'go',
  version: '1.47.0',
  name: 'NATS CLI Version 0.3.0',
  protocol: 1,
  echo: true,
  headers: true,
  no_responders: true,
  tls_required: false,
}

const nats = await programOnPath('nats', process.env)

describe('the nats CLI', () => {
  let world: World
  beforeAll(async () => {
    world = await openWorld()
  })
  afterAll(() => world[Symbol.asyncDispose]())

  it('publishes with NATS_TOKEN where it may, by what it writes on the wire', async () => {
    await using client = await openTcp(world.server.ports.nats)
    await client.connect({ ...GO_CLIENT, auth_token: world.tokens[ALICE] })
    client.publish('orders.new', 'hello')
    await client.settle()
    expect(client.errors).toEqual([])
    client.publish('orders.delete', 'hello')
    await client.settle()
    expect(client.errors).toEqual([`'Permissions Violation for Publish to "orders.delete"'`])
  })

  // One client more, where it is installed; what it needs of us is what the test above asks.
  if (nats !== undefined) {
    it('publishes with NATS_TOKEN where it may, itself', async () => {
      const publish = async (subject: string, token: string): Promise<number> => {
        const args = ['--server', world.server.url, 'pub', subject, 'hello']
        const child = spawn(nats, args, { env: { ...process.env, NATS_TOKEN: token }, stdio: 'ignore' })
        const [code] = (await once(child, 'close')) as [number]
        return code
      }
      expect(await publish('orders.new', world.tokens[ALICE] ?? '')).toBe(0)
      expect(await publish('orders.delete', world.tokens[ALICE] ?? '')).not.toBe(0)
      expect(await publish('orders.new', 'guess')).not.toBe(0)
    })
  }
})
