import { z } from 'zod'
import { subjectFault } from '../domain/subject.ts'
import { accountReference } from './account.ts'
import { description, duration, ENTRIES_MAX } from './fields.ts'
import { ruled } from './ruled.ts'

/** The fields that exports and imports of an account have in documents and commands. */

const TOKEN = String.raw`[^\s.\u0000-\u001f\u007f-\u009f]+`
const SUBJECT = new RegExp(`^(?:(?!>[.])${TOKEN}[.])*${TOKEN}$`)
const plainSubject = ruled(subjectFault, SUBJECT).describe('A subject; * and > are wildcards.')

const label = z.string().min(1).max(128).optional().describe('For people. Absent: the subject.')
const type = z.enum(['stream', 'service']).describe('Messages that are heard, or requests that are answered.')
const allowTrace = z.boolean().optional().describe('Traced messages are traced across the border.')

const latency = z
  .strictObject({
    sampling: z
      .union([z.int().min(1).max(100), z.literal('headers')])
      .describe('Percent of the requests, or "headers": those whose headers ask for it.'),
    results: plainSubject.describe('Where it is told; no wildcards.'),
  })
  .describe('Tells how long a service takes.')

const accountExport = z
  .strictObject({
    name: label,
    subject: plainSubject,
    type,
    access: z
      .enum(['public', 'private'])
      .describe('private: only with an activation of this account (account.create-activation).'),
    responseType: z
      .enum(['Singleton', 'Stream', 'Chunked'])
      .optional()
      .describe('Of a service: how many replies to a request. Absent: one.'),
    responseThreshold: duration.optional().describe('Of a service: how long a reply is waited for.'),
    accountTokenPosition: z
      .int()
      .min(1)
      .max(64)
      .optional()
      .describe('The place, from 1, of a * that must be the A… key of the importing account.'),
    latency: latency.optional(),
    advertise: z.boolean().optional().describe('Tells tools that it is there.'),
    allowTrace,
    description,
    infoUrl: z.string().max(1_024).optional().describe('Where it is described: a URL.'),
  })
  .transform(({ responseThreshold, ...rest }) => ({ ...rest, responseThresholdMs: responseThreshold }))

const accountImport = z.strictObject({
  name: label,
  account: accountReference.describe('The exporting account: its name, or its A… key.'),
  subject: plainSubject,
  localSubject: plainSubject
    .optional()
    .describe('Where it is found in this account; $1 is the first * of the subject. Absent: the same.'),
  type,
  share: z.boolean().optional().describe('Of a service: is it told who asks?'),
  allowTrace,
  token: z.string().max(16_384).optional().describe('The activation, where the export is private.'),
})

export const accountExports = z
  .array(accountExport)
  .max(ENTRIES_MAX)
  .describe('What other accounts may import.')

export const accountImports = z
  .array(accountImport)
  .max(ENTRIES_MAX)
  .describe('What the account takes from others, beside what Gatehouse gives it.')

/** An import as it is written, its account by name or key. */
export type WrittenImport = z.output<typeof accountImport>
