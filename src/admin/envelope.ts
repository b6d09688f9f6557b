import { z } from 'zod'
import type { Command } from './command.ts'

/** What every command may say besides its own fields. */
export const asked = {
  commandId: z
    .string()
    .regex(/^[A-Za-z0-9_-]{1,64}$/, 'must be 1 to 64 letters, digits, _ or -')
    .optional()
    .describe('Repeating a command with its id within a day gives the first answer again.'),
  correlationId: z.string().min(1).max(128).optional().describe('Goes into every event of the command.'),
  ifRevision: z
    .int()
    .nonnegative()
    .optional()
    .describe('Refused unless what it changes or shows is still at this revision. Not for lists.'),
}

export type Envelope = z.output<z.ZodObject<typeof asked>>

/** What every reply says besides. */
const answered = {
  revision: z.number().describe('Of what changed or was looked at; 0 when that is many or none.'),
  events: z
    .array(
      z.object({
        subject: z.string().describe('Where the audit stream has it.'),
        data: z.record(z.string(), z.unknown()).describe('What happened.'),
        metadata: z.record(z.string(), z.unknown()).describe('Who did it, by which command.'),
      }),
    )
    .describe('What happened. Nothing, when it was so already.'),
  behind: z
    .array(z.string())
    .optional()
    .describe(
      'Replicas that are there and did not learn of it within two seconds: until they do, they let in by what was before. Absent: none.',
    ),
  connections: z
    .object({
      affected: z.number().describe('Connections that have to end.'),
      kicked: z.number().describe('Of these, how many have ended so far.'),
      left: z.number().describe('Those that end later, at the pace that is configured.'),
    })
    .optional()
    .describe('What it comes to for connections that are open. Absent: none has to end, as far as is known.'),
}

/** The whole body that a command accepts. */
export function requestOf(command: Command) {
  return command.request.extend(asked)
}

/** The whole body that it answers with. */
export function responseOf(command: Command) {
  return command.response.extend(answered)
}
