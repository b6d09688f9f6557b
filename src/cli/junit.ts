import type { TestedCase } from '../admin/policy-tests.ts'

/** The results in the XML that build servers read: a suite for each file. */
export function junit(cases: readonly TestedCase[]): string {
  const files = [...new Set(cases.map(({ file }) => file))]
  const suites = files.map((file) =>
    suiteOf(
      file,
      cases.filter((each) => each.file === file),
    ),
  )
  const lines = [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites name="gatehouse policy test"${counts(cases)}>`,
  ]
  return `${[...lines, ...suites, '</testsuites>'].join('\n')}\n`
}

function suiteOf(file: string, cases: readonly TestedCase[]): string {
  return [
    `  <testsuite name="${escaped(file)}"${counts(cases)}>`,
    ...cases.map(caseOf),
    '  </testsuite>',
  ].join('\n')
}

function counts(cases: readonly TestedCase[]): string {
  const failed = cases.filter(({ failures }) => failures.length > 0).length
  return ` tests="${cases.length}" failures="${failed}" errors="0"`
}

function caseOf({ name, file, where, failures }: TestedCase): string {
  const line = /:(\d+):\d+$/.exec(where)?.[1] ?? '1'
  const head = `    <testcase name="${escaped(name)}" classname="${escaped(file)}" file="${escaped(file)}" line="${line}"`
  const [first] = failures
  if (first === undefined) return `${head}/>`
  const texts = failures.map(
    (each) => `${each.where}: ${each.what}: expected ${each.expected}, ${each.found}`,
  )
  const summary = `${first.what}: expected ${first.expected}, ${first.found}`
  return `${head}>\n      <failure message="${escaped(summary)}" type="policy">${escaped(texts.join('\n'))}</failure>\n    </testcase>`
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&apos;',
}

/** XML 1.0 has no control characters and no half of a pair at all, not even escaped. */
function escaped(text: string): string {
  return text
    .replaceAll(/\p{Surrogate}/gu, '\ufffd')
    .replaceAll(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, '\ufffd')
    .replaceAll(/[&<>"']/g, (letter) => ENTITIES[letter] ?? letter)
    .replaceAll(/[\t\n\r]/g, (letter) => `&#${letter.codePointAt(0) ?? 32};`)
}
