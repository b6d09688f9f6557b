import { accountCommands } from './account.ts'
import type { Command } from './command.ts'
import { identityCommands } from './identity.ts'
import { policyCommands } from './policy.ts'
import { userCommands } from './user.ts'

/** Every command there is: `auth.v1.<name>`. */
export const commands: readonly Command[] = [
  accountCommands,
  policyCommands,
  userCommands,
  identityCommands,
].flatMap((group) => Object.values<Command>(group))
