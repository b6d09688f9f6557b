import { describe, expect, it } from 'vitest'
import { Drop, type DropReason } from '../../src/callout/reason.ts'
import { Replays } from '../../src/callout/replays.ts'
import { verify, type Trust } from '../../src/callout/verify.ts'
import { encode } from '../../src/jwt/token.ts'
import { buildUser } from '../../src/jwt/user.ts'
import { createKeyPair } from '../../src/keys/key-pair.ts'
import { signerOf } from '../../src/keys/signer.ts'
import { askingServer, NOW_MS, NOW_SECONDS, type Asking } from '../support/requests.ts'

const account = createKeyPair('account').publicKey
const xkey = createKeyPair('curve').publicKey
const server = askingServer({ account, xkey })
const stranger = askingServer({ account, xkey })
const { server_id } = server.claims().nats
const replyTo = server_id.xkey

function trust(facts: Partial<Trust> = {}): Trust {
  return { calloutAccount: account, isServer: (id) => id === server.id, replays: new Replays(), ...facts }
}

async function reasonOf(token: string, facts: Partial<Trust> = {}): Promise<DropReason | undefined> {
  const verified = await verify({ token, replyTo }, trust(facts), NOW_MS)
  return verified instanceof Drop ? verified.reason : undefined
}

/** The token with one character of one of its parts changed to another valid one. */
function altered(token: string, part: 0 | 2): string {
  const parts = token.split('.')
  const text = parts[part]!
  parts[part] = (text.startsWith('A') ? 'B' : 'A') + text.slice(1)
  return parts.join('.')
}

describe('a request is verified', () => {
  it('with everything it says, and where the answer goes', async () => {
    const claims = server.claims({ connect: { auth_token: 'gh_t' } })
    const verified = await verify({ token: encode(claims, server.signer), replyTo }, trust(), NOW_MS)
    expect(verified).toMatchObject({ claims: { ...claims, iss: server.id }, replyTo })
  })

  it('also of a server that the cluster has to be asked for', async () => {
    expect(await reasonOf(server.token(), { isServer: () => Promise.resolve(true) })).toBeUndefined()
  })

  it('where nobody boxes, though the server tells its curve key', async () => {
    const verified = await verify({ token: server.token(), replyTo: undefined }, trust(), NOW_MS)
    expect(verified).not.toBeInstanceOf(Drop)
  })

  it('with fields nobody knows yet', async () => {
    const nats = { ...server.claims().nats, new_in_3_0: { deep: [1] } }
    expect(await reasonOf(server.token({ nats }))).toBeUndefined()
  })
})

describe('a request is dropped', () => {
  it.each<[reason: DropReason, what: string, asking: Asking]>([
    ['wrong_audience', 'for another audience', { claims: { aud: 'NATS' } }],
    ['wrong_audience', 'for an account, as the example of ADR-26 is', { claims: { aud: account } }],
    ['wrong_account', 'for another account', { claims: { sub: createKeyPair('account').publicKey } }],
    ['malformed', 'for no account', { claims: { sub: 'nats_user_auth_request' } }],
    [
      'malformed',
      'of a server that is not its issuer',
      { nats: { server_id: stranger.claims().nats.server_id } },
    ],
    ['malformed', 'of another issuer than its server', { signer: stranger.signer }],
    [
      'malformed',
      'with a user_nkey that is no user',
      { nats: { user_nkey: createKeyPair('account').publicKey } },
    ],
    ['malformed', 'with a user_nkey that is no key', { nats: { user_nkey: 'U' } }],
    [
      'malformed',
      'with a curve key that is none',
      { nats: { server_id: { ...server_id, xkey: server.id } } },
    ],
    [
      'unopenable',
      'boxed by another key than the one it names',
      { nats: { server_id: { ...server_id, xkey } } },
    ],
    [
      'unopenable',
      'boxed, but naming no key',
      { nats: { server_id: { name: 's1', host: '0', id: server.id } } },
    ],
  ])('as %s when it is %s', async (reason, _, asking) => {
    expect(await reasonOf(server.token(asking))).toBe(reason)
  })

  it.each<[reason: DropReason, what: string, token: string]>([
    [
      'untrusted_signature',
      'its claims were altered',
      claiming(server.token(), { exp: NOW_SECONDS + 3_600 }),
    ],
    ['untrusted_signature', 'its signature was altered', altered(server.token(), 2)],
    [
      'untrusted_signature',
      'it bears the signature of another request',
      [...server.token().split('.').slice(0, 2), server.token().split('.')[2]].join('.'),
    ],
    ['malformed', 'its header was altered', altered(server.token(), 0)],
    ['malformed', 'it is empty', ''],
    ['malformed', 'it is no token', 'PING\r\n'],
    ['malformed', 'it lacks its signature', server.token().split('.').slice(0, 2).join('.')],
    ['malformed', 'it has a part too many', `${server.token()}.x`],
    ['malformed', 'it was cut short', server.token().slice(0, -100)],
    [
      'malformed',
      'it says that nobody needs to sign it',
      `${Buffer.from('{"typ":"JWT","alg":"none"}').toString('base64url')}.${server.token().split('.')[1]!}.`,
    ],
    ['malformed', 'it is a user', userToken()],
    ['untrusted_server', 'its server is none of ours', stranger.token()],
  ])('as %s when %s', async (reason, _, token) => {
    expect(await reasonOf(token)).toBe(reason)
  })

  it('as malformed when an account signed it', async () => {
    const impostor = signerOf(createKeyPair('account'))
    const content = `${server.token().split('.')[0]!}.${Buffer.from(
      JSON.stringify({ ...server.claims(), iss: impostor.publicKey }),
    ).toString('base64url')}`
    const signature = Buffer.from(impostor.sign(Buffer.from(content))).toString('base64url')
    expect(await reasonOf(`${content}.${signature}`)).toBe('malformed')
  })

  it('as replayed the second time, for as long as it could be answered', async () => {
    const { replays } = trust()
    const token = server.token()
    expect(await reasonOf(token, { replays })).toBeUndefined()
    expect(await reasonOf(token, { replays })).toBe('replayed')
    expect(await reasonOf(server.token(), { replays })).toBeUndefined()
  })

  it('as replayed though signed anew: the key of the client counts, not the text', async () => {
    const { replays } = trust()
    const claims = server.claims()
    expect(await reasonOf(encode(claims, server.signer), { replays })).toBeUndefined()
    expect(await reasonOf(encode({ ...claims, iat: claims.iat + 1 }, server.signer), { replays })).toBe(
      'replayed',
    )
  })

  it('without using up the request: what was dropped for its server may come from the right one', async () => {
    const { replays } = trust()
    const token = server.token()
    expect(await reasonOf(token, { replays, isServer: () => false })).toBe('untrusted_server')
    expect(await reasonOf(token, { replays })).toBeUndefined()
  })
})

describe('what is not ours to judge', () => {
  it('is thrown on: a cluster that cannot be asked', async () => {
    const isServer = (): Promise<boolean> => Promise.reject(new TypeError('a fault of ours'))
    await expect(verify({ token: server.token(), replyTo }, trust({ isServer }), NOW_MS)).rejects.toThrow(
      TypeError,
    )
  })

  it('is too late before anybody has looked at its signature', async () => {
    const late = server.token({ claims: { exp: NOW_SECONDS - 60 } })
    const spoilt = `${late.slice(0, -4)}AAAA`
    for (const token of [late, spoilt]) {
      expect(await verify({ token, replyTo }, trust(), NOW_MS)).toEqual(new Drop('expired'))
    }
  })
})

/** The token with other claims under the signature it had. */
function claiming(token: string, claims: object): string {
  const [header = '', body = '', signature = ''] = token.split('.')
  const said = JSON.parse(Buffer.from(body, 'base64url').toString()) as object
  return [header, Buffer.from(JSON.stringify({ ...said, ...claims })).toString('base64url'), signature].join(
    '.',
  )
}

function userToken(): string {
  const identity = { publicKey: createKeyPair('user').publicKey, name: 'alice', issuedAt: NOW_SECONDS }
  return encode(buildUser(identity, {}), signerOf(createKeyPair('account')))
}
