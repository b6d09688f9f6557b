import { describe, expect, it } from 'vitest'
import { show, type Format } from '../../src/cli/output.ts'
import { cell, facts, table } from '../../src/cli/table.ts'
import type { Outlet } from '../../src/cli/terminal.ts'

const PLAIN: Outlet = { hasColors: false, isTTY: false, write: () => undefined }
const asPeople = (reply: Readonly<Record<string, unknown>>) => show(reply, 'table', PLAIN)

describe('a reply', () => {
  it('about one thing is facts, a line each', () => {
    const user = {
      name: 'bob',
      roles: [],
      policies: ['a', 'b'],
      lock: { reason: 'left', at: '2026-11-21T05:16:02.123Z' },
      limits: { diskBytes: 3 * 2 ** 20, memoryBytes: 1_025 },
      credentials: [{ id: '1', kind: 'token', label: undefined }],
    }
    expect(asPeople({ user, revision: 7, events: [] })).toEqual({
      out: [
        'name                bob',
        'roles               -',
        'policies            a, b',
        'lock.reason         left',
        'lock.at             2026-11-21 05:16Z',
        'limits.diskBytes    3 MiB',
        'limits.memoryBytes  1025 B',
        'credentials         id 1 kind token',
        'revision            7',
        '',
      ].join('\n'),
      err: '',
    })
  })

  it('with a list is a table: names first, ids last, and nothing that is empty', () => {
    const items = [
      { id: 'i1', name: 'one', note: undefined, account: 'A', tags: [{ a: 1 }, { a: 2 }], facts: { a: 1 } },
      { id: 'i2', name: 'two and more', note: '', account: 'A', tags: [], facts: {} },
    ]
    expect(asPeople({ items, revision: 0, events: [], next: 12 })).toEqual({
      out: ['NAME          TAGS  ID', 'one           2     i1', 'two and more  -     i2', ''].join('\n'),
      err: 'gatehouse: there are more: --after 12 goes on\n',
    })
    expect(asPeople({ items: [] })).toEqual({ out: '', err: 'gatehouse: there is none\n' })
  })

  it('says what it came to for connections, and which replicas do not know of it yet', () => {
    const about = { user: 'u1', revision: 3, events: [{ subject: 'auth.event.AX.user.locked', data: {} }] }
    const words = (more: object): string => asPeople({ ...about, ...more }).err
    expect(words({ connections: { affected: 2, kicked: 2, left: 0 } })).toBe(
      'gatehouse: connections ended: 2\n',
    )
    expect(words({ connections: { affected: 9, kicked: 2, left: 7 }, behind: ['R1', 'R2'] })).toBe(
      'gatehouse: connections ended so far: 2, still to be ended: 7\n' +
        'gatehouse: not all replicas know of it yet; behind: R1, R2\n',
    )
  })

  it('with events says what happened, and without that nothing did', () => {
    const events = [{ subject: 'auth.event.AX.user.locked', data: {}, metadata: {} }]
    expect(asPeople({ user: 'u1', revision: 3, events })).toEqual({
      out: 'user      u1\nrevision  3\nevents    user.locked\n',
      err: '',
    })
    expect(asPeople({ user: 'u1', revision: 3, events: [] }).err).toBe(
      'gatehouse: nothing changed: it was so already\n',
    )
  })

  it('with a page that is empty, and not the last, says where to go on', () => {
    const { err } = asPeople({ items: [], next: 20_000 })
    expect(err).toBe('gatehouse: there are more: --after 20000 goes on\n')
  })

  it('with a list names whom it is about', () => {
    const items = [
      { account: { id: 'A1', name: 'ORDERS' }, user: { id: 'u1', name: 'alice' }, failures: 5 },
      { account: { id: 'A2', name: 'PAYMENTS' }, user: { id: 'u2', name: 'bob' }, failures: 6 },
    ]
    const lines = ['ACCOUNT   USER   FAILURES', 'ORDERS    alice  5', 'PAYMENTS  bob    6', '']
    expect(asPeople({ items }).out).toBe(lines.join('\n'))
  })

  it.each(['token', 'creds', 'activation'])('with a %s has nothing else on standard output', (name) => {
    const { out, err } = asPeople({ [name]: 'SECRET', user: 'u1', revision: 3, events: [{}] })
    expect(out).toBe('SECRET\n')
    expect(err).toBe(`gatehouse: the ${name} is shown this once, user u1\n`)
    expect(asPeople({ [name]: 'LINES\n' }).out).toBe('LINES\n')
  })

  it('with tokens that were made together has a line each, and nothing else', () => {
    const [one, two] = [
      { credential: 'C1', token: 'ONE' },
      { credential: 'C3', token: 'TWO' },
    ]
    const reply = { user: 'u1', credentials: ['C1', 'C2', 'C3'], revision: 3, events: [{}] }
    expect(asPeople({ ...reply, tokens: [one, two] })).toEqual({
      out: 'ONE\nTWO\n',
      err: 'gatehouse: the tokens are shown this once, user u1, credentials C1, C3\n',
    })
    expect(asPeople({ ...reply, tokens: [one] })).toEqual({
      out: 'ONE\n',
      err: 'gatehouse: the token is shown this once, user u1, credentials C1\n',
    })
  })

  it.each<Format>(['json', 'yaml'])('is whole in %s', (format) => {
    const reply = { token: 'SECRET', user: 'u1', revision: 3, events: [] }
    const { out, err } = show(reply, format, PLAIN)
    for (const word of ['SECRET', 'u1', 'revision', 'events']) expect(out).toContain(word)
    expect(err).toBe('')
    if (format === 'json') expect(JSON.parse(out)).toEqual(reply)
  })

  it('with events of the audit stream is read like a log', () => {
    const event = {
      sequence: 5,
      subject: 'auth.event.AX.user.locked',
      data: { name: 'bob', timestamp: '2026-11-21T05:16:02.123Z' },
      metadata: { actor: { account: 'AY', user: 'admin' } },
    }
    expect(asPeople({ items: [event] }).out).toBe(
      [
        'SEQUENCE  TIME               EVENT        BY     SAYS',
        '5         2026-11-21 05:16Z  user.locked  admin  name bob',
        '',
      ].join('\n'),
    )
  })

  it('with the versions of a policy says what each allowed, who made it, and when', () => {
    const version = (n: number, user: string, allow: readonly string[]): Record<string, unknown> => ({
      version: n,
      name: 'p',
      permissions: { publish: { allow, deny: ['a.b'] }, subscribe: { allow: [], deny: [] } },
      limits: n === 1 ? {} : { lifetimeSeconds: 60 },
      delegable: false,
      by: { account: 'AY', user },
      at: `2026-11-2${n}T05:16:02.123Z`,
      revision: 7,
    })
    const items = [version(1, 'bob', ['a.>']), version(2, 'ann', ['long.subject.one.>', 'long.two.>'])]
    expect(asPeople({ items }).out).toBe(
      [
        'NAME  VERSION  PUBLISH          LIMITS              BY   WHEN',
        'p     1        a.>, not a.b                         bob  2026-11-21 05:16Z',
        'p     2        allow 2, deny 1  lifetimeSeconds 60  ann  2026-11-22 05:16Z',
        '',
      ].join('\n'),
    )
  })
})

describe('a policy in words', () => {
  const allow = [
    { stream: 'ORDERS', may: ['view', 'read'] },
    { kv: 'config', may: ['read'], keys: ['a.>', 'b'], domain: 'hub' },
  ]
  const deny = [{ stream: 'S', may: ['manage'] }]

  it('has a line for each', () => {
    const permissions = { publish: {}, subscribe: { allow: ['_INBOX.>'] }, allow, deny }
    expect(asPeople({ policy: { name: 'p', version: 1, permissions } }).out).toBe(
      [
        'name                         p',
        'version                      1',
        'permissions.subscribe.allow  _INBOX.>',
        'permissions.allow            stream ORDERS may view, read',
        'permissions.allow            kv config may read keys a.>, b domain hub',
        'permissions.deny             stream S may manage',
        '',
      ].join('\n'),
    )
  })

  it('is counted in its versions where it is long', () => {
    const version = (n: number, words: object): object => ({
      version: n,
      name: 'p',
      permissions: { publish: {}, subscribe: {}, ...words },
      by: { account: 'AY', user: 'bob' },
      at: `2026-11-2${n}T05:16:02.123Z`,
    })
    expect(asPeople({ items: [version(1, { allow: deny }), version(2, { allow, deny })] }).out).toBe(
      [
        'NAME  VERSION  WORDS                BY   WHEN',
        'p     1        stream S may manage  bob  2026-11-21 05:16Z',
        'p     2        allow 2, deny 1      bob  2026-11-22 05:16Z',
        '',
      ].join('\n'),
    )
  })
})

describe('text', () => {
  it('cannot move the cursor of who looks at it', () => {
    const evil = '\u001b[2J\u202eevil\r\nname  admin'
    for (const shown of [table([{ name: evil }], ['name'], PLAIN), facts({ name: evil }, PLAIN)]) {
      expect(shown.trimEnd().split('\n').length).toBeLessThan(3)
      expect(shown).not.toMatch(/[\u001b\r\u202e]/)
    }
  })

  it.each([
    [0, 'diskBytes', '0 B'],
    [2 ** 40, 'diskBytes', '1 TiB'],
    [2 ** 50, 'diskBytes', '1024 TiB'],
    [5, 'connections', '5'],
    [true, '', 'yes'],
    ['2026-11-21', '', '2026-11-21'],
    [null, '', ''],
  ])('for %j as %s is %s', (value, name, text) => {
    expect(cell(value, name)).toBe(text)
  })
})
