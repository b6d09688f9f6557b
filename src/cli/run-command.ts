import type { Command } from '../admin/command.ts'
import { requestOf } from '../admin/envelope.ts'
import { check, type FieldFault } from '../admin/faults.ts'
import { WHO_CAN_PAGE_MAX } from '../admin/explain-who-can.ts'
import { GatehouseError, type Fault } from '../errors.ts'
import type { Client, Reply } from '../nats/client.ts'
import { buildBody, type Body, type Said } from './body.ts'
import { connected } from './connected.ts'
import { CREDENTIALS_COMMAND, withCredentials, type CredentialFlags } from './credentials.ts'
import { readBody } from './document.ts'
import { explanation } from './explain-output.ts'
import type { Fields } from './fields.ts'
import type { Inputs } from './inputs.ts'
import { show, type Format } from './output.ts'
import { replacementFaults } from './replacing.ts'
import type { Shell } from './shell.ts'
import type { TargetFlags } from './target.ts'
import { showWhoCan } from './who-can.ts'

/** What the flags that every command has say. */
export interface CommonFlags extends TargetFlags {
  readonly from?: string | undefined
  readonly ifRevision?: string | undefined
  readonly commandId?: string | undefined
  readonly correlationId?: string | undefined
  /** Takes away what nothing was said of. */
  readonly clear?: true | undefined
  readonly timeoutMs?: number | undefined
  readonly format: Format
}

export interface Asked {
  readonly command: Command
  readonly fields: Fields
  readonly said: Said
  readonly flags: CommonFlags & CredentialFlags
  /** How many entries of a list; all of them when it is absent. */
  readonly limit?: number | undefined
}

/** One command, from what was typed to what is shown. The body is checked here first, so that faults have the names of flags. */
export async function runCommand(asked: Asked, shell: Shell): Promise<void> {
  const { command, flags } = asked
  const body = await bodyOf(asked, shell)
  await using client = await connected(flags, shell, flags)
  try {
    const replies = pages({ client, command, body, limit: asked.limit })
    if (isStreamed(command)) await showWhoCan(replies, flags.format, shell)
    else await showReply(await whole(command, replies), asked, shell)
  } catch (error) {
    throw inOurWords(error, asked)
  }
}

async function showReply(reply: Reply, { command, flags }: Asked, shell: Shell): Promise<void> {
  const { out: outlet, err: errors } = shell.terminal
  const told = flags.format === 'table' ? explanation(command.name, reply, outlet) : undefined
  const { out, err } = told ?? show(reply, flags.format, outlet)
  await shell.print(out)
  if (err !== '') errors.write(err)
  if (command.name === 'explain.can' && reply['allowed'] === false) process.exitCode = 1
}

async function bodyOf(asked: Asked, { inputs }: Shell): Promise<Body> {
  const { command, flags, said } = asked
  const document = flags.from === undefined ? {} : await readBody(flags.from, inputs)
  const built = buildBody(await withSecrets(said, inputs), { ...document, ...envelopeOf(flags) })
  const body =
    command.name === CREDENTIALS_COMMAND ? await withCredentials(built.body, flags, inputs) : built.body
  const checked = check(requestOf(command), body)
  const faults = [
    ...built.faults,
    ...(checked.ok ? replacementFaults(asked, body) : checked.faults.map((fault) => renamed(fault, asked))),
  ]
  if (faults.length === 0) return body
  const summary = faults.map(({ where, rule }) => `${where}: ${rule}`).join('; ')
  // As the service would say it.
  const isUnenforceable =
    built.faults.length === 0 && !checked.ok && checked.faults.every((fault) => fault.isUnenforceable)
  throw new GatehouseError(isUnenforceable ? 'unenforceable' : 'invalid_request', summary, { faults })
}

/** What is not for the command line is in files that flags name. */
async function withSecrets(said: Said, inputs: Inputs): Promise<Said> {
  const read = new Map(said)
  for (const [field, file] of said)
    if (field.kind === 'secret') read.set(field, await inputs.secret(String(file)))
  return read
}

function envelopeOf({ ifRevision, commandId, correlationId }: CommonFlags): Body {
  return {
    ...(ifRevision !== undefined && {
      ifRevision: /^\d+$/.test(ifRevision) ? Number(ifRevision) : ifRevision,
    }),
    ...(commandId !== undefined && { commandId }),
    ...(correlationId !== undefined && { correlationId }),
  }
}

const ENVELOPE_FLAGS: Readonly<Record<string, string>> = {
  ifRevision: '--if-revision',
  commandId: '--command-id',
  correlationId: '--correlation-id',
}

/** A fault has the name of the flag that says the field; of one that was never said, or that a document says, its path. */
function renamed(
  { path, where, rule }: Omit<FieldFault, 'isUnenforceable'>,
  { fields, said, flags }: Asked,
): Fault {
  const common = ENVELOPE_FLAGS[String(path[0])]
  if (common !== undefined && path.length === 1) return { where: common, rule }
  const field = fields.fields.find(
    (each) => each.path.every((step, i) => path[i] === step) && each.kind !== 'presence',
  )
  if (field === undefined) return { where, rule }
  if (!said.has(field) && flags.from !== undefined) return { where, rule }
  return { where: field.isPositional ? `<${field.word}>` : field.word, rule }
}

/** What the service finds fault with has the names of flags, too. */
function inOurWords(error: unknown, asked: Asked): unknown {
  if (!(error instanceof GatehouseError) || error.faults.length === 0) return error
  const faults = error.faults.map(({ where, rule }) =>
    renamed({ where, rule, path: where.split(/[.[\]]+/).filter((step) => step !== '') }, asked),
  )
  return new GatehouseError(error.code, error.message, { cause: error, faults })
}

/** Lists come a page at a time (admin/listing.ts). */
export function isPaged({ request }: Command): boolean {
  return 'limit' in request.shape && 'after' in request.shape
}

const PAGE_MAX = 500

/** What may be long is shown as it comes in. */
function isStreamed({ name }: Command): boolean {
  return name === 'explain.who-can'
}

interface Listing {
  readonly client: Client
  readonly command: Command
  readonly body: Body
  readonly limit: number | undefined
}

/**
 * One reply after the other: of a list every page there is, or as many as make up the limit; of a search what it says
 * until it says no more of where to look on.
 */
async function* pages({ client, command, body, limit = Infinity }: Listing): AsyncGenerator<Reply> {
  let [count, after] = [0, body['after']]
  for (;;) {
    const size = Math.min(isStreamed(command) ? WHO_CAN_PAGE_MAX : PAGE_MAX, limit - count)
    const where = { ...(isPaged(command) && { limit: size }), ...(after !== undefined && { after }) }
    const reply = await client.request(command.name, { ...body, ...where })
    yield reply
    const { items, next } = reply
    count += Array.isArray(items) ? items.length : 0
    if (next === undefined || next === after || count >= limit) return
    after = next
  }
}

/** The pages of a list as one reply; of everything else the last one. */
async function whole(command: Command, replies: AsyncIterable<Reply>): Promise<Reply> {
  const items: unknown[] = []
  let last: Reply = {}
  for await (const reply of replies) {
    if (Array.isArray(reply['items'])) items.push(...(reply['items'] as readonly unknown[]))
    last = reply
  }
  return isPaged(command) ? { ...last, items } : last
}
