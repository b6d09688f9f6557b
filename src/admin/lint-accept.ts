import type { Fault } from '../errors.ts'
import { parseFile, refuse, type Declared, type Documents, type SourceFile } from './documents.ts'
import type { Finding } from './lint.ts'
import { paperSchemas, type PolicyLintDocument } from './paper-schemas.ts'
import { unresolvedAlone } from './references.ts'

type Acceptance = PolicyLintDocument['accept'][number]

/** What is accepted. Throws `invalid_document` with every fault of it, and of the documents it is about. */
export function readAcceptances(
  documents: Documents | undefined,
  files: readonly SourceFile[],
): readonly Declared<PolicyLintDocument>[] {
  const faults: Fault[] = documents === undefined ? [] : [...documents.faults, ...unresolvedAlone(documents)]
  const read = files.flatMap((file) => parseFile(file, paperSchemas['policy-lint'], { faults, outlines: [] }))
  refuse(faults, 'nothing was looked at')
  return read
}

/** Findings as they are left when what is wanted is taken out. */
export interface Judged {
  readonly findings: readonly Finding[]
  readonly accepted: number
}

/** Takes out what somebody accepted. An acceptance of what is not found is a finding itself: it could hide the next one. */
export function accept(
  findings: readonly Finding[],
  documents: readonly Declared<PolicyLintDocument>[],
): Judged {
  const left = new Set(findings)
  const unused: Finding[] = []
  for (const { content, locate } of documents) {
    for (const [index, acceptance] of content.accept.entries()) {
      const met = findings.filter((finding) => isMeant(acceptance, finding))
      for (const each of met) left.delete(each)
      if (met.length > 0) continue
      const { rule, policy, account, subject } = acceptance
      const remedy = otherOwner(acceptance, findings) ?? 'remove it'
      const message = `nothing is found that this accepts (${rule} in ${named(acceptance)}): ${remedy}`
      const where = locate(['accept', index])
      unused.push({
        rule: 'unused-acceptance',
        severity: 'warning',
        policy,
        account,
        subject,
        message,
        where,
      })
    }
  }
  return { findings: [...left, ...unused], accepted: findings.length - left.size }
}

function named({ policy, account }: Acceptance): string {
  return account === undefined ? `policy ${policy}` : `policy ${policy} of account ${account}`
}

/** What to say where it is found in a policy of that name which belongs to somebody else. */
function otherOwner(
  { account, ...acceptance }: Acceptance,
  findings: readonly Finding[],
): string | undefined {
  const found = findings.find((each) => isMeant({ ...acceptance, account: each.account }, each))
  if (found === undefined) return undefined
  return found.account === undefined
    ? 'it is found in the one that is usable in every account, so leave out account'
    : `it is found in the one of account ${found.account}, so say account: ${found.account}`
}

function isMeant({ rule, policy, account, subject }: Acceptance, finding: Finding): boolean {
  const isSame = finding.rule === rule && finding.policy === policy && finding.account === account
  return isSame && (subject === undefined || finding.subject === subject)
}
