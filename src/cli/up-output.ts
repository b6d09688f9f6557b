import { relative } from 'node:path'
import type { UpConfig } from '../config.ts'
import { VERSION } from '../main.ts'
import type { Told } from '../telemetry.ts'
import { styled, type Terminal } from './terminal.ts'
import { upFilePath, type UpFile } from './up-file.ts'

/** What `up` says when it is up, in the way that was asked for. Tokens stay in the file; commands fetch them there. */
export function tellUp({ out }: Terminal, config: UpConfig, up: UpFile): void {
  switch (config.output) {
    case 'json': {
      const { tokens: _tokens, ...facts } = up
      out.write(`${JSON.stringify({ ...facts, file: upFilePath(config.dataDir) })}\n`)
      return
    }
    case 'quiet':
      return
    case 'text':
      out.write(welcome(out, config, up))
  }
}

function welcome(out: NodeJS.WriteStream, config: UpConfig, up: UpFile): string {
  const bold = (text: string): string => styled(out, 'bold', text)
  const dim = (text: string): string => styled(out, 'dim', text)
  const nats = (user: string, args: string): string =>
    `  NATS_TOKEN=$(${self()} token ${user}${dataDirFlag(config)}) nats --server ${up.url} ${args}`
  const carol = `'{"account":"ORDERS","name":"carol@example.com","policies":["readonly"]}'`
  return [
    `${bold(`Gatehouse ${VERSION} is up.`)} ${dim('Ctrl-C stops it.')}`,
    '',
    `  NATS        ${up.url}`,
    `  WebSocket   ${up.websocket}`,
    `  MQTT        ${up.mqtt}`,
    `  HTTP        ${up.http} ${dim('(/metrics, /healthz, /readyz)')}`,
    `  Tokens      ${relative(process.cwd(), upFilePath(config.dataDir))}`,
    '',
    `Publish as alice, who may:`,
    nats('alice@example.com', 'pub orders.new hello'),
    `and where she may not:`,
    nats('alice@example.com', 'pub orders.delete hello'),
    `Send a command as an admin:`,
    nats('admin', `req auth.v1.user.create ${carol}`),
    '',
    '',
  ].join('\n')
}

/** How this program was called, as a person in this folder would type it. */
function self(): string {
  const script = relative(process.cwd(), process.argv[1] ?? '')
  return script.endsWith('.mjs') && !script.startsWith('..') ? `node ${script}` : 'gatehouse'
}

function dataDirFlag({ dataDir }: UpConfig): string {
  const path = relative(process.cwd(), dataDir)
  return path === '.gatehouse' ? '' : ` --data-dir ${/^[\w./-]+$/.test(path) ? path : JSON.stringify(path)}`
}

/** One line a decision, while a person is watching. */
export function teller({ out }: Terminal, config: UpConfig): Told {
  if (config.output !== 'text') return () => undefined
  return ({ outcome, text }) => {
    const word = outcome === 'admitted' ? styled(out, 'green', 'admitted') : styled(out, 'red', 'denied  ')
    out.write(`${word}  ${text}\n`)
  }
}
