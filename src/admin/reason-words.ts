/** Why somebody is not let in, for people: by the code of the denial, with what to do about it. */
const WORDS: Readonly<Record<string, string>> = {
  no_credential:
    'the client offered nothing to prove itself with: give it a token, a password, an nkey or a creds file',
  unknown_credential: 'what it offered leads to nobody: it was revoked, mistyped, or is of another system',
  wrong_password: 'the user has no such password',
  wrong_signature: 'the nonce was not signed by the nkey that it named',
  ambiguous_user: 'several accounts have a user of that name: log in as ACCOUNT/NAME',
  session_of_another: 'the connection belongs to another user: connect anew',
  credential_expired: 'the time of the credential is over: issue another',
  user_locked: 'the user is locked: user.unlock lets it in again',
  user_expired: 'the time of the user is over: user.set-expiry gives it more',
  locked_out:
    'too many of its passwords were wrong: none is tried until then, or until lockout.clear; tokens and nkeys still let it in',
  source_over_budget:
    'too many clients of that source could not prove who they are: its passwords wait, tokens and nkeys do not',
  hashing_busy: 'too many passwords were being checked: the client comes again by itself',
  store_unavailable: 'the user was not in memory, and JetStream did not answer',
  operator_missing: 'there is no operator in the bucket',
  account_missing: 'the account of the user is gone',
  account_suspended: 'the account is suspended: account.reactivate ends that',
  account_expired: 'the time of the account is over: account.set-expiry gives it more',
  account_reserved: 'nobody but Gatehouse may be in SYS and AUTH',
  source_not_allowed: 'the sources of the policy do not hold the address of the client',
  connection_type_not_allowed: 'the connection types of the policy do not name this kind of connection',
  outside_window: 'the windows of the policy are closed: it may connect again when one opens',
  too_many_sessions: 'the user, or its credential, has as many connections as it may have',
  sessions_unknown: 'there seems to be no place left, and not every server said who is connected',
  policy_missing: 'a policy is gone, or belongs to another account: nothing holds without it',
  role_missing: 'a role is gone, or belongs to another account: nothing holds without it',
  template_value_missing:
    'a template asks for a value that the user does not have, or that is not one token: set its metadata',
  grant_too_large: 'the policies come to more entries within the boundary than a grant may have',
  grant_invalid: 'nats-server would refuse what the policies come to',
  key_missing: 'the key that signs for the account is not there',
}

export function reasonWords(reason: string): string {
  return WORDS[reason] ?? reason
}

export const REASONS_WITH_WORDS: readonly string[] = Object.keys(WORDS)
