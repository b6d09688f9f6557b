import { encodeAuthorizationResponse } from '@nats-io/jwt'
import { createAccount, createServer, createUser } from '@nats-io/nkeys'
import { describe, expect, it } from 'vitest'
import {
  AUTHORIZATION_REQUEST_AUDIENCE,
  buildAdmission,
  buildRefusal,
  validateAuthorizationRequest,
  validateAuthorizationResponse,
} from '../../src/jwt/authorization.ts'
import type {
  AuthorizationRequestClaims,
  AuthorizationResponseClaims,
  Unsigned,
} from '../../src/jwt/claims.ts'
import { decode, encode } from '../../src/jwt/token.ts'
import { fresh, NOW, places, publicKey } from './world.ts'

const to = { userNkey: publicKey('user'), serverId: publicKey('server'), issuedAt: NOW }

describe('a response', () => {
  it('is built to admit or to refuse, and valid', () => {
    const admission = buildAdmission({ ...to, issuerAccount: publicKey('account') }, 'jwt')
    const refusal = buildRefusal(to, 'bad password')
    expect([validateAuthorizationResponse(admission), validateAuthorizationResponse(refusal)]).toEqual([
      [],
      [],
    ])
    expect(admission.nats.jwt).toBe('jwt')
    expect(refusal).toEqual({
      sub: to.userNkey,
      aud: to.serverId,
      iat: NOW,
      nats: { error: 'bad password', type: 'authorization_response', version: 2 },
    })
    expect(decode(encode(refusal, fresh('account'))).claims).toMatchObject(refusal)
  })

  it('of the reference library is valid', async () => {
    const theirs = await encodeAuthorizationResponse(
      createUser(),
      createServer(),
      createAccount(),
      { error: 'no' },
      {},
    )
    expect(validateAuthorizationResponse(decode(theirs).claims as AuthorizationResponseClaims)).toEqual([])
  })

  it('is refused for every field that is wrong', () => {
    const claims = buildRefusal({ userNkey: 'x', serverId: 'y', issuerAccount: 'z', issuedAt: NOW }, '')
    expect(places(validateAuthorizationResponse(claims))).toEqual([
      'sub',
      'aud',
      'nats.issuer_account',
      'nats',
    ])
    const both = buildAdmission(to, 'jwt')
    expect(places(validateAuthorizationResponse({ ...both, nats: { ...both.nats, error: 'no' } }))).toEqual([
      'nats',
    ])
  })
})

describe('a request', () => {
  const server = fresh('server')
  const claims: Unsigned<AuthorizationRequestClaims> = {
    aud: AUTHORIZATION_REQUEST_AUDIENCE,
    sub: publicKey('account'),
    iat: NOW,
    exp: NOW + 2,
    nats: {
      server_id: {
        name: 'S1',
        host: '0.0.0.0',
        id: server.publicKey,
        version: '2.15.1',
        xkey: publicKey('curve'),
      },
      user_nkey: to.userNkey,
      client_info: { host: '10.1.2.3', id: 9, kind: 'Client', type: 'nats' },
      connect_opts: { auth_token: 'gh_x', protocol: 1 },
      client_tls: { version: '1.3', verified_chains: [['leaf', 'ca']] },
      type: 'authorization_request',
      version: 2,
    },
  }
  const received = decode(encode(claims, server)).claims as AuthorizationRequestClaims

  it('of a server is valid', () => {
    expect(received).toMatchObject(claims)
    expect(validateAuthorizationRequest(received)).toEqual([])
  })

  it.each([
    ['another audience', { ...received, aud: 'NATS' }, ['aud']],
    ['no account', { ...received, sub: 'x' }, ['sub']],
    ['a server of another name', { ...received, iss: publicKey('server') }, ['nats.server_id.id']],
    ['no user', { ...received, nats: { ...received.nats, user_nkey: '' } }, ['nats.user_nkey']],
    [
      'an xkey that is none',
      { ...received, nats: { ...received.nats, server_id: { ...received.nats.server_id, xkey: 'X' } } },
      ['nats.server_id.xkey'],
    ],
  ])('is refused with %s', (_, wrong, expected) => {
    expect(places(validateAuthorizationRequest(wrong))).toEqual(expected)
  })
})
