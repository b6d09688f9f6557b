import { describe, expect, it } from 'vitest'
import { createToken } from '../../src/keys/token.ts'
import { admit } from '../../src/callout/admit.ts'
import { identify, type Offer } from '../../src/callout/identify.ts'
import { Drop } from '../../src/callout/reason.ts'
import type {
  AuthorizationRequestClaims,
  ClientInformation,
  ConnectOptions,
  UserPermissionLimits,
} from '../../src/jwt/claims.ts'
import { buildAccount } from '../../src/jwt/account.ts'
import { encode } from '../../src/jwt/token.ts'
import { buildUser } from '../../src/jwt/user.ts'
import { createKeyPair } from '../../src/keys/key-pair.ts'
import { signerOf } from '../../src/keys/signer.ts'
import { askingServer } from '../support/requests.ts'

const server = askingServer({ account: createKeyPair('account').publicKey })
const signed = (claims: ReturnType<typeof server.claims>): AuthorizationRequestClaims => ({
  ...claims,
  iss: server.id,
  jti: '',
})

const token: Offer = { kind: 'token', token: 'gh_t' }
const password: Offer = { kind: 'password', user: 'alice', password: 'secret' }
const nkey: Offer = { kind: 'nkey', publicKey: 'U1', nonce: 'n', signature: 's' }

const bearer = createToken()

const account = signerOf(createKeyPair('account'))
const holder = createKeyPair('user').publicKey
/** A user JWT, as a creds file has one. */
const userJwt = (may: UserPermissionLimits = {}, signer = account): string =>
  encode(buildUser({ publicKey: holder, name: 'alice', issuedAt: 1 }, may), signer)
const byCreds: Offer = { kind: 'nkey', publicKey: holder, nonce: 'n', signature: 's' }

describe('a client offers', () => {
  it.each<
    [what: string, connect: Partial<ConnectOptions>, client: Partial<ClientInformation>, offers: Offer[]]
  >([
    ['nothing', {}, {}, []],
    ['a token', { auth_token: 'gh_t' }, {}, [token]],
    ['user and password', { user: 'alice', pass: 'secret' }, {}, [password]],
    ['an nkey that signed the nonce', { nkey: 'U1', sig: 's' }, { nonce: 'n' }, [nkey]],
    [
      'all three: a token first, an nkey last',
      { nkey: 'U1', sig: 's', user: 'alice', pass: 'secret', auth_token: 'gh_t' },
      { nonce: 'n' },
      [token, password, nkey],
    ],
    [
      'its MQTT password, which is a token and a password',
      { user: 'alice', pass: 'secret', auth_token: 'secret' },
      { type: 'mqtt' },
      [{ kind: 'token', token: 'secret' }, password],
    ],
    ['only a user', { user: 'alice' }, {}, []],
    ['its token as a user', { user: bearer }, {}, [{ kind: 'token', token: bearer }]],
    ['only a password', { pass: 'secret' }, {}, []],
    ['empty words', { user: '', pass: '', auth_token: '', nkey: '', sig: '' }, { nonce: '' }, []],
    ['an nkey that signed nothing', { nkey: 'U1' }, { nonce: 'n' }, []],
    ['a signature over no nonce', { nkey: 'U1', sig: 's' }, {}, []],
    ['creds whose key signed the nonce', { jwt: userJwt(), sig: 's' }, { nonce: 'n' }, [byCreds]],
    ['creds and the key they name', { jwt: userJwt(), nkey: holder, sig: 's' }, { nonce: 'n' }, [byCreds]],
    [
      'creds beside a token',
      { jwt: userJwt(), sig: 's', auth_token: 'gh_t' },
      { nonce: 'n' },
      [token, byCreds],
    ],
    ['creds that signed nothing', { jwt: userJwt() }, { nonce: 'n' }, []],
    ['creds and a signature over no nonce', { jwt: userJwt(), sig: 's' }, {}, []],
    [
      'a bearer JWT, whatever is signed',
      { jwt: userJwt({ bearer_token: true }), sig: 's' },
      { nonce: 'n' },
      [],
    ],
    [
      'the JWT of an account',
      {
        jwt: encode(buildAccount({ publicKey: account.publicKey, name: 'A', issuedAt: 1 }, {}), account),
        sig: 's',
      },
      { nonce: 'n' },
      [],
    ],
    [
      'a JWT of somebody else, such as OIDC has',
      { jwt: 'eyJhbGciOiJSUzI1NiJ9.e30.AAAA', sig: 's' },
      { nonce: 'n' },
      [],
    ],
    [
      'the sentinel and a name it claims',
      { jwt: 'eyJ', sig: 's', user: 'alice' },
      { nonce: 'n', user: 'alice' },
      [],
    ],
  ])('%s', (_, connect, client, offers) => {
    expect(identify(signed(server.claims({ connect, client })))).toEqual(offers)
  })
})

describe('a request is worth an answer', () => {
  const EXP = 1_800_000_000
  const request = { claims: signed(server.claims({ claims: { exp: EXP } })), replyTo: undefined }

  it.each([
    ['before its deadline', EXP * 1_000 - 1, true],
    ['in the second of its deadline, which was cut to whole seconds', EXP * 1_000 + 999, true],
    ['no longer when that second is over', EXP * 1_000 + 1_000, false],
    ['no longer long after', EXP * 1_000 + 3_600_000, false],
  ])('%s', (_, nowMs, worth) => {
    expect(admit(request, nowMs)).toEqual(worth ? request : new Drop('expired'))
  })

  it('never without a deadline', () => {
    const { exp: _, ...claims } = server.claims()
    expect(admit({ claims: signed(claims), replyTo: undefined }, 1_000)).toEqual(new Drop('expired'))
  })
})
