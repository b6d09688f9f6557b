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
 * it one of NATS's own is not fit, nor is what is not seen in it, or half of a surrogate pair, of which every one is
 * the same in UTF-8. */
const ONE_TOKEN =
  /^[^\s.*>{}$\p{C}\p{Default_Ignorable_Code_Point}][^\s.*>{}\p{C}\p{Default_Ignorable_Code_Point}]*$/u

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

/** A subject, or an entry, with every token that a template is in as `*`: whatever value may come to be there. */
export function widestOf(entry: string): string {
  if (!isTemplate(entry)) return entry
  return entry.replaceAll(VARIABLE, '{').replaceAll(/[^. ]*\{[^. ]*/g, '*')
}

/** A template that is filled in often, read once: what stands between its variables, and in turn their names. */
export type Template = readonly string[]

export function isTemplate(subject: string): boolean {
  return subject.includes('{{')
}

export function readTemplate(subject: string): Template {
  return subject.split(VARIABLE)
}

/** The value of a variable if it has one that is fit to be a token. */
export type Values = (variable: string) => string | undefined

/** Looks at each value once. */
export function valuesOf(facts: TemplateFacts): Values {
  const known = new Map<string, string | undefined>()
  return (variable) => {
    if (known.has(variable)) return known.get(variable)
    const value = valueOf(variable, facts)
    const fit = value !== undefined && ONE_TOKEN.test(value) ? value : undefined
    known.set(variable, fit)
    return fit
  }
}

/** Is there a value at all, fit to be a token or not? */
export function hasValue(variable: string, facts: TemplateFacts): boolean {
  return valueOf(variable, facts) !== undefined
}

/** Fills in the values. Fails closed: a missing or unfit value gives the name of its variable, never a subject. */
export function fill(template: Template, values: Values): Expansion {
  let subject = template[0] ?? ''
  for (let i = 1; i < template.length; i += 2) {
    const variable = template[i] ?? ''
    const value = values(variable)
    if (value === undefined) return { ok: false, variable }
    subject += value + (template[i + 1] ?? '')
  }
  return { ok: true, subject }
}

/** The same of a template and facts that are needed once. */
export function expand(subject: string, facts: TemplateFacts): Expansion {
  return isTemplate(subject) ? fill(readTemplate(subject), valuesOf(facts)) : { ok: true, subject }
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
  return isTemplate(subject) ? [...subject.matchAll(VARIABLE)].map(([, variable = '']) => variable) : []
}
