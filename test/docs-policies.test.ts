import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { allowedSubjects, type SemanticPermission } from '../src/domain/semantic.ts'

const PAGE = readFileSync(new URL('../docs/policies.md', import.meta.url), 'utf8')

const SHOWN: readonly (readonly [string, SemanticPermission])[] = [
  ...(['view', 'read', 'manage'] as const).map(
    (may) => [`stream \`${may}\``, { stream: 'S', may: [may] }] as const,
  ),
  ...(['use', 'manage'] as const).map(
    (may) => [`consumer \`${may}\``, { consumer: 'C', stream: 'S', may: [may] }] as const,
  ),
  ...(['read', 'write', 'watch', 'manage'] as const).flatMap(
    (may) =>
      [
        [`kv \`${may}\``, { kv: 'b', may: [may] }],
        [`object \`${may}\``, { object: 'b', may: [may] }],
      ] as const,
  ),
]

it.each(SHOWN)('docs/policies.md shows the subjects of %s as they are', (word, permission) => {
  const [, row = ''] =
    new RegExp(`^\\| ${word} +\\| (.*API.*|.*\\$JS.*) \\|$`, 'm').exec(
      PAGE.slice(PAGE.indexOf('### The subjects')),
    ) ?? []
  const shown = [...row.matchAll(/`([^`]+)`/g)].map(([, subject = '']) => subject.replace(/^API/, '$JS.API'))
  expect(shown).toEqual(allowedSubjects(permission).publish)
})
