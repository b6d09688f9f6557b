import { relative } from 'node:path'
import type { Documents } from '../admin/documents.ts'
import type { UpConfig } from '../config.ts'
import type { Told } from '../telemetry.ts'
import { VERSION } from '../version.ts'
import { styled, type Outlet, type Terminal } from './terminal.ts'
import { upFilePath, type UpFile } from './up-file.ts'

export interface Welcome {
  readonly config: UpConfig
  readonly up: UpFile
  readonly documents: Documents
}

const [ALICE, ADMIN] = ['alice@example.com', 'ADMIN']

/** What `up` says when it is up, in the way that was asked for. Tokens stay in the file; commands fetch them there. */
export function tellUp({ out }: Terminal, welcome: Welcome): void {
  const { config, up } = welcome
  switch (config.output) {
    case 'json': {
      const { tokens: _tokens, ...facts } = up
      out.write(`${JSON.stringify({ ...facts, file: upFilePath(config.dataDir) })}\n`)
      return
    }
    case 'quiet':
      return
    case 'text':
      out.write(welcomeText(out, welcome))
  }
}

function welcomeText(out: Outlet, welcome: Welcome): string {
  const { config, up } = welcome
  const bold = (text: string): string => styled(out, 'bold', text)
  const dim = (text: string): string => styled(out, 'dim', text)
  return [
    `${bold(`Gatehouse ${VERSION} is up.`)} ${dim('Ctrl-C stops it.')}`,
    '',
    `  NATS        ${up.url}`,
    `  WebSocket   ${up.websocket}`,
    `  MQTT        ${up.mqtt}`,
    `  HTTP        ${up.http} ${dim('(/metrics, /healthz, /readyz)')}`,
    `  Tokens      ${relative(process.cwd(), upFilePath(config.dataDir))}`,
    '',
    ...whatToType(welcome),
    '',
    '',
  ].join('\n')
}

/** Lines that work as they stand: of users there are, with tokens there are. */
function whatToType({ config, up, documents }: Welcome): string[] {
  const { tokens, url } = up
  const nats = (user: string, args: string): string =>
    `  NATS_TOKEN=$(${self()} token ${quoted(user)}${dataDirFlag(config)}) nats --server ${url} ${args}`
  const admin = adminOf(documents, tokens)
  const [first] = Object.keys(tokens)
  if (first === undefined)
    return ['No document declares a user, so nobody has a token: docs/documents.md shows how.']
  const asUser = Object.hasOwn(tokens, ALICE)
    ? [
        `Publish as alice, who may:`,
        nats(ALICE, 'pub orders.new hello'),
        `and where she may not:`,
        nats(ALICE, 'pub orders.delete hello'),
      ]
    : [`See who ${first} is, and what it may do:`, nats(first, `req auth.v1.whoami '{}'`)]
  const asAdmin =
    admin === undefined
      ? [`No document declares a user in ${ADMIN}, who could send commands.`]
      : [`Send a command as an admin:`, nats(admin, commandOf(documents))]
  return [...asUser, ...asAdmin]
}

/** A declared user of ADMIN, by the name its token has. */
function adminOf({ accounts }: Documents, tokens: UpFile['tokens']): string | undefined {
  const declared = accounts.find(({ content }) => content.name === ADMIN)?.content.users ?? []
  const names = declared.flatMap(({ name }) => [`${ADMIN}/${name}`, name])
  return names.find((name) => Object.hasOwn(tokens, name))
}

/** With the samples, one that changes something; else one that works everywhere. */
function commandOf({ accounts, policies }: Documents): string {
  const isSample =
    accounts.some(({ content }) => content.name === 'ORDERS') &&
    policies.some(({ content }) => content.name === 'readonly')
  const carol = `'{"account":"ORDERS","name":"carol@example.com","policies":["readonly"]}'`
  return isSample ? `req auth.v1.user.create ${carol}` : `req auth.v1.whoami '{}'`
}

/** For a shell. */
function quoted(text: string): string {
  return /^[\w./@+-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`
}

/** How this program was called, as a person in this folder would type it. */
function self(): string {
  const script = relative(process.cwd(), process.argv[1] ?? '')
  return script.endsWith('.mjs') && !script.startsWith('..') ? `node ${script}` : 'gatehouse'
}

function dataDirFlag({ dataDir }: UpConfig): string {
  const path = relative(process.cwd(), dataDir)
  return path === '.gatehouse' ? '' : ` --data-dir ${quoted(path)}`
}

/** One line a decision, while a person is watching. */
export function teller({ out }: Terminal, config: UpConfig): Told {
  if (config.output !== 'text') return () => undefined
  return ({ outcome, text }) => {
    const word = outcome === 'admitted' ? styled(out, 'green', 'admitted') : styled(out, 'red', 'denied  ')
    out.write(`${word}  ${text}\n`)
  }
}
