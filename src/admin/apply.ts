import type { Documents } from './documents.ts'
import { execute, type Admin } from './execute.ts'
import { plan, type Step } from './plan.ts'
import { View, type Actor } from './transaction.ts'

/**
 * Brings the state to what the documents declare, command by command. What no document names is left alone.
 * Half applied (a crash between two commands) is applied by applying again.
 */
export async function apply(admin: Admin, documents: Documents, actor: Actor): Promise<readonly Step[]> {
  const steps = await plan(new View(admin.store), documents)
  for (const { command, payload } of steps) await execute(admin, command, { actor, payload })
  return steps
}
