import { readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { processIdentity } from './process-identity.ts'

/** Ports that the server listens on, as numbers, whatever the configuration said (-1 included). */
export interface ServerPorts {
  readonly nats: number
  readonly monitoring?: number
  readonly cluster?: number
  readonly profile?: number
  readonly websocket?: number
  readonly mqtt?: number
}

export interface Listening {
  /** For clients on this machine. */
  readonly url: string
  readonly ports: ServerPorts
}

const SUFFIX = /_(\d+)\.ports$/

/** As the server writes it: URLs of each kind of listener. */
export type PortsFile = Readonly<Partial<Record<Exclude<keyof ServerPorts, 'mqtt'>, readonly string[]>>>

/** The ports file of the server with this pid (`<program>_<pid>.ports`), once it is there. */
export async function readPorts(folder: string, pid: number): Promise<PortsFile | undefined> {
  const file = (await readdir(folder)).find((name) => SUFFIX.exec(name)?.[1] === String(pid))
  if (file === undefined) return undefined
  try {
    return JSON.parse(await readFile(join(folder, file), 'utf8')) as PortsFile
  } catch {
    return undefined // Half written: the next look finds it whole.
  }
}

/** A server that was killed leaves its ports file, and a new one may be given its pid. */
export async function removeStalePorts(folder: string): Promise<void> {
  for (const file of await readdir(folder)) {
    const pid = SUFFIX.exec(file)?.[1]
    if (pid === undefined || (await processIdentity(Number(pid))) !== undefined) continue
    await rm(join(folder, file), { force: true })
  }
}

/** Undefined when there is no port for clients. */
export function listening(file: PortsFile, mqtt: number | undefined): Listening | undefined {
  const urls = file.nats ?? []
  const url = urls.find((each) => /^(127\.|localhost$|\[::1\])/.test(new URL(each).hostname)) ?? urls[0]
  const nats = portOf(file.nats)
  if (url === undefined || nats === undefined) return undefined
  const others = {
    monitoring: portOf(file.monitoring),
    cluster: portOf(file.cluster),
    profile: portOf(file.profile),
    websocket: portOf(file.websocket),
    mqtt,
  }
  const open = Object.entries(others).filter(([, port]) => port !== undefined)
  return { url, ports: { nats, ...(Object.fromEntries(open) as Omit<ServerPorts, 'nats'>) } }
}

function portOf(urls: readonly string[] | undefined): number | undefined {
  return portAt(/:(\d+)$/.exec(urls?.[0] ?? '')?.[1])
}

export function portAt(digits: string | undefined): number | undefined {
  return digits === undefined ? undefined : Number(digits)
}
