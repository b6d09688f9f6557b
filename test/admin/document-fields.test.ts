import { describe, expect, it } from 'vitest'
import { account, faults, policy } from './declared.ts'

const DURATION = 'must be a duration such as 90s, 2m, 1h30m or 7d'
const SIZE = 'must be a number of bytes or a size such as 64KiB, 512MiB or 1GiB'
const TIME = 'must be a time of day such as 08:00 or 17:30:00'
const NETWORK = 'must be a network such as 10.0.0.0/8 or fd00::/8'
const UNKNOWN = 'is not a field that is known here'

describe('a field that breaks a rule is told with its place and what was expected', () => {
  it.each<[string, string, string[]]>([
    // What it is at all.
    ['a list', '- kind: policy\n', ['a.yaml:1:1: must be a map of fields, not a list']],
    ['text', 'policy\n', ['a.yaml:1:1: must be a map of fields, not text']],
    ['no kind', 'name: p\n', ['a.yaml:1:1 kind: is missing: must be operator, account, policy or role']],
    ['another kind', 'name: p\nkind: user\n', ['a.yaml:2:1 kind: must be operator, account, policy or role']],
    ['a kind that is no text', 'kind: 5\n', ['a.yaml:1:1 kind: must be operator, account, policy or role']],
    ['no name', 'kind: policy\n', ['a.yaml:1:1 name: is missing: must be text']],
    // Names.
    [
      'a number as name',
      'kind: policy\nname: 12\n',
      ['a.yaml:2:1 name: must be text, not a number (put it in quotes)'],
    ],
    ['nothing as name', 'kind: policy\nname:\n', ['a.yaml:2:1 name: must be text, not nothing (null)']],
    [
      'a space in a name',
      'kind: policy\nname: a b\n',
      ['a.yaml:2:1 name: must not contain spaces or control characters'],
    ],
    [
      'an nkey as name',
      `kind: policy\nname: U${'A'.repeat(55)}\n`,
      ['a.yaml:2:1 name: must not look like an nkey'],
    ],
    // Fields nobody knows.
    ['an unknown field', policy('publsh: {}\n'), [`a.yaml:3:1 publsh: ${UNKNOWN}`]],
    [
      '__proto__ where names are free',
      account('metadata: { a: b, __proto__: c }\n'),
      ['a.yaml:3:19 metadata.__proto__: is no name for a field here'],
    ],
    ['__proto__', policy('__proto__: {}\n'), [`a.yaml:3:1 __proto__: ${UNKNOWN}`]],
    [
      'unknown fields below, and what else is wrong there',
      account('users:\n  - name: u\n    policy: [x]\n    policies: x\n'),
      ['a.yaml:6:5 users[0].policies: must be a list, not text', `a.yaml:5:5 users[0].policy: ${UNKNOWN}`],
    ],
    // Subjects.
    [
      'an empty token',
      policy('publish:\n  allow: [a, b..c]\n'),
      ['a.yaml:4:14 publish.allow[1]: must not contain empty tokens'],
    ],
    [
      '> in the middle',
      policy('publish: { deny: [a.>.b] }\n'),
      ['a.yaml:3:19 publish.deny[0]: ">" may only be the last token'],
    ],
    [
      'a queue group to publish',
      policy('publish: { allow: [a b] }\n'),
      ['a.yaml:3:20 publish.allow[0]: must not contain spaces or control characters'],
    ],
    [
      'two queue groups',
      policy('subscribe: { allow: [a b c] }\n'),
      ['a.yaml:3:22 subscribe.allow[0]: queue group must not contain spaces or control characters'],
    ],
    [
      'an unknown variable',
      policy('publish: { allow: ["a.{{user.nme}}"] }\n'),
      [
        'a.yaml:3:20 publish.allow[0]: unknown variable "{{user.nme}}": use user.id, user.name, account.id, account.name or user.metadata.KEY',
      ],
    ],
    [
      'a number as subject',
      policy('subscribe: { allow: [5] }\n'),
      ['a.yaml:3:22 subscribe.allow[0]: must be text or a map of fields, not a number'],
    ],
    [
      'a subject without its queue',
      policy('subscribe: { allow: [{ subject: a }] }\n'),
      ['a.yaml:3:22 subscribe.allow[0].queue: is missing: must be text'],
    ],
    [
      'two faults of one entry',
      policy('subscribe: { allow: [{ subject: a..b, queue: 5, x: 1 }] }\n'),
      [
        'a.yaml:3:24 subscribe.allow[0].subject: must not contain empty tokens',
        'a.yaml:3:39 subscribe.allow[0].queue: must be text, not a number (put it in quotes)',
        `a.yaml:3:49 subscribe.allow[0].x: ${UNKNOWN}`,
      ],
    ],
    [
      'a subject that is no list',
      policy('publish: { allow: orders.> }\n'),
      ['a.yaml:3:12 publish.allow: must be a list, not text'],
    ],
    [
      'nothing where rules are',
      policy('publish:\n'),
      ['a.yaml:3:1 publish: must be a map of fields, not nothing (null)'],
    ],
    // Limits.
    [
      'a duration without unit',
      policy('limits: { lifetime: 90 }\n'),
      [`a.yaml:3:11 limits.lifetime: ${DURATION}`],
    ],
    [
      'a duration of words',
      policy('limits: { lifetime: "1 hour" }\n'),
      [`a.yaml:3:11 limits.lifetime: ${DURATION}`],
    ],
    [
      'a negative duration',
      policy('limits: { lifetime: -1h }\n'),
      [`a.yaml:3:11 limits.lifetime: ${DURATION}`],
    ],
    [
      'a duration too short',
      policy('limits: { lifetime: 999ms }\n'),
      ['a.yaml:3:11 limits.lifetime: must be at least 1s'],
    ],
    [
      'a duration too long',
      policy('limits: { lifetime: 3651d }\n'),
      ['a.yaml:3:11 limits.lifetime: must be at most 3650d'],
    ],
    [
      'a network with host bits',
      policy('limits: { sources: [10.0.0.1/8] }\n'),
      ['a.yaml:3:21 limits.sources[0]: must not have host bits set'],
    ],
    [
      'a network of IPv6 with host bits',
      policy('limits: { sources: ["fd00::1/64"] }\n'),
      ['a.yaml:3:21 limits.sources[0]: must not have host bits set'],
    ],
    [
      'an address alone',
      policy('limits: { sources: [10.0.0.1] }\n'),
      [`a.yaml:3:21 limits.sources[0]: ${NETWORK}`],
    ],
    [
      'bits too many',
      policy('limits: { sources: [10.0.0.0/33] }\n'),
      ['a.yaml:3:21 limits.sources[0]: must have at most 32 bits'],
    ],
    [
      'a network with a zone',
      policy('limits: { sources: ["fe80::1%eth0/64", fe80::%1/64] }\n'),
      [`a.yaml:3:21 limits.sources[0]: ${NETWORK}`, `a.yaml:3:40 limits.sources[1]: ${NETWORK}`],
    ],
    [
      'bits with a leading zero',
      policy('limits: { sources: [10.0.0.0/08, "fd00::/008"] }\n'),
      [`a.yaml:3:21 limits.sources[0]: ${NETWORK}`, `a.yaml:3:34 limits.sources[1]: ${NETWORK}`],
    ],
    ['no network', policy('limits: { sources: [] }\n'), ['a.yaml:3:11 limits.sources: must not be empty']],
    [
      'one of two connection types that a request does not tell apart',
      policy('limits: { connectionTypes: [MQTT] }\n'),
      [
        'a.yaml:3:11 limits.connectionTypes: must name MQTT and MQTT_WS together, and LEAFNODE and LEAFNODE_WS: a request does not tell them apart',
      ],
    ],
    [
      'an unknown connection type',
      policy('limits: { connectionTypes: [TELNET] }\n'),
      [
        'a.yaml:3:29 limits.connectionTypes[0]: must be STANDARD, WEBSOCKET, LEAFNODE, LEAFNODE_WS, MQTT, MQTT_WS or IN_PROCESS',
      ],
    ],
    [
      'a lifetime of a reply too many',
      policy('responses: { max: 0, ttl: soon }\n'),
      ['a.yaml:3:14 responses.max: must be at least 1', `a.yaml:3:22 responses.ttl: ${DURATION}`],
    ],
    [
      'a window without a zone',
      policy('limits: { windows: [{ start: 08:00, end: 18:00 }] }\n'),
      ['a.yaml:3:21 limits.windows[0].zone: is missing: must be text'],
    ],
    [
      'a zone that nobody knows',
      policy('limits: { windows: [{ zone: +02:00, start: 08:00, end: 18:00 }] }\n'),
      ['a.yaml:3:23 limits.windows[0].zone: must be the name of a time zone such as Europe/Berlin or UTC'],
    ],
    [
      'a window without a length',
      policy('limits: { windows: [{ zone: UTC, start: 08:00, end: "08:00:00" }] }\n'),
      ['a.yaml:3:48 limits.windows[0].end: must be another time than the start'],
    ],
    [
      'times that are no times',
      policy('limits: { windows: [{ zone: UTC, start: 8, end: 24:00, days: [monday] }, {}] }\n'),
      [
        `a.yaml:3:34 limits.windows[0].start: ${TIME}`,
        `a.yaml:3:44 limits.windows[0].end: ${TIME}`,
        'a.yaml:3:63 limits.windows[0].days[0]: must be sun, mon, tue, wed, thu, fri or sat',
        'a.yaml:3:74 limits.windows[1].zone: is missing: must be text',
        `a.yaml:3:74 limits.windows[1].start: ${TIME}`,
        `a.yaml:3:74 limits.windows[1].end: ${TIME}`,
      ],
    ],
    ['no window', policy('limits: { windows: [] }\n'), ['a.yaml:3:11 limits.windows: must not be empty']],
    [
      'no connection',
      policy('limits: { sessions: 0 }\n'),
      ['a.yaml:3:11 limits.sessions: must be at least 1'],
    ],
    [
      'the words of a user JWT',
      policy('limits: { src: [10.0.0.0/8], times: [] }\n'),
      [
        'a.yaml:3:11 limits.src: is not a field that is known here',
        'a.yaml:3:30 limits.times: is not a field that is known here',
      ],
    ],
    [
      'limits nobody enforces',
      policy('limits:\n  subscriptions: 5\n  payload: 1KiB\n  dataRate: 1\n  data: 1\n'),
      [
        'a.yaml:4:3 limits.subscriptions: nats-server does not enforce this per user: set limits.subscriptions of the account',
        'a.yaml:5:3 limits.payload: nats-server does not enforce this per user: set limits.payload of the account',
        'a.yaml:6:3 limits.dataRate: nats-server enforces no data rate: leave it out',
        'a.yaml:7:3 limits.data: nats-server enforces no data rate: leave it out',
      ],
    ],
    ['a size in MB', account('limits: { payload: 1MB }\n'), [`a.yaml:3:11 limits.payload: ${SIZE}`]],
    [
      'a size that is no size',
      account('limits: { payload: true, jetstream: { disk: 1.5 } }\n'),
      [`a.yaml:3:11 limits.payload: ${SIZE}`, `a.yaml:3:39 limits.jetstream.disk: ${SIZE}`],
    ],
    [
      'a negative count',
      account('limits: { connections: -1 }\n'),
      ['a.yaml:3:11 limits.connections: must be at least 0'],
    ],
    [
      'half a count',
      account('limits: { connections: 0.5 }\n'),
      ['a.yaml:3:11 limits.connections: must be a whole number'],
    ],
    // Metadata.
    [
      'metadata that is no text',
      account('metadata: { level: 3, on: true }\n'),
      [
        'a.yaml:3:13 metadata.level: must be text, not a number (put it in quotes)',
        'a.yaml:3:23 metadata.on: must be text, not true or false (put it in quotes)',
      ],
    ],
    [
      'a metadata key with a dot',
      account('metadata: { a.b: c }\n'),
      ['a.yaml:3:13 metadata.a.b: must be letters, digits, _ or -'],
    ],
    [
      'metadata that is long',
      account(`metadata: { a: ${'x'.repeat(1_025)} }\n`),
      ['a.yaml:3:13 metadata.a: must have at most 1024 characters'],
    ],
  ])('%s', (_, text, expected) => {
    expect(faults(text)).toEqual(expected)
  })
})
