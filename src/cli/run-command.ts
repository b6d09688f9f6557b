import type { Command } from '../admin/command.ts'
import { requestOf } from '../admin/envelope.ts'
import { check, type FieldFault } from '../admin/faults.ts'
import { GatehouseError, type Fault } from '../errors.ts'
import type { Client, Reply } from '../nats/client.ts'
import { buildBody, type Body, type Said } from './body.ts'
import { connected } from './connected.ts'
import { CREDENTIALS_COMMAND, withCredentials, type CredentialFlags } from './credentials.ts'
import { readBody } from './document.ts'
import type { Fields } from './fields.ts'
import { show, type Format } from './output.ts'
import { replacementFaults } from './replacing.ts'
import type { Shell } from './shell.ts'
import type { TargetFlags } from './target.ts'

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
  const asking = isPaged(command)
    ? pages({ client, name: command.name, body, limit: asked.limit })
    : client.request(command.name, body)
  const reply = await asking.catch((error: unknown) => {
    throw inOurWords(error, asked)
  })
  const { out, err } = show(reply, flags.format, shell.terminal.out)
  await shell.print(out)
  if (err !== '') shell.terminal.err.write(err)
}

async function bodyOf(asked: Asked, { inputs }: Shell): Promise<Body> {
  const { command, flags, said } = asked
  const document = flags.from === undefined ? {} : await readBody(flags.from, inputs)
  const built = buildBody(said, { ...document, ...envelopeOf(flags) })
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

interface Listing {
  readonly client: Client
  readonly name: string
  readonly body: Body
  readonly limit: number | undefined
}

/** Every page there is, or as many as make up the limit, as one reply. */
async function pages({ client, name, body, limit = Infinity }: Listing): Promise<Reply> {
  const items: unknown[] = []
  let after = body['after']
  for (;;) {
    const size = Math.min(PAGE_MAX, limit - items.length)
    const reply = await client.request(name, { ...body, limit: size, ...(after !== undefined && { after }) })
    if (!Array.isArray(reply['items'])) return reply
    items.push(...(reply['items'] as readonly unknown[]))
    const next = reply['next']
    if (next === undefined || next === after) return { ...reply, items }
    if (items.length >= limit) return { ...reply, items, next }
    after = next
  }
}
