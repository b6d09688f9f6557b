import {
  createInbox,
  errors,
  tokenAuthenticator,
  type Msg,
  type NatsConnection,
} from '@nats-io/transport-node'
import { command, createUser } from './clients.ts'
import type { World } from './world.ts'

/** Something that a client does. Throws when it is refused, and when it fails. */
export type Operation = (nc: NatsConnection) => Promise<unknown>

type Refusal = (error: InstanceType<typeof errors.PermissionViolationError>) => void
const refusals = new WeakMap<NatsConnection, Set<Refusal>>()

/** Who is told when the server refuses something to a connection. */
function refusalsOf(nc: NatsConnection): Set<Refusal> {
  const known = refusals.get(nc)
  if (known !== undefined) return known
  const told = new Set<Refusal>()
  refusals.set(nc, told)
  void (async () => {
    for await (const status of nc.status())
      if (status.type === 'error' && status.error instanceof errors.PermissionViolationError)
        for (const tell of told) tell(status.error)
  })()
  return told
}

/**
 * One request and its first answer, which may come under any subject: a message that is pulled keeps its own. Throws
 * when the server refuses the request.
 */
export async function ask(nc: NatsConnection, subject: string, text = ''): Promise<Msg> {
  const told = refusalsOf(nc)
  const reply = createInbox()
  return new Promise((resolve, reject) => {
    const refuse: Refusal = (error) => {
      if (error.subject === subject || error.subject === reply) end(() => reject(error))
    }
    const end = (settle: () => void): void => {
      told.delete(refuse)
      settle()
    }
    told.add(refuse)
    nc.subscribe(reply, {
      max: 1,
      timeout: 5_000,
      callback: (error, message) => {
        if (error === null) end(() => resolve(message))
        else end(() => reject(error instanceof Error ? error : new Error('refused')))
      },
    })
    nc.publish(subject, text, { reply })
  })
}

/** Asks the API of JetStream as the permissions see it: one subject, one body. Throws what it answers as error. */
export async function api(nc: NatsConnection, subject: string, body: unknown = ''): Promise<unknown> {
  const reply = await ask(nc, subject, typeof body === 'string' ? body : JSON.stringify(body))
  const code = reply.headers?.code ?? 0
  if (code >= 400) throw new Error(`${subject}: ${code} ${reply.headers?.description ?? ''}`)
  const answer = reply.data.length > 0 && reply.string().startsWith('{') ? reply.json<object>() : {}
  if ('error' in answer) throw new Error(`${subject}: ${JSON.stringify(answer.error)}`)
  return answer
}

/** Did the server refuse it? Whatever else goes wrong is thrown: that says nothing about permissions. */
export async function isRefused(nc: NatsConnection, operation: Operation): Promise<boolean> {
  try {
    await operation(nc)
    return false
  } catch (error) {
    for (let cause: unknown = error; cause instanceof Error; cause = cause.cause)
      if (cause instanceof errors.PermissionViolationError) return true
    throw error
  }
}

/**
 * Did it fail for a client library because the server refused something? What libraries throw then differs, and some
 * hide the cause. What fails while nothing is refused is thrown.
 */
export async function failsRefused(nc: NatsConnection, operation: Operation): Promise<boolean> {
  const told: unknown[] = []
  const tell: Refusal = (error) => void told.push(error)
  refusalsOf(nc).add(tell)
  try {
    await operation(nc)
    return false
  } catch (error) {
    await nc.flush()
    if (told.length > 0) return true
    throw error
  } finally {
    await nc.flush() // What is still on its way is this operation's.
    refusalsOf(nc).delete(tell)
  }
}

/** What an operation gave must be what it should give, or it did not work. */
export function same(found: unknown, expected: unknown): void {
  if (JSON.stringify(found) !== JSON.stringify(expected))
    throw new Error(`gave ${JSON.stringify(found)}, not ${JSON.stringify(expected)}`)
}

/**
 * Rejects as soon as the server refuses a subject that begins so, for operations of libraries that would wait for an
 * answer.
 */
export async function unlessRefused<Value>(
  nc: NatsConnection,
  beginning: string,
  work: Promise<Value>,
): Promise<Value> {
  work.catch(() => undefined) // Nobody waits for it any more once it is refused.
  let tell: Refusal = () => undefined
  const refused = new Promise<never>((_, reject) => {
    tell = (error) => {
      if (error.subject.startsWith(beginning)) reject(error)
    }
  })
  refusalsOf(nc).add(tell)
  return Promise.race([work, refused]).finally(() => refusalsOf(nc).delete(tell))
}

let users = 0

/** A client in ORDERS, or another account, that has these permissions and an inbox. */
export async function permitted(
  world: World,
  permissions: object,
  account = 'ORDERS',
): Promise<NatsConnection> {
  users += 1
  const name = `permitted-${users}`
  const admin = await adminOf(world)
  await command(admin, 'policy.create', { name, ...permissions })
  const token = await createUser(admin, account, { name, policies: [name] })
  return world.connect({ authenticator: tokenAuthenticator(token), ignoreAuthErrorAbort: true })
}

const admins = new WeakMap<World, Promise<NatsConnection>>()

export function adminOf(world: World): Promise<NatsConnection> {
  const admin = admins.get(world) ?? world.connectAs('admin')
  admins.set(world, admin)
  return admin
}

/** Whoever may do everything in an account: what works for it and is refused to another, permissions refuse. */
export function owner(world: World, account = 'ORDERS'): Promise<NatsConnection> {
  return permitted(world, { publish: { allow: ['>'] }, subscribe: { allow: ['>'] } }, account)
}
