import { GatehouseError, type ErrorCode } from '../errors.ts'
import { commands } from './commands.ts'
import type { Documents } from './documents.ts'
import { execute, type Admin } from './execute.ts'
import { plan } from './plan.ts'
import { prune, type Kept, type Pruning } from './prune.ts'
import { readSnapshot, type Reply, type Service, type Snapshot, type Wanted } from './snapshot.ts'
import type { Step } from './steps.ts'
import type { Actor } from './transaction.ts'

/** What is left to do, and what would be removed if nobody needed it. */
export interface Draft {
  readonly steps: readonly Step[]
  readonly kept: readonly Kept[]
}

/** A draft, and the state that it is for, as far as it was read. */
export interface Drafted extends Draft {
  readonly snapshot: Snapshot
}

/** Reads what is, and says what is left to do until it is as declared. Throws `invalid_document` as `plan` does. */
export async function draft(service: Service, documents: Documents, pruning?: Pruning): Promise<Drafted> {
  const declared = new Map(documents.accounts.map(({ content: { name, users } }) => [name, users]))
  const wanted: Wanted = {
    operator: documents.outlines.some(({ kind }) => kind === 'operator'),
    users: ({ name }) =>
      pruning === undefined ? (declared.get(name) ?? []).map((user) => user.name) : 'all',
  }
  const snapshot = await readSnapshot(service, wanted)
  const { offers } = service
  const steps = plan(snapshot, documents, { offers })
  if (pruning === undefined) return { steps, kept: [], snapshot }
  const removal = prune(snapshot, documents, { ...pruning, offers })
  return { steps: [...steps, ...removal.steps], kept: removal.kept, snapshot }
}

/** How a draft is carried out. */
export interface Run {
  /** Names the run: every command of it has it in its id, and every event as its correlation id. */
  readonly id?: string | undefined
  /** Asks anew what is left to do, after somebody else changed something. */
  readonly redraft: () => Promise<Draft>
  readonly onDone?: (step: Step, progress: Progress) => void
  /** Somebody else was first. What is left is planned anew. */
  readonly onConflict?: (step: Step, error: GatehouseError) => void
  /** Resolves after a while, longer with every attempt. */
  readonly pause?: (attempt: number) => Promise<void>
}

export interface Progress {
  readonly done: number
  readonly total: number
}

/** Somebody else changed it since it was planned: what is true now may need less, more, or something else. */
const CONFLICTS: ReadonlySet<ErrorCode> = new Set([
  'revision_conflict',
  'already_exists',
  'not_found',
  'in_use',
])
const ROUNDS_MAX = 3

/** Asked again, they may do it; and the id of the command sees to it that it is done once. */
const PASSING: ReadonlySet<ErrorCode> = new Set(['busy', 'unavailable'])
const ATTEMPTS_MAX = 4

/**
 * Sends the commands of a draft, each held to what was seen when it was planned, and gives those that were done. What
 * somebody else changed meanwhile is planned anew, a few times. Throws the first refusal, with its step named; then
 * what went before is done, and applying again goes on from there.
 */
export async function carryOut(service: Service, first: Draft, run: Run): Promise<readonly Step[]> {
  const done: Step[] = []
  const removable = new Set(first.steps.filter(isRemoval).map(({ target }) => target))
  let steps = first.steps
  for (let round = 1; ; round += 1) {
    const failed = await carryOutOnce(service, { steps, round, done }, run)
    if (failed === undefined) return done
    if (round === ROUNDS_MAX) throw refused(failed.step, failed.error)
    const again = await run.redraft()
    // What was agreed to be removed may go, and nothing else.
    steps = again.steps.filter((step) => !isRemoval(step) || removable.has(step.target))
  }
}

function isRemoval({ change }: Step): boolean {
  return change === 'remove'
}

interface Round {
  readonly steps: readonly Step[]
  readonly round: number
  readonly done: Step[]
}

interface Failed {
  readonly step: Step
  readonly error: GatehouseError
}

/** One pass. What somebody else changed is passed over; the last one of that kind is given. */
async function carryOutOnce(
  service: Service,
  { steps, round, done }: Round,
  run: Run,
): Promise<Failed | undefined> {
  const revisions = new Map<string, number>()
  const moved = new Set<string>()
  let failed: Failed | undefined
  const before = done.length
  for (const [index, step] of steps.entries()) {
    const { target } = step
    if (moved.has(target)) continue
    const id = run.id === undefined ? undefined : `${run.id}-${round}-${index + 1}`
    try {
      const reply = await send(service, step, { run, id, revision: revisions.get(target) ?? step.revision })
      revisions.set(target, Number(reply['revision']))
      done.push(step)
      run.onDone?.(step, { done: done.length - before, total: steps.length })
    } catch (error) {
      if (!(error instanceof GatehouseError) || !CONFLICTS.has(error.code)) throw refused(step, error)
      moved.add(target)
      failed = { step, error }
      run.onConflict?.(step, error)
    }
  }
  return failed
}

interface Sending {
  readonly run: Run
  readonly id: string | undefined
  readonly revision: number | undefined
}

async function send(service: Service, { name, payload }: Step, sending: Sending): Promise<Reply> {
  const { run, id, revision } = sending
  const body = {
    ...payload,
    ...(id === undefined ? {} : { commandId: id, correlationId: run.id }),
    ...(revision === undefined ? {} : { ifRevision: revision }),
  }
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await service.request(name, body)
    } catch (error) {
      const isPassing = error instanceof GatehouseError && PASSING.has(error.code)
      if (!isPassing || id === undefined || attempt === ATTEMPTS_MAX) throw error
      await run.pause?.(attempt)
    }
  }
}

function refused(step: Step, error: unknown): unknown {
  if (!(error instanceof GatehouseError)) return error
  const message = `${step.target} (${step.name}): ${error.message}`
  return new GatehouseError(error.code, message, { cause: error, faults: error.faults })
}

/** The names of all commands there are. */
export const COMMAND_NAMES: ReadonlySet<string> = new Set(commands.map(({ name }) => name))

/** The service in this process, as this actor. */
export function serviceOf(admin: Admin, actor: Actor): Service {
  const byName = new Map(commands.map((command) => [command.name, command]))
  return {
    offers: (name) => byName.has(name),
    async request(name, payload) {
      const command = byName.get(name)
      if (command === undefined) throw new GatehouseError('not_found', `there is no command ${name}`)
      return execute(admin, command, { actor, payload })
    },
  }
}

/**
 * Brings the state to what the documents declare, command by command. What no document names is left alone.
 * Half applied (a crash between two commands) is applied by applying again.
 */
export async function apply(admin: Admin, documents: Documents, actor: Actor): Promise<readonly Step[]> {
  const service = serviceOf(admin, actor)
  const redraft = (): Promise<Draft> => draft(service, documents)
  return carryOut(service, await redraft(), { redraft })
}
