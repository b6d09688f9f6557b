import { accountDeleteCommands } from './account-delete.ts'
import { accountExchangeCommands } from './account-exchange.ts'
import { accountLifeCommands } from './account-life.ts'
import { accountCommands } from './account.ts'
import type { Command } from './command.ts'
import { eventCommands } from './event-list.ts'
import { canCommands } from './explain-can.ts'
import { decisionCommands } from './explain-decision.ts'
import { whoCanCommands } from './explain-who-can.ts'
import { explainCommands } from './explain.ts'
import { identityCommands } from './identity.ts'
import { lockoutCommands } from './lockout.ts'
import { operatorCommands } from './operator.ts'
import { policyHistoryCommands } from './policy-history.ts'
import { policyLifeCommands } from './policy-life.ts'
import { policyCommands } from './policy.ts'
import { roleCommands } from './role.ts'
import { denialCommands } from './session-denials.ts'
import { sessionKickCommands } from './session-kick.ts'
import { sessionListCommands } from './session-list.ts'
import { sessionCommands } from './session.ts'
import { userLifeCommands } from './user-life.ts'
import { userCommands } from './user.ts'

/** Every command there is: `auth.v1.<name>`. */
export const commands: readonly Command[] = [
  operatorCommands,
  accountCommands,
  accountLifeCommands,
  accountExchangeCommands,
  accountDeleteCommands,
  policyCommands,
  policyLifeCommands,
  policyHistoryCommands,
  roleCommands,
  userCommands,
  userLifeCommands,
  sessionCommands,
  sessionListCommands,
  sessionKickCommands,
  denialCommands,
  lockoutCommands,
  identityCommands,
  eventCommands,
  explainCommands,
  canCommands,
  whoCanCommands,
  decisionCommands,
].flatMap((group) => Object.values<Command>(group))
