import { setTimeout as sleep } from 'node:timers/promises'
import type { Caller } from './admin/caller.ts'
import { commands } from './admin/commands.ts'
import { executeFor, type Admin, type Answer } from './admin/execute.ts'
import { serveAdmin } from './nats/admin-service.ts'
import type { ServiceConnection } from './nats/connection.ts'
import type { EventRecorder } from './nats/event-recorder.ts'
import { NotedStore } from './nats/noted-store.ts'
import { reach, type Reaching } from './reaching.ts'
import type { Askers } from './sessions/askers.ts'
import type { Telemetry } from './telemetry.ts'
import { VERSION } from './version.ts'

/** How long the reply to a command waits for what follows from it. */
const SETTLE_MS_MAX = 2_000
/** From the reply to its being on the way to whoever asked. */
const REPLY_MS = 25

/** Resolve when what follows is there: at the servers, in the operator JWT, of deleted accounts nowhere any more. */
interface Effects {
  readonly account: (id: string) => Promise<void>
  readonly operator: () => Promise<void>
  readonly clear: () => Promise<void>
}

interface Commanding {
  readonly admin: Admin
  readonly telemetry: Telemetry
  readonly recorder: EventRecorder
  readonly effects: Effects
  readonly reaching: Omit<Reaching, 'recorder'>
  readonly askers: Askers
}

/** Commands over the bus. Whoever made an account will want to use it: the reply comes when it can be, or soon. */
export function serveCommands(
  connection: ServiceConnection,
  { admin, telemetry, recorder, effects, reaching, askers }: Commanding,
): Promise<AsyncDisposable> {
  return serveAdmin(connection, {
    commands,
    version: VERSION,
    execute: async (command, asked) => {
      const asker = new Asker(askers, asked.caller)
      try {
        const store = new NotedStore(admin.store, () => asker.begins())
        const answer = await executeFor({ ...admin, store }, command, asked)
        const effect = effectOf(command.name, answer, effects).catch((error: unknown) => {
          telemetry.failed(error, `what follows from ${command.name}`) // Committed all the same.
        })
        const done = { answer, actor: asked.caller.actor, store, mayRepeat: hasId(asked.payload) }
        const [reached] = await Promise.all([
          reach(done, { ...reaching, recorder }, SETTLE_MS_MAX),
          Promise.race([effect, sleep(SETTLE_MS_MAX, undefined, { ref: false })]),
        ])
        return { ...answer, ...reached }
      } finally {
        asker.isAnswered()
      }
    },
    onDone: (command, outcome) => telemetry.commandDone(command.name, outcome),
    onRefused: (refusal) => recorder.refused(refusal),
    onError: (error, command) => telemetry.failed(error, `command ${command.name}`),
  })
}

/** Whoever waits for the reply to a command that changes something. */
class Asker {
  readonly #askers: Askers
  readonly #caller: Caller
  #asking: Disposable | undefined

  constructor(askers: Askers, caller: Caller) {
    this.#askers = askers
    this.#caller = caller
  }

  begins(): void {
    const { actor, cid } = this.#caller
    if (cid !== undefined)
      this.#asking ??= this.#askers.asks({ account: actor.account, name: actor.user, cid })
  }

  /** The reply is about to go: it has this long to be gone. */
  isAnswered(): void {
    const asking = this.#asking
    if (asking !== undefined) setTimeout(() => asking[Symbol.dispose](), REPLY_MS).unref()
  }
}

async function effectOf(command: string, { account }: Answer, effects: Effects): Promise<void> {
  if (command === 'account.delete') await effects.clear()
  else if (command.startsWith('operator.')) await effects.operator()
  else if (command.startsWith('account.') && typeof account === 'string') await effects.account(account)
}

function hasId(payload: unknown): boolean {
  return typeof payload === 'object' && payload !== null && 'commandId' in payload
}
