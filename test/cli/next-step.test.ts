import { describe, expect, it } from 'vitest'
import { nextStep } from '../../src/cli/next-step.ts'
import { GatehouseError, type ErrorCode } from '../../src/errors.ts'
import { ClientFailure } from '../../src/nats/client.ts'

const ALICE = { account: 'ORDERS', user: 'alice@example.com' }

describe('what to do next', () => {
  it.each<[ErrorCode, string, string, Readonly<Record<string, string>>, string | undefined]>([
    [
      'not_found',
      'there is no user "x" in account "A B"',
      'user.get',
      ALICE,
      "gatehouse user list 'A B' shows which there are",
    ],
    [
      'not_found',
      'there is no policy "x"',
      'user.create',
      ALICE,
      'gatehouse policy list shows which there are',
    ],
    [
      'not_found',
      'there is no credential "c"',
      'user.revoke-credential',
      ALICE,
      'gatehouse user get ORDERS alice@example.com shows its credentials',
    ],
    [
      'not_found',
      'the operator has no signing key OABC',
      'operator.revoke-signing-key',
      { publicKey: 'OABC' },
      'gatehouse operator get shows its signing keys',
    ],
    ['not_found', 'there is no operator yet', 'operator.get', {}, undefined],
    [
      'not_found',
      'policy "p" has no version 9: see policy.history',
      'policy.rollback',
      { policy: 'p', account: 'ORDERS' },
      'gatehouse policy history p --account ORDERS shows which there are',
    ],
    [
      'already_exists',
      'the name "bob" is taken',
      'user.create',
      { account: 'ORDERS', name: 'bob' },
      'gatehouse user get ORDERS bob shows what has the name',
    ],
    [
      'already_exists',
      'the name "A" is taken',
      'account.create',
      { name: 'A' },
      'gatehouse account get A shows what has the name',
    ],
    [
      'already_exists',
      'the name "q" is taken',
      'policy.rename',
      { policy: 'p', name: 'q' },
      'gatehouse policy get q shows what has the name',
    ],
    [
      'already_exists',
      'the name "clerk" is taken',
      'role.create',
      { name: 'clerk', account: 'ORDERS' },
      'gatehouse role list --account ORDERS shows what has the name',
    ],
    ['already_exists', 'the credential belongs to another user', 'user.update-credentials', ALICE, undefined],
    [
      'revision_conflict',
      'it is at revision 5, not 1',
      'user.lock',
      ALICE,
      'gatehouse user get ORDERS alice@example.com shows what it is now; then say --if-revision 5',
    ],
    [
      'revision_conflict',
      'it is at revision 5, not 1',
      'operator.set-description',
      {},
      'gatehouse operator get shows what it is now; then say --if-revision 5',
    ],
    [
      'revision_conflict',
      'it is at revision 5, not 1',
      'user.lock',
      {},
      'gatehouse user get ACCOUNT USER shows what it is now; then say --if-revision 5',
    ],
    ['forbidden', 'no', 'whoami', {}, undefined],
    ['forbidden', 'no', 'user.get', ALICE, 'gatehouse whoami shows who you are and what you may do'],
  ])('after %s (%s) of %s %j is %s', (...[code, message, asked, names, step]) => {
    const faults = code === 'revision_conflict' ? [{ where: '--if-revision', rule: 'is at revision 5' }] : []
    expect(nextStep(new GatehouseError(code, message, { faults }), { asked, names })).toBe(step)
  })

  it('after a command id that was another’s is another', () => {
    const faults = [{ where: '--command-id', rule: 'must be one that no other command had' }]
    const error = new GatehouseError('already_exists', 'command "c" was something else', { faults })
    expect(nextStep(error, { asked: 'user.create', names: ALICE })).toBe('say another --command-id, or none')
  })

  it.each([
    ['not let in', 'token', /file that has the token.* user issue-token/],
    ['not let in', 'creds', /creds file.* user issue-token/],
    ['not let in', 'password', /password file.* user update-credentials/],
    ['not let in', 'none', /--token-file/],
    ['no server', 'token', /is it running\?.*--server or --context/],
    ['no service', 'token', /start it.*--server or --context/],
    ['late', 'token', /is it running\?.*--timeout/],
    ['not permitted', 'token', /gatehouse whoami/],
    ['not heard', 'token', /--inbox-prefix.*GATEHOUSE_INBOX_PREFIX.*gatehouse user get/],
  ] as const)('after %s with %s says what is near', (trouble, proof, step) => {
    expect(nextStep(new ClientFailure({ trouble, proof }, 'x'), { asked: 'user.get' })).toMatch(step)
  })
})
