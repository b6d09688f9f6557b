import { describe, expect, it } from 'vitest'
import { compile } from '../../src/callout/compile.ts'
import type { Standing } from '../../src/callout/eligible.ts'
import { Denial } from '../../src/callout/reason.ts'
import { anAccount, aPolicy, aToken, aUser } from '../support/requests.ts'

function aStanding(): Standing {
  const account = anAccount()
  return {
    account,
    user: aUser({ account: account.id, metadata: { region: 'eu' } }),
    credential: aToken('gh_t'),
    policies: [
      aPolicy({ pub: { allow: ['r.{{user.metadata.region}}', '{{account.name}}.>'] } }),
      aPolicy({}),
    ],
    boundary: undefined,
  }
}

describe('a grant is compiled', () => {
  it('once for the same records, though by another credential', () => {
    const standing = aStanding()
    const grant = compile(standing)
    expect(grant).toMatchObject({ publish: { allow: ['ORDERS.>', 'r.eu'] } })
    const again: Standing = { ...standing, policies: [...standing.policies], credential: aToken('gh_u') }
    expect(compile(again)).toBe(grant)
  })

  it('anew when a policy was replaced, added or taken away', () => {
    const standing = aStanding()
    const before = compile(standing)
    const [first, second] = standing.policies
    const wider = { ...first!, version: 2, permissions: aPolicy({ pub: { allow: ['>'] } }).permissions }
    const after = compile({ ...standing, policies: [wider, second!] })
    expect(after).not.toBe(before)
    expect(after).toMatchObject({ publish: { allow: ['>'] } })
    expect(compile({ ...standing, policies: [first!] })).toMatchObject({ policies: [{ version: 1 }] })
    expect(compile({ ...standing, policies: [first!, second!, wider] })).toMatchObject({
      publish: { allow: ['>'] },
    })
    expect(compile(standing)).toEqual(before)
  })

  it('anew when the boundary was set, replaced or taken away', () => {
    const standing = aStanding()
    const free = compile(standing)
    const within = (allow: string[]) => ({ ...standing, boundary: aPolicy({ pub: { allow } }) })
    expect(compile(within(['r.>']))).toMatchObject({ publish: { allow: ['r.eu'] } })
    expect(compile(within(['ORDERS.x']))).toMatchObject({ publish: { allow: ['ORDERS.x'] } })
    expect(compile(standing)).toEqual(free)
  })

  it('anew when the account was replaced', () => {
    const standing = aStanding()
    compile(standing)
    expect(compile({ ...standing, account: { ...standing.account, name: 'SHOP' } })).toMatchObject({
      publish: { allow: ['SHOP.>', 'r.eu'] },
    })
  })

  it('anew when the user was replaced', () => {
    const standing = aStanding()
    compile(standing)
    expect(compile({ ...standing, user: { ...standing.user, metadata: { region: 'us' } } })).toMatchObject({
      publish: { allow: ['ORDERS.>', 'r.us'] },
    })
  })

  it('not at all for want of a value, and says for which; with it, it is', () => {
    const standing = aStanding()
    const nowhere = { ...standing, user: { ...standing.user, metadata: {} } }
    const denial = new Denial('template_value_missing', '{{user.metadata.region}} of policy developer')
    expect(compile(nowhere)).toEqual(denial)
    expect(compile(nowhere)).toEqual(denial)
    expect(compile(standing)).toMatchObject({ publish: { allow: ['ORDERS.>', 'r.eu'] } })
  })

  it('not at all where it crosses its boundary too often, and says so', () => {
    const standing = aStanding()
    const [policy] = standing.policies
    const crossing = (id: string, entry: (n: number) => string) => {
      const allow = Array.from({ length: 100 }, (_, n) => entry(n))
      const publish = { allow, deny: [] }
      return { ...policy!, id, permissions: { publish, subscribe: { allow: [], deny: [] } } }
    }
    const policies = [crossing('rows', (n) => `*.a${n}.>`)]
    const boundary = crossing('columns', (n) => `x${n}.*.>`)
    expect(compile({ ...standing, policies, boundary })).toEqual(
      new Denial('grant_too_large', 'more than 4096 subjects within the boundary'),
    )
  })
})
