/** What a template may speak of: facts about the user and its account. `metadata` holds what admins wrote. */
export interface TemplateFacts {
  readonly user: {
    readonly id: string
    readonly name: string
    readonly metadata: Readonly<Record<string, string>>
  }
  readonly account: { readonly id: string; readonly name: string }
}

/** A subject with every value in its place, or the name of the variable that has none fit to be there. */
export type Expansion =
  { readonly ok: true; readonly subject: string } | { readonly ok: false; readonly variable: string }

const VARIABLE = /\{\{\s*([^{}]*?)\s*\}\}/g
const METADATA = /^user\.metadata\.([A-Za-z0-9_-]+)$/
const FACTS = ['user.id', 'user.name', 'account.id', 'account.name'] as const

/** A value enters as exactly one subject token: whatever could end the token, widen it, or (a first `$`) make
 * it one of NATS's own is not fit. */
const ONE_TOKEN = /^[^\s.*>{}$\p{Cc}][^\s.*>{}\p{Cc}]*$/u

/** Why a template names something that no user can have, or `undefined`. Expansion may still lack a value. */
export function templateFault(subject: string): string | undefined {
  for (const [, variable = ''] of subject.matchAll(VARIABLE)) {
    if (!(FACTS as readonly string[]).includes(variable) && !METADATA.test(variable)) {
      return `unknown variable "{{${variable}}}": use ${FACTS.join(', ')} or user.metadata.KEY`
    }
  }
  const rest = subject.replaceAll(VARIABLE, 'x')
  return /[{}]/.test(rest) ? '"{" and "}" may only enclose a variable: {{user.id}}' : undefined
}

/** A template with every variable replaced by a token, for checks that need a plain subject. */
export function templateSkeleton(subject: string): string {
  return subject.replaceAll(VARIABLE, 'x')
}

/** Fills in the values. Fails closed: a missing or unfit value gives the name of its variable, never a subject. */
export function expand(subject: string, facts: TemplateFacts): Expansion {
  if (!subject.includes('{{')) return { ok: true, subject }
  let missing: string | undefined
  const filled = subject.replaceAll(VARIABLE, (_, variable: string) => {
    const value = valueOf(variable, facts)
    if (value === undefined || !ONE_TOKEN.test(value)) missing ??= variable
    return value ?? ''
  })
  return missing === undefined ? { ok: true, subject: filled } : { ok: false, variable: missing }
}

function valueOf(variable: string, { user, account }: TemplateFacts): string | undefined {
  switch (variable) {
    case 'user.id':
      return user.id
    case 'user.name':
      return user.name
    case 'account.id':
      return account.id
    case 'account.name':
      return account.name
    default: {
      const key = METADATA.exec(variable)?.[1]
      return key !== undefined && Object.hasOwn(user.metadata, key) ? user.metadata[key] : undefined
    }
  }
}

/** The variables that a subject asks for: `user.metadata.region`. */
export function variablesIn(subject: string): readonly string[] {
  return subject.includes('{{') ? [...subject.matchAll(VARIABLE)].map(([, variable = '']) => variable) : []
}
