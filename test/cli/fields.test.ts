import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import type { Command } from '../../src/admin/command.ts'
import { commands } from '../../src/admin/commands.ts'
import { requestOf } from '../../src/admin/envelope.ts'
import { check } from '../../src/admin/faults.ts'
import { accountLimits, metadata, permissions } from '../../src/admin/fields.ts'
import { policyLimits } from '../../src/admin/policy-limit-fields.ts'
import { buildBody, speak, type Body } from '../../src/cli/body.ts'
import { exampleOf } from '../../src/cli/example.ts'
import { fieldsOf, type Fields } from '../../src/cli/fields.ts'
import { typed } from './typed.ts'

/** Types a body, and gives what would be sent for that. */
function throughTheCommandLine(command: Command, body: Body): Body {
  const fields = fieldsOf(command)
  const { args, document } = speak(fields, body)
  const { said, ...limit } = typed(command, args)
  const { body: sent, faults } = buildBody(said, document)
  expect(faults).toEqual([])
  return { ...sent, ...limit }
}

function words({ fields }: Fields): string[] {
  return fields.map(({ word, isPositional }) => (isPositional ? `<${word}>` : word))
}

describe('every command', () => {
  it.each(commands.map((command) => [command.name, command] as const))(
    '%s can be typed as its example says',
    (_, command) => {
      const sent = throughTheCommandLine(command, command.example)
      const [said, meant] = [sent, command.example].map((body) => check(requestOf(command), body))
      expect(meant!.ok).toBe(true)
      expect(said).toEqual(meant)
    },
  )

  it.each(commands.map((command) => [command.name, command] as const))(
    '%s has no two fields of one name, and none that is a flag of every command',
    (_, command) => {
      const common = [
        'context',
        'server',
        'token-file',
        'creds',
        'data-dir',
        'timeout',
        'output',
        'json',
        'from',
        'clear',
      ]
      const envelope = ['if-revision', 'command-id', 'correlation-id', 'help']
      const own = words(fieldsOf(command)).filter((word) => word.startsWith('--'))
      expect(new Set(own).size).toBe(own.length)
      expect(own.filter((word) => [...common, ...envelope].includes(word.slice(2)))).toEqual([])
    },
  )

  it('takes no secret on the command line', () => {
    const secrets = commands.flatMap((command) =>
      fieldsOf(command).fields.filter(
        ({ path, word }) => /password|secret|seed/i.test(path.join()) && !word.endsWith('-file'),
      ),
    )
    expect(secrets).toEqual([])
  })

  it('is shown with an example that tells no secret', () => {
    const credentials = commands.find(({ name }) => name === 'user.update-credentials')!
    expect(exampleOf(credentials, fieldsOf(credentials))).toBe(
      '  gatehouse user update-credentials ORDERS bob@example.com --password-file password.txt',
    )
  })
})

describe('a field', () => {
  const named = (name: string): Fields => fieldsOf(commands.find((each) => each.name === name)!)

  it('that is required and names something has its place, in the order of the schema', () => {
    expect(words(named('user.assign-policy'))).toEqual(['<account>', '<user>', '<policy>'])
    expect(words(named('policy.rename'))).toEqual(['<policy>', '--account', '<name>'])
    expect(words(named('user.lock'))).toEqual(['<account>', '<user>', '--reason'])
  })

  it('of a group has the path as its flag', () => {
    expect(words(named('policy.update-permissions'))).toEqual([
      '<policy>',
      '--account',
      '--publish-allow',
      '--publish-deny',
      '--subscribe-allow',
      '--subscribe-deny',
      '--responses',
      '--responses-max',
      '--responses-ttl',
      '--inbox',
    ])
    expect(words(named('account.update-limits'))).toContain('--limits-jetstream-disk')
  })

  it('that only a document can say is left to one', () => {
    expect(named('user.update-credentials').unsaid.map(({ path }) => path)).toEqual([['credentials']])
  })

  it('that nobody enforces is taken, not shown, and refused by the schema', () => {
    const command = commands.find(({ name }) => name === 'policy.update-limits')!
    const field = fieldsOf(command).fields.find(({ word }) => word === '--limits-payload')!
    expect(field.isHidden).toBe(true)
    const { body } = buildBody(typed(command, ['p', '--limits-payload', '3']).said, {})
    expect(check(requestOf(command), body)).toMatchObject({
      ok: false,
      faults: [{ where: 'limits.payload' }],
    })
  })

  it('that is a secret has a file', () => {
    const { fields } = fieldsOf({ request: z.strictObject({ password: z.string() }) })
    expect(fields).toMatchObject([{ word: '--password-file', kind: 'secret', isPositional: false }])
  })
})

describe('a body', () => {
  const request = z.strictObject({
    name: z.string(),
    count: z.int().optional(),
    size: z.union([z.int(), z.string()]).optional(),
    isOpen: z.boolean().optional(),
    tags: z.array(z.string()).optional(),
    metadata: metadata.optional(),
    ...permissions,
    limits: policyLimits,
    accountLimits,
  })
  const command = { name: 'thing.make', summary: 'Makes a thing.', request } as unknown as Command
  const text = fc.string({ maxLength: 12 })
  const optional = <Value>(value: fc.Arbitrary<Value>) => fc.option(value, { nil: undefined })
  const body = fc
    .record({
      name: text,
      count: optional(fc.integer()),
      size: optional(fc.oneof(fc.integer(), fc.stringMatching(/^\d+(B|KiB|GiB)$/))),
      isOpen: optional(fc.boolean()),
      tags: optional(fc.array(text, { minLength: 1 })),
      metadata: optional(fc.dictionary(fc.stringMatching(/^[A-Za-z0-9_-]{1,8}$/), text, { minKeys: 1 })),
      responses: optional(fc.constantFrom({}, { max: 3 }, { max: 1, ttl: '5m' })),
      publish: optional(fc.record({ allow: fc.array(text, { minLength: 1 }) })),
      accountLimits: optional(
        fc.record({ jetstream: fc.constantFrom({}, { disk: '1GiB' }, { memory: 5, streams: 0 }) }),
      ),
    })
    .map((record) => Object.fromEntries(Object.entries(record).filter(([, value]) => value !== undefined)))

  it('survives being typed, whatever is in it', () => {
    fc.assert(
      fc.property(body, (meant) => {
        expect(throughTheCommandLine(command, meant)).toEqual(meant)
      }),
    )
  })

  it('from a document gives way to flags, field by field', () => {
    const { said } = typed(command, [
      'n',
      '--limits-lifetime',
      '1h',
      '--publish-allow',
      'a',
      '--metadata',
      'b=2',
    ])
    const document = {
      limits: { lifetime: '2h', sources: ['10.0.0.0/8'] },
      publish: { allow: ['z'], deny: ['y'] },
      metadata: { a: '1' },
    }
    expect(buildBody(said, document).body).toEqual({
      name: 'n',
      limits: { lifetime: '1h', sources: ['10.0.0.0/8'] },
      publish: { allow: ['a'], deny: ['y'] },
      metadata: { b: '2' },
    })
  })

  it('has no map without keys and values', () => {
    const { said } = typed(command, ['n', '--metadata', 'x', '--metadata', '=y'])
    expect(buildBody(said, {}).faults).toEqual([
      { where: '--metadata', rule: 'must be KEY=VALUE' },
      { where: '--metadata', rule: 'must be KEY=VALUE' },
    ])
  })
})
