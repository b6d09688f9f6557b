import { join, resolve } from 'node:path'
import { z } from 'zod'
import { check } from './admin/faults.ts'
import { duration } from './admin/fields.ts'
import { BYTES_MAX, size } from './admin/quantities.ts'
import type { ThrottleOptions } from './callout/throttle.ts'
import { GatehouseError, type Fault } from './errors.ts'
import type { PaceOptions } from './sessions/pace.ts'

/** Where something listens. Port 0: the kernel chooses. */
export interface Address {
  readonly host: string
  readonly port: number
}

/** An address, and whether somebody asked for just this one. A default one gives way when it is taken. */
export interface Listener extends Address {
  readonly chosen: 'named' | 'default'
}

/** Where the master key comes from. Its text is a secret: this value is never printed. */
export type MasterKeySource =
  { readonly kind: 'file'; readonly path: string } | { readonly kind: 'text'; readonly text: string }

export interface UpConfig {
  readonly dataDir: string
  readonly documents: string
  readonly listen: Listener
  readonly http: Listener
  readonly websocket: Listener
  readonly mqtt: Listener
  readonly output: 'text' | 'quiet' | 'json'
  readonly logLevel: 'debug' | 'info' | 'warn' | 'error'
  readonly masterKey: MasterKeySource
  /** Chosen when a system is made; absent means as it was made, or strict and on. */
  readonly signing: 'strict' | 'root' | undefined
  readonly xkey: 'on' | 'off' | undefined
  /** What the people who run it call this system; in the metadata of every event. */
  readonly environment: string | undefined
  /** Of how many sessions, from 0 to 1, comings and goings are events. */
  readonly eventSample: number | undefined
  /** How much of the past the audit stream keeps. */
  readonly audit: { readonly maxAgeMs: number; readonly maxMessages: number; readonly maxBytes: number }
  /** How many failures the door takes. */
  readonly throttle: ThrottleOptions
  /** How fast connections are ended whose grant has changed. */
  readonly pace: PaceOptions
  /** How long a replica decides from memory while the state cannot be asked. Milliseconds. */
  readonly staleMsMax: number
}

/** Flags as they were given, undefined where they were not. */
export interface UpFlags {
  readonly dataDir?: string | undefined
  readonly documents?: string | undefined
  readonly listen?: string | undefined
  readonly http?: string | undefined
  readonly websocket?: string | undefined
  readonly mqtt?: string | undefined
  readonly quiet?: true | undefined
  readonly json?: true | undefined
}

export type Environment = Readonly<Record<string, string | undefined>>

const DEFAULTS = {
  dataDir: '.gatehouse',
  listen: '127.0.0.1:4222',
  http: '127.0.0.1:4280',
  websocket: '127.0.0.1:4281',
  mqtt: '127.0.0.1:1883',
} as const

const address = z.string().transform((text, context): Address => {
  const [, host = '127.0.0.1', digits] =
    /^(?:(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9.-]+)?:)?(-?\d{1,5})$/.exec(text) ?? []
  const port = digits === '-1' ? 0 : Number(digits)
  if (digits === undefined || port < 0 || port > 65_535) {
    context.addIssue({
      code: 'custom',
      message: 'must be HOST:PORT or PORT, with a port from 0 (any free one) to 65535',
    })
    return z.NEVER
  }
  return { host, port }
})

const whole = z
  .string()
  .regex(/^[1-9][0-9]{0,11}$/, 'must be a whole number from 1')
  .transform(Number)

function numberFrom(min: number, max: number): z.ZodType<number, string> {
  const rule = `must be a whole number from ${min} to ${max}`
  return z
    .string()
    .regex(/^(?:0|[1-9][0-9]{0,11})$/, rule)
    .transform(Number)
    .refine((n) => n >= min && n <= max, rule)
}

const upToADay = duration.pipe(z.number().max(86_400_000, 'must be at most 1d'))

const fraction = z
  .string()
  .regex(/^(?:0?[.][0-9]{1,9}|1|0)$/, 'must be a fraction from 0 to 1, such as 0.1')
  .transform(Number)

const UpEnvironment = z.object({
  GATEHOUSE_DATA_DIR: z.string().min(1).default(DEFAULTS.dataDir),
  GATEHOUSE_DOCUMENTS: z.string().min(1).optional(),
  GATEHOUSE_LISTEN: address.optional(),
  GATEHOUSE_HTTP: address.optional(),
  GATEHOUSE_WEBSOCKET: address.optional(),
  GATEHOUSE_MQTT: address.optional(),
  GATEHOUSE_LOG_LEVEL: z.enum(['debug', 'info', 'warn', 'error']).default('info'),
  GATEHOUSE_MASTER_KEY: z.string().min(1).optional(),
  GATEHOUSE_MASTER_KEY_FILE: z.string().min(1).optional(),
  GATEHOUSE_SIGNING: z.enum(['strict', 'root']).optional(),
  GATEHOUSE_XKEY: z.enum(['on', 'off']).optional(),
  GATEHOUSE_ENVIRONMENT: z.string().min(1).max(64).optional(),
  GATEHOUSE_EVENT_SAMPLE: fraction.optional(),
  GATEHOUSE_AUDIT_MAX_AGE: duration.prefault('7d'),
  GATEHOUSE_AUDIT_MAX_MESSAGES: whole.prefault('100000'),
  GATEHOUSE_AUDIT_MAX_SIZE: size(BYTES_MAX)
    .pipe(z.int().min(1_000_000, 'must be at least 1000000B'))
    .prefault('100000000B'),
  GATEHOUSE_KICK_RATE: numberFrom(1, 100_000).prefault('200'),
  GATEHOUSE_KICK_SPREAD: upToADay.optional(),
  GATEHOUSE_STALE_MAX: duration.pipe(z.number().min(5_000, 'must be at least 5s')).prefault('1h'),
  GATEHOUSE_LOCKOUT_FAILURES: numberFrom(1, 100).prefault('5'),
  GATEHOUSE_LOCKOUT_USER_FAILURES: numberFrom(1, 200).prefault('50'),
  GATEHOUSE_LOCKOUT_WINDOW: upToADay.prefault('15m'),
  GATEHOUSE_LOCKOUT_DURATION: upToADay.prefault('15m'),
  GATEHOUSE_SOURCE_FAILURES: numberFrom(1, 1_000_000).prefault('100'),
  GATEHOUSE_SOURCE_REFILL: upToADay.prefault('1s'),
  GATEHOUSE_SOURCE_SILENT: numberFrom(0, 10_000).prefault('100'),
})

/** Flag, then variable, for everything that can be said both ways. */
const FLAGS = {
  dataDir: ['--data-dir', 'GATEHOUSE_DATA_DIR'],
  documents: ['--documents', 'GATEHOUSE_DOCUMENTS'],
  listen: ['--listen', 'GATEHOUSE_LISTEN'],
  http: ['--http', 'GATEHOUSE_HTTP'],
  websocket: ['--websocket', 'GATEHOUSE_WEBSOCKET'],
  mqtt: ['--mqtt', 'GATEHOUSE_MQTT'],
} as const

/**
 * Flags, then `GATEHOUSE_*`, then defaults. Throws `invalid_configuration` with every fault at once, by flag or
 * variable, and without any value.
 */
export function readUpConfig(flags: UpFlags, env: Environment, packageDir: string): UpConfig {
  const given = Object.entries(FLAGS).flatMap(([flag, [, variable]]) => {
    const value = flags[flag as keyof typeof FLAGS]
    return value === undefined ? [] : [[variable, value] as const]
  })
  const checked = check(UpEnvironment, { ...env, ...Object.fromEntries(given) })
  const faults: Fault[] = checked.ok ? [] : checked.faults.map((fault) => faultOf(fault, flags))
  if (env['GATEHOUSE_MASTER_KEY'] && env['GATEHOUSE_MASTER_KEY_FILE']) {
    faults.push({ where: 'GATEHOUSE_MASTER_KEY', rule: 'must not stand beside GATEHOUSE_MASTER_KEY_FILE' })
  }
  if (flags.quiet && flags.json) faults.push({ where: '--quiet', rule: 'must not stand beside --json' })
  if (checked.ok && isUpsideDown(checked.value)) {
    const rule = 'must be at least GATEHOUSE_LOCKOUT_FAILURES'
    faults.push({ where: 'GATEHOUSE_LOCKOUT_USER_FAILURES', rule })
  }
  if (!checked.ok || faults.length > 0) throw invalid(faults)

  const e = checked.value
  const dataDir = resolve(e.GATEHOUSE_DATA_DIR)
  return {
    dataDir,
    documents: resolve(e.GATEHOUSE_DOCUMENTS ?? packageDir),
    listen: listener(e.GATEHOUSE_LISTEN, DEFAULTS.listen),
    http: listener(e.GATEHOUSE_HTTP, DEFAULTS.http),
    websocket: listener(e.GATEHOUSE_WEBSOCKET, DEFAULTS.websocket),
    mqtt: listener(e.GATEHOUSE_MQTT, DEFAULTS.mqtt),
    output: flags.json ? 'json' : flags.quiet ? 'quiet' : 'text',
    logLevel: e.GATEHOUSE_LOG_LEVEL,
    masterKey:
      e.GATEHOUSE_MASTER_KEY === undefined
        ? { kind: 'file', path: resolve(e.GATEHOUSE_MASTER_KEY_FILE ?? join(dataDir, 'master.key')) }
        : { kind: 'text', text: e.GATEHOUSE_MASTER_KEY },
    signing: e.GATEHOUSE_SIGNING,
    xkey: e.GATEHOUSE_XKEY,
    environment: e.GATEHOUSE_ENVIRONMENT,
    eventSample: e.GATEHOUSE_EVENT_SAMPLE,
    audit: {
      maxAgeMs: e.GATEHOUSE_AUDIT_MAX_AGE,
      maxMessages: e.GATEHOUSE_AUDIT_MAX_MESSAGES,
      maxBytes: e.GATEHOUSE_AUDIT_MAX_SIZE,
    },
    throttle: throttleOf(e),
    pace: { perSecond: e.GATEHOUSE_KICK_RATE, spreadMs: e.GATEHOUSE_KICK_SPREAD ?? 0 },
    staleMsMax: e.GATEHOUSE_STALE_MAX,
  }
}

type Checked = z.output<typeof UpEnvironment>

/** All sources together would be locked out before any of them. */
function isUpsideDown(e: Checked): boolean {
  return e.GATEHOUSE_LOCKOUT_USER_FAILURES < e.GATEHOUSE_LOCKOUT_FAILURES
}

function throttleOf(e: Checked): ThrottleOptions {
  return {
    failures: e.GATEHOUSE_LOCKOUT_FAILURES,
    userFailures: e.GATEHOUSE_LOCKOUT_USER_FAILURES,
    windowMs: e.GATEHOUSE_LOCKOUT_WINDOW,
    lockoutMs: e.GATEHOUSE_LOCKOUT_DURATION,
    sourceFailures: e.GATEHOUSE_SOURCE_FAILURES,
    sourceRefillMs: e.GATEHOUSE_SOURCE_REFILL,
    silentMax: e.GATEHOUSE_SOURCE_SILENT,
  }
}

function listener(named: Address | undefined, preferred: string): Listener {
  return named === undefined
    ? { ...address.parse(preferred), chosen: 'default' }
    : { ...named, chosen: 'named' }
}

function faultOf({ where: variable, rule }: Fault, flags: UpFlags): Fault {
  const said = Object.entries(FLAGS).find(
    ([flag, names]) => names[1] === variable && flags[flag as keyof typeof FLAGS] !== undefined,
  )
  return { where: said?.[1][0] ?? variable, rule }
}

function invalid(faults: readonly Fault[]): GatehouseError {
  const list = faults.map(({ where, rule }) => `  ${where}: ${rule}`).join('\n')
  return new GatehouseError('invalid_configuration', `the configuration has faults\n${list}`, { faults })
}
