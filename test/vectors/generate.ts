/**
 * Golden vectors, made by the reference libraries alone. TEST VECTORS: every seed is a fixed byte pattern that
 * anybody can read here; none of these keys may ever be trusted.
 *
 * test/keys/vectors.test.ts makes them anew and compares them with the checked-in files. To write the files, on a
 * Node that runs TypeScript: `node test/vectors/generate.ts`.
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  encodeAccount,
  encodeActivation,
  encodeAuthorizationResponse,
  encodeGeneric,
  encodeOperator,
  encodeUser,
  fmtCreds,
} from '@nats-io/jwt'
import { fromCurveSeed, fromSeed, Prefix, type KeyPair } from '@nats-io/nkeys'
import codec from '@nats-io/nkeys/lib/codec.js'

const ISSUED_AT = 1_700_000_000
const LABEL = 'TEST VECTORS: fixed seeds, never to be trusted'
const KINDS = [
  ['operator', Prefix.Operator, 0x01],
  ['account', Prefix.Account, 0x02],
  ['user', Prefix.User, 0x03],
  ['server', Prefix.Server, 0x04],
  ['cluster', Prefix.Cluster, 0x05],
] as const

/** Every file of vectors by its name. The same on every run. */
export async function vectors(): Promise<Record<string, object>> {
  const now = Date.now
  Date.now = () => ISSUED_AT * 1_000 // The reference encoder asks the clock itself.
  try {
    return { 'nkeys.json': nkeys(), 'xkeys.json': xkeys(), 'jwts.json': await jwts() }
  } finally {
    Date.now = now
  }
}

function seedText(prefix: Prefix, byte: number): Uint8Array {
  return codec.Codec.encodeSeed(prefix, new Uint8Array(32).fill(byte))
}

function nkeys(): object {
  const message = 'gatehouse test vector'
  const keys = KINDS.map(([kind, prefix, byte]) => {
    const seed = seedText(prefix, byte)
    const pair = fromSeed(seed)
    const signature = Buffer.from(pair.sign(Buffer.from(message))).toString('base64url')
    return { kind, raw: byte, seed: text(seed), publicKey: pair.getPublicKey(), signature }
  })
  return { label: LABEL, message, keys }
}

function curve(byte: number): { readonly seed: string; readonly pair: KeyPair } {
  const seed = seedText(Prefix.Curve, byte)
  return { seed: text(seed), pair: fromCurveSeed(seed) }
}

function xkeys(): object {
  const sender = curve(0x06)
  const recipient = curve(0x07)
  const boxes = ['', 'x', 'gatehouse test vector', 'long '.repeat(200)].map((plaintext, i) => {
    const box = sender.pair.seal(Buffer.from(plaintext), recipient.pair.getPublicKey(), new Uint8Array(24).fill(i))
    return { plaintext, nonce: i, box: Buffer.from(box).toString('base64url') }
  })
  const [from, to] = [sender, recipient].map(({ seed, pair }) => ({ seed, publicKey: pair.getPublicKey() }))
  return { label: LABEL, sender: from, recipient: to, boxes }
}

async function jwts(): Promise<object> {
  const [operator, account, user, server] = KINDS.map(([, prefix, byte]) => fromSeed(seedText(prefix, byte)))
  if (!operator || !account || !user || !server) throw new Error('a kind of key is missing')
  const signing = fromSeed(seedText(Prefix.Account, 0x08))
  const operatorSigning = fromSeed(seedText(Prefix.Operator, 0x09))
  const userJwt = await encodeUser(
    'alice',
    user,
    account,
    { pub: { allow: ['orders.>'], deny: ['orders.admin.>'] }, sub: { allow: ['_INBOX.>', 'jobs.* workers'] } },
    { signer: signing, exp: ISSUED_AT + 3_600 },
  )
  const tokens = {
    operator: await encodeOperator('OP', operator, {
      signing_keys: [operatorSigning.getPublicKey()],
      system_account: account.getPublicKey(),
    }),
    account: await encodeAccount(
      'APP',
      account,
      {
        limits: { conn: -1, subs: -1, imports: -1, exports: -1, wildcards: true },
        signing_keys: [signing.getPublicKey()],
        exports: [{ name: 'q', subject: 'q.*', type: 'service', account_token_position: 2 }],
      },
      { signer: operatorSigning },
    ),
    user: userJwt,
    activation: await encodeActivation('q', account, account, 'service', { subject: 'q.*' }, { signer: signing }),
    authorization_response: await encodeAuthorizationResponse(user, server, account, { jwt: userJwt }, {}),
    generic: await encodeGeneric('g', operator, 'custom', { accounts: [account.getPublicKey()] }),
  }
  return { label: LABEL, issuedAt: ISSUED_AT, tokens, creds: text(fmtCreds(userJwt, user)) }
}

function text(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('latin1')
}

if (process.argv[1] === import.meta.filename) {
  for (const [name, content] of Object.entries(await vectors())) {
    writeFileSync(join(import.meta.dirname, name), `${JSON.stringify(content, undefined, 2)}\n`)
  }
}
