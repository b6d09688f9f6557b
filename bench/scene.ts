import type { NatsConnection } from '@nats-io/transport-node'
import { openCluster, type Cluster } from '../test/support/cluster.ts'

/** A system to measure on, and an admin of it. */
export interface Scene extends AsyncDisposable {
  readonly cluster: Cluster
  readonly url: string
  /** Sends a command; says when it was sent and when it was acknowledged. */
  command(name: string, payload: object): Promise<Acknowledged>
  /** A new user of ORDERS with these policies. */
  user(name: string, policies: readonly string[]): Promise<Known>
}

export interface Known {
  readonly token: string
  readonly credential: string
}

export interface Acknowledged {
  readonly sentMs: number
  readonly ackMs: number
  readonly reply: Readonly<Record<string, unknown>>
}

export async function openScene(replicas: number): Promise<Scene> {
  const cluster = await openCluster({ servers: 1, replicas })
  const admin = await cluster.connectAs('admin')
  const command = (name: string, payload: object): Promise<Acknowledged> => acknowledged(admin, name, payload)
  return {
    cluster,
    url: cluster.server.url,
    command,
    async user(name, policies) {
      await command('user.create', { account: 'ORDERS', name, policies })
      const { reply } = await command('user.issue-token', { account: 'ORDERS', user: name })
      return { token: String(reply['token']), credential: String(reply['credential']) }
    },
    [Symbol.asyncDispose]: () => cluster[Symbol.asyncDispose](),
  }
}

async function acknowledged(admin: NatsConnection, name: string, payload: object): Promise<Acknowledged> {
  const sentMs = performance.now()
  const answer = await admin.request(`auth.v1.${name}`, JSON.stringify(payload), { timeout: 60_000 })
  const ackMs = performance.now()
  const reply = answer.json<Readonly<Record<string, unknown>>>()
  if (reply['error'] !== undefined) throw new Error(`${name}: ${JSON.stringify(reply['error'])}`)
  return { sentMs, ackMs, reply }
}

/** Resolves when it is so. */
export async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 1))
}

/** A table of what was measured, as text. */
export function print(title: string, rows: readonly (readonly [string, string])[]): void {
  const width = Math.max(...rows.map(([what]) => what.length))
  const lines = rows.map(([what, value]) => `  ${what.padEnd(width)}  ${value}`)
  process.stdout.write(`\n${title}\n${lines.join('\n')}\n`)
}

export function ms(value: number): string {
  return `${value.toFixed(1)} ms`
}
