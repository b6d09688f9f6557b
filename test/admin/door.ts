import { tokenAuthenticator, type NatsConnection } from '@nats-io/transport-node'
import { expect } from 'vitest'
import { eventually } from '../support/eventually.ts'
import type { World } from '../support/world.ts'
import { ask, type Reply } from './bus.ts'

/** What admins do, and what it comes to at the door. */
export interface Door {
  /** Sends a command as an admin, whatever comes of it. */
  command(name: string, payload?: unknown): Promise<Reply>
  /** Sends a command that must be done. */
  done(name: string, payload?: unknown): Promise<Reply['body']>
  /** A new user with these facts, and a token of theirs. */
  newcomer(account: string, name: string, facts?: object): Promise<Newcomer>
  /** Waits until whoever shows the token is let in (`in`), or refused for this reason. */
  becomes(token: string, outcome: string): Promise<void>
  enter(token: string): Promise<NatsConnection>
}

export interface Newcomer {
  readonly token: string
  readonly credential: string
}

export async function openDoor(world: World): Promise<Door> {
  const admin = await world.connectAs('admin')
  const command = (name: string, payload: unknown = {}): Promise<Reply> =>
    ask(admin, { command: name, payload })
  const done = async (name: string, payload?: unknown): Promise<Reply['body']> => {
    const { status, body } = await command(name, payload)
    expect([name, status, body['error']]).toEqual([name, 200, undefined])
    return body
  }
  const enter = (token: string): Promise<NatsConnection> =>
    world.connect({ authenticator: tokenAuthenticator(token) })
  const knock = async (token: string): Promise<string> => {
    const before = world.heard.denied.length
    try {
      await (await enter(token)).close()
      return 'in'
    } catch {
      return world.heard.denied.slice(before).at(-1)?.reason ?? 'refused by the server'
    }
  }
  return {
    command,
    done,
    enter,
    async newcomer(account, name, facts = {}) {
      await done('user.create', { account, name, ...facts })
      const { token, credential } = await done('user.issue-token', { account, user: name })
      return { token: String(token), credential: String(credential) }
    },
    async becomes(token, outcome) {
      await eventually(async () => (await knock(token)) === outcome)
    },
  }
}
