import { fmtCreds, parseCreds } from '@nats-io/jwt'
import { createAccount, createUser } from '@nats-io/nkeys'
import { expect, it } from 'vitest'
import { formatCreds, readCreds } from '../../src/jwt/creds.ts'
import { encode } from '../../src/jwt/token.ts'
import { buildUser } from '../../src/jwt/user.ts'
import { Vault } from '../../src/keys/vault.ts'
import { JWTS, NKEYS, refusal } from '../keys/oracle.ts'
import { fresh, NOW } from './world.ts'

const vault = new Vault(new Uint8Array(32).fill(3))
const account = fresh('account')

it('are written for the reference library and read again', async () => {
  const key = vault.generate('user')
  const jwt = encode(buildUser({ publicKey: key.publicKey, name: 'alice', issuedAt: NOW }, {}), account)
  const text = formatCreds(jwt, key, vault)
  const parsed = await parseCreds(Buffer.from(text))
  expect(parsed).toMatchObject({ jwt, aid: account.publicKey, uc: { sub: key.publicKey } })
  expect(fmtCreds(jwt, createUser()).length).toBeLessThan(text.length) // Go closes with a line of stars, JavaScript does not.
  const read = readCreds(text, vault)
  expect(read).toMatchObject({ jwt, claims: { name: 'alice' }, key: { publicKey: key.publicKey } })
  const bytes = Buffer.from('x')
  expect(vault.signer(read.key).sign(bytes)).toEqual(vault.signer(key).sign(bytes))
})

it('of the reference library are read', () => {
  expect(readCreds(JWTS.creds, vault)).toMatchObject({ jwt: JWTS.tokens['user'], claims: { name: 'alice' } })
})

it('are refused for a JWT of somebody else, or of no user, or that is none', () => {
  const jwt = JWTS.tokens['user']!
  const operator = JWTS.tokens['operator']!
  refusal(() => formatCreds(jwt, vault.generate('user'), vault), 'invalid_token')
  refusal(() => formatCreds(operator, vault.generate('user'), vault), 'invalid_token')
  refusal(() => readCreds(JWTS.creds.replace(jwt, operator), vault), 'invalid_token')
  refusal(() => readCreds(JWTS.creds.replace(jwt, 'x.y.z'), vault), 'invalid_token')
  const stranger = Buffer.from(createUser().getSeed()).toString()
  const seed = NKEYS.keys.find(({ kind }) => kind === 'user')!.seed
  expect(
    refusal(() => readCreds(JWTS.creds.replace(seed, stranger), vault), 'invalid_token').message,
  ).not.toContain(stranger)
  refusal(
    () => readCreds(JWTS.creds.replace(seed, Buffer.from(createAccount().getSeed()).toString()), vault),
    'invalid_key',
  )
})
