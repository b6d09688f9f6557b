import { Command as Program } from 'commander'
import { describe, expect, it } from 'vitest'
import type { z } from 'zod'
import type { Command } from '../../src/admin/command.ts'
import { commands } from '../../src/admin/commands.ts'
import { requestOf } from '../../src/admin/envelope.ts'
import { check } from '../../src/admin/faults.ts'
import type { Body } from '../../src/cli/body.ts'
import { declare } from '../../src/cli/declare.ts'
import { fieldsOf } from '../../src/cli/fields.ts'
import { replacementFaults, replaces } from '../../src/cli/replacing.ts'

const replacing = commands.filter(replaces)
const cases = replacing.map((command) => [command.name, command] as const)

/** What the example says, as far as it has to be said. */
function least({ request, example }: Command): Body {
  const shape: Readonly<Record<string, z.ZodType>> = request.shape
  const needed = Object.entries(example).filter(
    ([name]) => name === 'account' || shape[name]?.safeParse(undefined).success === false,
  )
  return Object.fromEntries(needed)
}

function refused(command: Command, body: Body, clear?: true): readonly string[] {
  const fields = fieldsOf(command)
  return replacementFaults({ command, fields, flags: { clear } }, body).map(({ rule }) => rule)
}

describe('a command that replaces', () => {
  it('is one that may say nothing of what it sets', () => {
    const names = replacing.map(({ name }) => name)
    for (const name of ['policy.update-permissions', 'account.update-limits', 'operator.set-description'])
      expect(names).toContain(name)
    for (const name of ['user.create', 'account.list', 'user.update-credentials', 'role.update'])
      expect(names).not.toContain(name)
  })

  it.each(cases)('%s does not take a forgotten flag for an answer', (_, command) => {
    const body = least(command)
    expect(check(requestOf(command), body).ok).toBe(true)
    expect(refused(command, body)).toEqual(['say what, or --clear to take it away'])
    expect(refused(command, { ...body, commandId: 'a', ifRevision: 1 })).toHaveLength(1)
    expect(refused(command, body, true)).toEqual([])
  })

  it.each(cases)('%s takes its example, and no --clear beside it', (_, command) => {
    expect(refused(command, command.example)).toEqual([])
    expect(refused(command, command.example, true)).toEqual([
      'must not stand beside what should be there instead',
    ])
  })

  it('says in its help what becomes of what is not named', () => {
    const update = commands.find(({ name }) => name === 'policy.update-permissions')!
    const get = commands.find(({ name }) => name === 'policy.get')!
    expect(helpOf(update)).toMatch(/--clear [^]*What is not named is taken away\./)
    expect(helpOf(get)).not.toMatch(/--clear|taken away/)
  })
})

function helpOf(command: Command): string {
  const root = new Program('gatehouse')
  let help = ''
  root.configureOutput({ writeOut: (text) => (help += text) })
  declare(root, 'it', command)
    .program.configureOutput({ writeOut: (text) => (help += text) })
    .outputHelp()
  return help
}
