import { pino } from 'pino'
import type { Admission } from '../../src/callout/callout.ts'
import type { Denial, Drop } from '../../src/callout/reason.ts'
import type { ThrottleOptions } from '../../src/callout/throttle.ts'
import type { Vault } from '../../src/keys/vault.ts'
import { startGatehouse, type Gatehouse } from '../../src/main.ts'
import type { TrustChain } from '../../src/nats/trust.ts'
import { createTelemetry, type Telemetry } from '../../src/telemetry.ts'

/** What the service told of each request, in order. */
export interface Heard {
  readonly admitted: Admission[]
  readonly denied: Denial[]
  readonly dropped: Drop[]
  /** Every line of the service's log, as JSON text. */
  readonly log: string[]
  readonly failures: unknown[]
}

/** One replica of the service in this process. Leaving its scope drains it. */
export interface Replica extends AsyncDisposable {
  readonly gatehouse: Gatehouse
  readonly telemetry: Telemetry
  readonly heard: Heard
  /** Ends it in the middle of everything: nothing that it has in its hands is answered. */
  kill(): Promise<void>
}

export interface ReplicaOptions {
  readonly url: string
  readonly trust: TrustChain
  readonly vault: Vault
  /** How many servers hold what JetStream keeps. */
  readonly copies: number
  readonly throttle?: Partial<ThrottleOptions> | undefined
}

export async function openReplica(options: ReplicaOptions): Promise<Replica> {
  const { url, trust, vault, copies, throttle } = options
  const heard: Heard = { admitted: [], denied: [], dropped: [], log: [], failures: [] }
  const log = pino({ level: 'debug' }, { write: (line: string) => void heard.log.push(line) })
  const telemetry = listening(
    createTelemetry(log, () => undefined),
    heard,
  )
  const parts = { url, trust, vault, telemetry, log, replicas: copies }
  const gatehouse = await startGatehouse({ ...parts, throttle })
  const leave = async (): Promise<void> => gatehouse[Symbol.asyncDispose]()
  return {
    gatehouse,
    telemetry,
    heard,
    async kill() {
      await gatehouse.connection.nc.close()
      await leave()
    },
    [Symbol.asyncDispose]: leave,
  }
}

function listening(telemetry: Telemetry, heard: Heard): Telemetry {
  return {
    ...telemetry,
    admitted(request, admission, tookMs) {
      heard.admitted.push(admission)
      telemetry.admitted(request, admission, tookMs)
    },
    denied(request, denial, tookMs) {
      heard.denied.push(denial)
      telemetry.denied(request, denial, tookMs)
    },
    dropped(drop, tookMs) {
      heard.dropped.push(drop)
      telemetry.dropped(drop, tookMs)
    },
    failed(error, during) {
      heard.failures.push(error)
      telemetry.failed(error, during)
    },
  }
}
