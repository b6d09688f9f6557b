import { tokenAuthenticator } from '@nats-io/transport-node'
import { pino } from 'pino'
import { expect, it } from 'vitest'
import { answer, type Callout } from '../../src/callout/callout.ts'
import type { Incoming } from '../../src/callout/open.ts'
import { Replays } from '../../src/callout/replays.ts'
import { Passwords } from '../../src/keys/password.ts'
import type { SealedKey } from '../../src/keys/vault.ts'
import { serveAuthCallout } from '../../src/nats/auth-callout.ts'
import { connectService } from '../../src/nats/connection.ts'
import { KnownServers } from '../../src/nats/servers.ts'
import { createTelemetry } from '../../src/telemetry.ts'
import { eventually } from '../support/eventually.ts'
import { counted, countsOf } from '../support/counts.ts'
import { aThrottle } from '../support/throttles.ts'
import { openWorld } from '../support/world.ts'

/**
 * Nobody can send a server's request again over the bus: members of the callout account may not publish there
 * (reference A.1). So a second replica keeps what the server really sent, and is asked once more.
 */
it('a request of a real server is answered once', async () => {
  await using world = await openWorld()
  const { trust, vault, gatehouse, server, tokens } = world
  const quiet = { connected: () => undefined, disconnected: () => undefined, failed: () => undefined }
  await using connection = await connectService(server.url, trust.serviceUser, quiet)
  const telemetry = createTelemetry(pino({ level: 'silent' }), () => undefined)
  const servers = new KnownServers(connection.nc)
  const replica: Callout = {
    directory: gatehouse.directory,
    passwords: new Passwords({ concurrencyMax: 1 }),
    throttle: aThrottle(),
    sessions: { claim: () => Promise.resolve(undefined) },
    openSessions: { at: () => undefined },
    kicking: { kick: () => Promise.resolve('gone') },
    signers: {
      response: trust.calloutSigner,
      responseIssuerAccount: trust.chain.callout,
      async userSigner({ signingKeys }) {
        const sealed = await gatehouse.directory.sealed(signingKeys.at(-1)?.publicKey ?? '')
        return sealed === undefined ? undefined : vault.signer(sealed as SealedKey)
      },
    },
    xkey: trust.xkey,
    trust: {
      calloutAccount: trust.chain.callout,
      isServer: (id) => servers.isServer(id),
      replays: new Replays(),
    },
    nowMs: Date.now,
    tickMs: () => performance.now(),
    random: Math.random,
    isInTouch: () => true,
    observer: telemetry,
  }
  const captured: Incoming[] = []
  await using _serving = serveAuthCallout(connection, {
    concurrencyMax: 10,
    answer(incoming) {
      captured.push({ ...incoming, data: Uint8Array.from(incoming.data) })
      return answer(replica, incoming)
    },
    onOverload: () => telemetry.overloaded(),
    onError: (error) => telemetry.failed(error, 'callout'),
  })
  await connection.nc.flush()

  // The queue group gives each request to one of both replicas, by chance.
  const authenticator = tokenAuthenticator(tokens['alice@example.com']!)
  const request = await eventually(async () => {
    const client = await world.connect({ authenticator })
    await client.close()
    return captured[0]
  })
  const first = await countsOf(telemetry)
  expect(first.get('admitted')).toBe(captured.length)

  expect(await answer(replica, request)).toBeUndefined()
  const second = await countsOf(telemetry)
  expect(counted(first, second)).toEqual(['dropped replayed'])

  const altered = { ...request, data: request.data.map((byte, i) => (i === 60 ? byte ^ 1 : byte)) }
  expect(await answer(replica, altered)).toBeUndefined()
  expect(counted(second, await countsOf(telemetry))).toEqual(['dropped unopenable'])

  // Where memory does not reach, time does: another replica, or this one after a restart, a minute later.
  const third = await countsOf(telemetry)
  const later = {
    ...replica,
    nowMs: () => Date.now() + 60_000,
    trust: { ...replica.trust, replays: new Replays() },
  }
  expect(await answer(later, request)).toBeUndefined()
  expect(counted(third, await countsOf(telemetry))).toEqual(['dropped expired'])
})
