import { z } from 'zod'

/** Text with a rule in code. Editors get the pattern, which lets through everything that the rule does, and not much more. */
export function ruled(
  fault: (text: string) => string | undefined,
  pattern: RegExp,
): z.ZodType<string, string> {
  return z
    .string()
    .superRefine((text, context) => {
      const rule = fault(text)
      if (rule !== undefined) context.addIssue({ code: 'custom', message: rule })
    })
    .meta({ pattern: pattern.source })
}

// Without the `u` flag and its classes: many validators of JSON Schema have neither.
/** A variable of a template, as part of a pattern. */
export const VARIABLE = String.raw`\{\{\s*(?:(?:user|account)[.](?:id|name)|user[.]metadata[.][A-Za-z0-9_-]+)\s*\}\}`
