/** Every rule of lint. */
export const LINT_RULES = [
  'too-broad',
  'shadowed',
  'idle-deny',
  'unused-policy',
  'unreachable-template',
  'shared-inbox',
  'literal-wildcard',
  'overheard',
  'self-answer',
  'unused-acceptance',
] as const
export type LintRule = (typeof LINT_RULES)[number]
