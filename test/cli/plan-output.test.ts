import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import type { Step } from '../../src/admin/steps.ts'
import { planText, planWritten } from '../../src/cli/plan-output.ts'

const step = (target: string, change: Step['change'], fields: Step['fields'] = []): Step => ({
  name: 'policy.create',
  payload: { name: 'p' },
  target,
  change,
  fields,
})
const plainOut = { isTTY: false, hasColors: false, write: () => undefined }

describe('a plan', () => {
  it('says what happens to each thing once, and how many there are', () => {
    const steps = [
      step('account A', 'create', [{ field: 'limits.connections', new: 7 }]),
      step('policy p', 'change', [{ field: 'limits.lifetime', old: '1h' }]),
      step('account A', 'change', [{ field: 'defaultPolicy', old: 'base', new: 'own' }]),
      step('user u in A', 'change', [{ field: 'policies', new: ['x'] }]),
      step('user u in A', 'change', [{ field: 'policies', old: ['y'] }]),
      step('policy gone', 'remove'),
    ]
    expect(planText(plainOut, { steps, kept: [{ target: 'policy kept', why: 'it is in use' }] }))
      .toBe(`+ create account A
    limits.connections: 7
    defaultPolicy: own
~ change policy p
    limits.lifetime: 1h → none
~ change user u in A
    policies
      + x
      - y
- remove policy gone (not declared)
  keep policy kept (not declared): it is in use

1 to create, 2 to change, 1 to remove.
`)
  })

  it('has no control characters of anybody in it, and colours for a terminal alone', () => {
    const steps = [
      step('policy p', 'change', [{ field: 'description', old: 'a\u001b[2Jb\u009bc', new: '\u202egnp.exe' }]),
    ]
    const text = planText(plainOut, { steps, kept: [] })
    expect(text).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e]/)
    process.env['FORCE_COLOR'] = '1'
    expect(planText({ ...plainOut, hasColors: true }, { steps, kept: [] })).toContain(
      '\u001b[33m~ change policy p',
    )
    delete process.env['FORCE_COLOR']
  })

  it('for programs is the commands', () => {
    const told = JSON.parse(
      planWritten({ steps: [{ ...step('policy p', 'create'), revision: 5 }], kept: [] }, 'json'),
    ) as object
    expect(told).toEqual({
      changes: [
        {
          command: 'policy.create',
          payload: { name: 'p' },
          target: 'policy p',
          change: 'create',
          fields: [],
          ifRevision: 5,
        },
      ],
      kept: [],
    })
  })

  it('in YAML says what is twice in it twice', () => {
    const same = { fields: [{ field: 'a', new: ['x'] }] }
    const steps = ['policy p', 'policy q'].map((target) => ({ ...step(target, 'create'), ...same }))
    const text = planWritten({ steps, kept: [] }, 'yaml')
    expect(text).not.toMatch(/[&*]/)
    expect(parse(text)).toEqual(JSON.parse(planWritten({ steps, kept: [] }, 'json')))
  })
})
