import { join, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import { PACE } from '../src/authority.ts'
import { THROTTLE } from '../src/callout/throttle.ts'
import { readUpConfig, type Environment, type UpFlags } from '../src/config.ts'
import { GatehouseError } from '../src/errors.ts'

const PACKAGE = '/srv/gatehouse'
const read = (flags: UpFlags = {}, env: Environment = {}) => readUpConfig(flags, env, PACKAGE)

function faults(flags: UpFlags, env: Environment): string[] {
  try {
    read(flags, env)
    return []
  } catch (error) {
    if (!(error instanceof GatehouseError)) throw error
    expect(error.code).toBe('invalid_configuration')
    for (const { where, rule } of error.faults) expect(error.message).toContain(`  ${where}: ${rule}`)
    return error.faults.map(({ where, rule }) => `${where}: ${rule}`)
  }
}

const ADDRESS = 'must be HOST:PORT or PORT, with a port from 0 (any free one) to 65535'

describe('the configuration', () => {
  it('needs nothing', () => {
    expect(read()).toEqual({
      dataDir: resolve('.gatehouse'),
      documents: PACKAGE,
      listen: { host: '127.0.0.1', port: 4_222, chosen: 'default' },
      http: { host: '127.0.0.1', port: 4_280, chosen: 'default' },
      websocket: { host: '127.0.0.1', port: 4_281, chosen: 'default' },
      mqtt: { host: '127.0.0.1', port: 1_883, chosen: 'default' },
      output: 'text',
      logLevel: 'info',
      masterKey: { kind: 'file', path: resolve('.gatehouse', 'master.key') },
      signing: undefined,
      xkey: undefined,
      environment: undefined,
      audit: { maxAgeMs: 7 * 86_400_000, maxMessages: 100_000, maxBytes: 100_000_000 },
      throttle: THROTTLE,
      pace: PACE,
      staleMsMax: 3_600_000,
    })
  })

  it('takes a flag before a variable before a default', () => {
    const env = {
      GATEHOUSE_DATA_DIR: '/env',
      GATEHOUSE_LISTEN: '0.0.0.0:1',
      GATEHOUSE_HTTP: '2',
      GATEHOUSE_DOCUMENTS: '/docs',
    }
    expect(read({ dataDir: '/flag', listen: ':3' }, env)).toMatchObject({
      dataDir: '/flag',
      documents: '/docs',
      listen: { host: '127.0.0.1', port: 3, chosen: 'named' },
      http: { host: '127.0.0.1', port: 2, chosen: 'named' },
      websocket: { port: 4_281, chosen: 'default' },
      masterKey: { kind: 'file', path: join('/flag', 'master.key') },
    })
    expect(read({}, env)).toMatchObject({ dataDir: '/env', listen: { host: '0.0.0.0', port: 1 } })
  })

  it.each([
    ['4222', '127.0.0.1', 4_222],
    ['-1', '127.0.0.1', 0],
    ['0', '127.0.0.1', 0],
    ['localhost:65535', 'localhost', 65_535],
    ['127.0.0.1:-1', '127.0.0.1', 0],
    ['[::1]:1', '[::1]', 1],
  ])('listens at %s', (text, host, port) => {
    expect(read({ listen: text }).listen).toEqual({ host, port, chosen: 'named' })
  })

  it.each(['', 'localhost', 'a:b', '65536', '-2', ':', '::1:1', '1.5', 'nats://localhost:1', ' 1', '1 '])(
    'cannot listen at %j',
    (text) => expect(faults({ listen: text }, {})).toEqual([`--listen: ${ADDRESS}`]),
  )

  it('says how much to say', () => {
    expect(read({ quiet: true }).output).toBe('quiet')
    expect(read({ json: true }).output).toBe('json')
  })

  it('says how much of the past is kept, and what the system is called', () => {
    const env = {
      GATEHOUSE_AUDIT_MAX_AGE: '30d',
      GATEHOUSE_AUDIT_MAX_MESSAGES: '5000000',
      GATEHOUSE_AUDIT_MAX_SIZE: '2GiB',
      GATEHOUSE_ENVIRONMENT: 'production',
    }
    const audit = { maxAgeMs: 30 * 86_400_000, maxMessages: 5_000_000, maxBytes: 2 * 2 ** 30 }
    expect(read({}, env)).toMatchObject({ audit, environment: 'production' })
  })

  it.each([
    ['GATEHOUSE_AUDIT_MAX_AGE', '7'],
    ['GATEHOUSE_AUDIT_MAX_MESSAGES', '0'],
    ['GATEHOUSE_AUDIT_MAX_MESSAGES', '1e6'],
    ['GATEHOUSE_AUDIT_MAX_SIZE', '100MB'],
    ['GATEHOUSE_AUDIT_MAX_SIZE', '1KiB'],
    ['GATEHOUSE_ENVIRONMENT', ''],
  ])('refuses %s=%s', (variable, value) => {
    expect(() => read({}, { [variable]: value })).toThrow(variable)
  })

  it('takes the master key from a file or as text', () => {
    const file = { kind: 'file', path: '/run/key' }
    expect(read({}, { GATEHOUSE_MASTER_KEY_FILE: '/run/key' }).masterKey).toEqual(file)
    expect(read({}, { GATEHOUSE_MASTER_KEY: 'text' }).masterKey).toEqual({ kind: 'text', text: 'text' })
  })

  it('is refused with every fault at once, by the name that was used, without a value', () => {
    const secret = 'hunter2'
    const found = faults(
      { listen: secret, quiet: true, json: true },
      {
        GATEHOUSE_LISTEN: '1',
        GATEHOUSE_HTTP: secret,
        GATEHOUSE_DATA_DIR: '',
        GATEHOUSE_LOG_LEVEL: secret,
        GATEHOUSE_SIGNING: secret,
        GATEHOUSE_XKEY: secret,
        GATEHOUSE_MASTER_KEY: secret,
        GATEHOUSE_MASTER_KEY_FILE: secret,
      },
    )
    expect(found).toEqual([
      'GATEHOUSE_DATA_DIR: must not be empty',
      `--listen: ${ADDRESS}`,
      `GATEHOUSE_HTTP: ${ADDRESS}`,
      'GATEHOUSE_LOG_LEVEL: must be debug, info, warn or error',
      'GATEHOUSE_SIGNING: must be strict or root',
      'GATEHOUSE_XKEY: must be on or off',
      'GATEHOUSE_MASTER_KEY: must not stand beside GATEHOUSE_MASTER_KEY_FILE',
      '--quiet: must not stand beside --json',
    ])
    expect(found.join()).not.toContain(secret)
  })
})
