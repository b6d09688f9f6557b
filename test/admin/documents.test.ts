import { describe, expect, it } from 'vitest'
import { parseDocuments, readDocuments } from '../../src/admin/documents.ts'
import { readSources } from '../../src/cli/sources.ts'
import { PROJECT } from '../support/world.ts'
import { account, faults, policy, read } from './declared.ts'

const DURATION = 'must be a duration such as 90s, 2m, 1h30m or 7d'
const UNKNOWN = 'is not a field that is known here'

describe('a document', () => {
  it('says what is left out', () => {
    const { policies, accounts } = read(policy(), account('users: [{ name: u }]'))
    expect(policies[0]?.content).toEqual({
      kind: 'policy',
      name: 'p',
      publish: { allow: [], deny: [] },
      subscribe: { allow: [], deny: [] },
      limits: {},
      delegable: false,
    })
    expect(accounts[0]?.content.users).toEqual([{ name: 'u', policies: [], roles: [], metadata: {} }])
  })

  it('is read into units and lists', () => {
    const limits =
      'limits: { lifetime: 1h30m, sources: [10.0.0.0/8, "fd00::/8"], connectionTypes: [MQTT, MQTT_WS], windows: [{ zone: UTC, start: 08:00, end: 18:00 }], sessions: 2 }'
    const { policies, accounts } = read(
      policy(`${limits}\nresponses: {}\nsubscribe: { allow: [{ subject: a.>, queue: q }, b c, d] }`),
      account('limits: { payload: 64KiB, subscriptions: 3, jetstream: { disk: 1GiB, memory: 5 } }'),
    )
    expect(policies[0]?.content).toMatchObject({
      limits: {
        lifetimeSeconds: 5_400,
        sources: ['10.0.0.0/8', 'fd00::/8'],
        connectionTypes: ['MQTT', 'MQTT_WS'],
        windows: [{ zone: 'UTC', start: '08:00', end: '18:00' }],
        sessions: 2,
      },
      responses: { max: 1, ttlMs: 120_000 },
      subscribe: { allow: ['a.> q', 'b c', 'd'] },
    })
    expect(accounts[0]?.content.limits).toEqual({
      payloadBytes: 65_536,
      subscriptions: 3,
      jetstream: { diskBytes: 2 ** 30, memoryBytes: 5 },
    })
  })

  it('is one of several of a file, and says where', () => {
    const { policies } = read(`# both\n---\n${policy()}---\nkind: policy\nname: q\n---\n`)
    expect(policies.map(({ content }) => content.name)).toEqual(['p', 'q'])
    expect(policies.map(({ locate }) => locate(['name']))).toEqual(['a.yaml:4:1', 'a.yaml:7:1'])
  })

  it('may say the same by an alias', () => {
    const { policies } = read(policy('publish: { allow: &s [a, b] }\nsubscribe: { allow: *s }'))
    expect(policies[0]?.content.subscribe.allow).toEqual(['a', 'b'])
  })

  it.each([
    ['{"kind":"policy","name":"p",}', /^p\.json:1:\d+$/],
    ['{"kind":"policy",\n "name":"p" # mine\n}', /^p\.json:2:\d+$/],
    ['kind: policy\nname: p\n', /^p\.json:1:1$/],
    ["{'kind':'policy','name':'p'}", /^p\.json:1:\d+$/],
  ])('in a file that is called JSON is JSON, which %j is not', (text, where) => {
    const { faults } = readDocuments([{ path: 'p.json', text }])
    expect(faults).toHaveLength(1)
    expect(faults[0]?.where).toMatch(where)
    expect(readDocuments([{ path: 'p.yaml', text }]).faults).toEqual([])
  })

  it('in a file that is called JSON may begin with a byte order mark', () => {
    const text = '\uFEFF{\n\t"kind": "policy",\n\t"name": "p"\n}\n'
    expect(readDocuments([{ path: 'p.json', text }]).faults).toEqual([])
  })

  it('is among the samples, which have no faults', async () => {
    const samples = parseDocuments(await readSources(PROJECT))
    expect(samples.accounts.map(({ content }) => content.name)).toEqual(['ADMIN', 'ANALYTICS', 'ORDERS'])
  })
})

describe('YAML that cannot be read is told where it ends', () => {
  it.each([
    ['nothing', '', ['a.yaml:1:1: declares nothing: fill it, or remove it']],
    ['only comments', '# nothing\n', ['a.yaml:1:1: declares nothing: fill it, or remove it']],
    ['only a separator', '---\n', ['a.yaml:1:1: declares nothing: fill it, or remove it']],
    ['a tab', 'kind: policy\npublish:\n\tallow: []\n', ['a.yaml:3:1: Tabs are not allowed as indentation']],
    ['a quote left open', 'kind: "policy', ['a.yaml:1:14: Missing closing "quote']],
    ['a key twice', `${policy()}name: q\n`, ['a.yaml:3:1: Map keys must be unique']],
    [
      'a value too much',
      'kind: policy: x',
      ['a.yaml:1:7: Nested mappings are not allowed in compact mappings'],
    ],
    ['an anchor that is nowhere', policy('publish: *x'), ['a.yaml:3:10: there is no anchor &x before this']],
    ['a list as key', '? [a]\n: 1\n', ['a.yaml:1:3: With stringKeys, all keys must be strings']],
    [
      'aliases that multiply',
      policy(
        `metadata:\n  a: &a [x, x, x, x, x, x, x, x, x, x]\n${'abcdef'
          .split('')
          .map((here, i) => `  ${'bcdefg'[i]}: &${'bcdefg'[i]} [${`*${here}, `.repeat(10)}]\n`)
          .join('')}`,
      ),
      ['a.yaml:1:1: says too much by aliases: write it out'],
    ],
  ])('%s', (_, text, expected) => {
    expect(faults(text)).toEqual(expected)
  })
})

describe('documents together', () => {
  it('are refused with every fault of every file at once', () => {
    expect(
      faults(
        policy('publsh: {}\nlimits: { lifetime: x }\n'),
        'kind: [\n',
        account('users: [{ name: "a b" }]\n'),
      ),
    ).toEqual([
      `a.yaml:4:11 limits.lifetime: ${DURATION}`,
      `a.yaml:3:1 publsh: ${UNKNOWN}`,
      expect.stringMatching(/^b\.yaml:2:1: /),
      'c.yaml:3:11 users[0].name: must not contain spaces or control characters',
    ])
  })

  it('declare each thing once', () => {
    expect(
      faults(
        `${policy()}---\n${policy()}---\n${policy('account: A\n')}`,
        account('users: [{ name: u }, { name: v }, { name: u }]\n'),
        `${account('users: [{ name: u }]\n')}---\nkind: operator\nname: o\n---\nkind: operator\nname: o\n`,
      ),
    ).toEqual([
      'c.yaml:9:1 name: the operator is declared twice',
      'a.yaml:5:1 name: policy "p" is declared twice',
      'b.yaml:3:37 users[2].name: user "u" is declared twice',
      'c.yaml:2:1 name: account "A" is declared twice',
      'c.yaml:3:11 users[0].name: user "u" is declared twice',
    ])
  })

  it('never tell the value that was wrong', () => {
    const secret = 'hunter2-SECRET'
    const texts = [
      policy(`limits: { lifetime: ${secret} }`),
      account(`metadata: [${secret}]`),
      `kind: ${secret}`,
    ]
    expect(faults(...texts)).toHaveLength(3)
    expect(faults(...texts).join()).not.toContain(secret)
  })
})
