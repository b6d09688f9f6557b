import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { junit } from '../../src/cli/junit.ts'

const failure = { where: 'p.test.yaml:7:3', what: 'publish a', expected: 'allowed', found: 'denied by "<&>"' }
const passed = { file: 'p.test.yaml', where: 'p.test.yaml:3:5', name: 'reads', failures: [] }

/** A tag of well-formed XML 1.0, with attributes in double quotes. */
const TAG = /^<(\/?)([a-z]+)((?: [a-z]+="[^"<&]*(?:&(?:amp|lt|gt|quot|apos|#\d+);[^"<&]*)*")*)(\/?)>/
const TEXT = /^[^<&]+|^&(?:amp|lt|gt|quot|apos|#\d+);/

/** The names of all elements in order. Throws where it is not well-formed. */
function elements(xml: string): string[] {
  let rest = xml.replace(/^<\?xml version="1\.0" encoding="UTF-8"\?>\n/, '')
  expect(rest).not.toBe(xml)
  expect(xml).not.toMatch(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]|\p{Surrogate}/u)
  const [open, seen]: [string[], string[]] = [[], []]
  while (rest !== '') {
    const [tag, closes, name = '', , isEmpty] = TAG.exec(rest) ?? []
    const [text] = TEXT.exec(rest) ?? []
    if (tag === undefined && text === undefined) throw new Error(`not XML: ${rest.slice(0, 60)}`)
    rest = rest.slice((tag ?? text ?? '').length)
    if (tag === undefined) continue
    if (closes === '/') expect(open.pop()).toBe(name)
    else seen.push(name)
    if (closes !== '/' && isEmpty !== '/') open.push(name)
  }
  expect(open).toEqual([])
  return seen
}

describe('the report for build servers', () => {
  it('has a suite for each file, and says where each case is', () => {
    const xml = junit([
      passed,
      { ...passed, name: 'writes', failures: [failure] },
      { ...passed, file: 'q.test.yaml' },
    ])
    expect(elements(xml)).toEqual([
      'testsuites',
      'testsuite',
      'testcase',
      'testcase',
      'failure',
      'testsuite',
      'testcase',
    ])
    expect(xml).toContain('<testsuites name="gatehouse policy test" tests="3" failures="1" errors="0">')
    expect(xml).toContain('<testsuite name="p.test.yaml" tests="2" failures="1" errors="0">')
    expect(xml).toContain('<testcase name="reads" classname="p.test.yaml" file="p.test.yaml" line="3"/>')
    expect(xml).toContain('message="publish a: expected allowed, denied by &quot;&lt;&amp;&gt;&quot;"')
  })

  it('is XML whatever people write', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary' }),
        fc.string({ unit: fc.constantFrom(...'<>&"\'\u0000\u001b\ud800\n]]>'.split('')) }),
        (name, found) => {
          elements(junit([{ ...passed, name, failures: [{ ...failure, found }] }]))
        },
      ),
    )
  })
})
