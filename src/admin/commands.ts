import { accountLifeCommands } from './account-life.ts'
import { accountCommands } from './account.ts'
import type { Command } from './command.ts'
import { identityCommands } from './identity.ts'
import { operatorCommands } from './operator.ts'
import { policyHistoryCommands } from './policy-history.ts'
import { policyLifeCommands } from './policy-life.ts'
import { policyCommands } from './policy.ts'
import { roleCommands } from './role.ts'
import { userLifeCommands } from './user-life.ts'
import { userCommands } from './user.ts'

/** Every command there is: `auth.v1.<name>`. */
export const commands: readonly Command[] = [
  operatorCommands,
  accountCommands,
  accountLifeCommands,
  policyCommands,
  policyLifeCommands,
  policyHistoryCommands,
  roleCommands,
  userCommands,
  userLifeCommands,
  identityCommands,
].flatMap((group) => Object.values<Command>(group))
