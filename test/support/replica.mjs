// One replica of the service as a process of its own, so that it can be killed. Says "ready" when it answers; every
// other line is its log.
import { pino } from 'pino'
import { Vault } from '../../dist/keys/vault.js'
import { startGatehouse } from '../../dist/main.js'
import { TrustChain } from '../../dist/nats/trust.js'
import { createTelemetry } from '../../dist/telemetry.js'

const { url, copies, trustFile, masterKey, operatorName } = JSON.parse(process.env.REPLICA)
const vault = new Vault(Buffer.from(masterKey, 'base64'))
const trust = TrustChain.open(trustFile, vault, { operatorName, at: new Date().toISOString() })
const log = pino({ level: 'debug' })
const telemetry = createTelemetry(log, () => undefined)
await startGatehouse({ url, trust, vault, telemetry, log, replicas: copies })
process.stdout.write('ready\n')
