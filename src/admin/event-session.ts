import { count, moment, text, type EventDefinition } from './event-schema.ts'

/** What happens to connections that are open. */

const DECISION = 'UDXU4RCSJNZOIQHZNWXHXORDPRTGNJAHAHFRGZNEEJCPQTT2M7NLCNF4'
const SERVER = 'NDJWE4SOUJOJT2TY5Y2YQEOAHGAK5VIGXTGKWJSFHVCII4ITI3LBHBUV'
const ACCOUNT = 'ABJHLOVMPA4CI6R5KLNGOB4GSLNIY7IOUPAJC4YFNDLQVIOBYQGUWVLA'

export const sessionEvents = {
  'session.kicked': {
    when: 'A connection was ended, because what it was let in with does not hold any more, or by command.',
    data: {
      sessionId: text('The server and the number of the connection there.'),
      userId: text('The id of the user.'),
      name: text('Its name.'),
      accountId: text('The A… key of its account.'),
      credentialId: text('What it proved itself with, where that is known.').optional(),
      decisionId: text('Of the decision that let it in, where that is known.').optional(),
      reason: text('A reason of docs/decision.md, `grant_changed`, or `command`.'),
      detail: text('What it was about, for people.').optional(),
      since: moment('When it was let in.'),
      ip: text('Where the client came from.').optional(),
      count: count('How many like it this one stands for. Absent: one.').optional(),
    },
    example: {
      sessionId: `${SERVER}.42`,
      userId: '01K9ZC3B1W7X1V9N3KJ3W5Y6ZQ',
      name: 'alice@example.com',
      accountId: ACCOUNT,
      credentialId: '01K9ZC6WDCB1QZ1MV3Y8Q8Y1M5',
      decisionId: DECISION,
      reason: 'user_locked',
      detail: 'alice@example.com',
      since: '2027-01-31T09:30:00.000Z',
      ip: '10.1.2.3',
    },
  },
  'session.reexamined': {
    when: 'A command changed what connections that are open were let in with, and they have been seen to.',
    data: {
      affected: count('Connections that had to end.'),
      kicked: count('Of these, how many have ended.'),
      left: count('Those that are still there: their server does not answer, or their replica has gone.'),
      tookMs: count('From the commit to the last of them, in milliseconds.'),
    },
    example: { affected: 120, kicked: 120, left: 0, tookMs: 640 },
  },
} satisfies Readonly<Record<string, EventDefinition>>
