import type { GatehouseError } from '../errors.ts'
import { ClientFailure } from '../nats/client.ts'
import { quoted } from './example.ts'

/** What was asked for, as far as it helps to say what to do after it failed. */
export interface Asking {
  /** The command that was sent: `user.get`. */
  readonly asked?: string | undefined
  /** The names that were typed, by field: `account` and `user`. */
  readonly names?: Readonly<Record<string, string>> | undefined
}

const WHO = 'gatehouse whoami shows who you are and what you may do'

/** What to do about an error, where there is something. */
export function nextStep(error: GatehouseError, asking: Asking = {}): string | undefined {
  if (error instanceof ClientFailure) return afterTrouble(error, asking)
  const { code, faults } = error
  switch (code) {
    case 'not_found':
      return afterMissing(error.message, asking)
    case 'revision_conflict':
      return `${shown(asking, 'what it is')} now; then say ${revisionFlag(faults[0]?.rule)}`
    case 'already_exists':
      if (faults.some(({ where }) => where === '--command-id')) return 'say another --command-id, or none'
      return afterTaken(asking)
    case 'no_caller':
    case 'forbidden':
      return asking.asked === 'whoami' ? undefined : WHO
    case 'busy':
      return 'try again'
    default:
      return undefined
  }
}

const ELSEWHERE = '--server or --context names another place'

function afterTrouble({ trouble, proof }: ClientFailure, { asked }: Asking): string | undefined {
  switch (trouble) {
    case 'not let in':
      return AFTER_PROOF[proof]
    case 'not permitted':
      return asked === 'whoami' ? undefined : WHO
    case 'not heard':
      return "name the user's own inbox with --inbox-prefix, GATEHOUSE_INBOX_PREFIX or in the context; gatehouse user get shows it to an admin"
    case 'no server':
      return `is it running? gatehouse up starts one here, and ${ELSEWHERE}`
    case 'no service':
      return `start it, or upgrade it; ${ELSEWHERE}`
    case 'late':
      return 'is it running? --timeout 1m waits longer; look what is there before you ask again'
  }
}

const AFTER_PROOF: Readonly<Record<ClientFailure['proof'], string>> = {
  none: 'say as whom with --token-file or --creds, or with a context: gatehouse context add',
  token: 'check the file that has the token; an admin makes another with gatehouse user issue-token',
  creds: 'check the creds file; an admin makes another with gatehouse user issue-token',
  password: 'check the password file; an admin adds another with gatehouse user update-credentials',
}

/** Only the words of the service say which of the things that a command names is not there. */
const MISSING = /(?:there is no|has no) (account|user|policy|role|context|credential|version|operator)\b/

function afterMissing(message: string, asking: Asking): string | undefined {
  const { asked = '', names = {} } = asking
  const [aggregate = ''] = asked.split('.')
  const [, missing = aggregate] = MISSING.exec(message) ?? []
  switch (missing) {
    case 'credential':
      return shown(asking, 'its credentials')
    case 'version':
      return `gatehouse policy history ${wordFor(names, 'policy')}${owner(names)} shows which there are`
    case 'operator':
      return asked === 'operator.get' ? undefined : shown(asking, 'its signing keys')
    case 'user': {
      const account = /in account "([^"]+)"/.exec(message)?.[1] ?? names['account']
      return `gatehouse user list ${account === undefined ? 'ACCOUNT' : quoted(account)} shows which there are`
    }
    case 'account':
    case 'policy':
    case 'role':
    case 'context':
      return `gatehouse ${missing} list shows which there are`
    default:
      return undefined
  }
}

/** Of what has a name already: who has it. */
function afterTaken({ asked = '', names = {} }: Asking): string | undefined {
  const [aggregate = '', verb = ''] = asked.split('.')
  if (!['create', 'rename'].includes(verb)) return undefined
  const { name } = names
  const holder = name === undefined ? names : { ...names, [aggregate]: name }
  return shown({ asked, names: holder }, 'what has the name')
}

/** The command that shows what another was about, with the names that were typed. */
function shown({ asked = '', names = {} }: Asking, what: string): string {
  const [aggregate = ''] = asked.split('.')
  const word = (field: string): string => wordFor(names, field)
  switch (aggregate) {
    case 'user':
      return `gatehouse user get ${word('account')} ${word('user')} shows ${what}`
    case 'account':
      return `gatehouse account get ${word('account')} shows ${what}`
    case 'policy':
      return `gatehouse policy get ${word('policy')}${owner(names)} shows ${what}`
    case 'role':
      return `gatehouse role list${owner(names)} shows ${what}`
    default:
      return `gatehouse ${aggregate} get shows ${what}`
  }
}

/** Of a policy or role of an account. */
function owner({ account }: Readonly<Record<string, string>>): string {
  return account === undefined ? '' : ` --account ${quoted(account)}`
}

/** What was typed; the name of the field for what a document said. */
function wordFor(names: Readonly<Record<string, string>>, field: string): string {
  const name = names[field]
  return name === undefined ? field.toUpperCase() : quoted(name)
}

function revisionFlag(rule = ''): string {
  const revision = /\d+/.exec(rule)?.[0]
  return revision === undefined ? '--if-revision anew' : `--if-revision ${revision}`
}
