import type { Found } from '../../src/nats/binary-tool.ts'
import { findServer, NATS_SERVER } from '../../src/nats/server-binary.ts'

const env = process.env
const report = (): void => undefined

let newest: Promise<string> | undefined
let oldest: Promise<string> | undefined

/**
 * The path of the nats-server named in GATEHOUSE_NATS_SERVER, else of the one that Gatehouse fetches today; where
 * that cannot be had, of the one it would run.
 */
export function newestServer(): Promise<string> {
  const usual = (): Promise<Found> => findServer({ env, report })
  const pinned = (): Promise<Found> => findServer({ env, report, version: NATS_SERVER.pinned }).catch(usual)
  newest ??= (env[NATS_SERVER.variable] === undefined ? pinned() : usual()).then(({ path }) => path)
  return newest
}

/** The path of the oldest nats-server that Gatehouse supports. */
export function oldestServer(): Promise<string> {
  oldest ??= findServer({ env, report, version: NATS_SERVER.minimum }).then(({ path }) => path)
  return oldest
}
