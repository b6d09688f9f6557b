import { reasonOf, run, type Environment } from './binary-run.ts'

const VERSION = /(\d+)\.(\d+)\.(\d+)(?:[-~]((?:rc|beta|alpha|preview|dev)[0-9A-Za-z.-]*))?/i
const ANSWER_MS_MAX = 10_000

/** The first version in a text: `nats-server: v2.15.2` and Debian's `2.15.1-1` give `2.15.2` and `2.15.1`. */
export function parseVersion(text: string): string | undefined {
  const match = VERSION.exec(text)
  if (match === null) return undefined
  const [, major = '', minor = '', patch = '', early] = match
  return `${major}.${minor}.${patch}${early === undefined ? '' : `-${early}`}`
}

/** Orders versions as semver does; a preview comes before its release. Negative, zero or positive, for `sort`. */
export function compareVersions(left: string, right: string): number {
  const [leftNumbers, leftEarly] = parts(left)
  const [rightNumbers, rightEarly] = parts(right)
  for (const [index, number] of leftNumbers.entries()) {
    const difference = number - (rightNumbers[index] ?? 0)
    if (difference !== 0) return difference
  }
  if (leftEarly === undefined || rightEarly === undefined) {
    return Number(leftEarly === undefined) - Number(rightEarly === undefined)
  }
  return leftEarly.localeCompare(rightEarly, 'en', { numeric: true })
}

function parts(version: string): [numbers: number[], early: string | undefined] {
  const dash = version.indexOf('-')
  const numbers = (dash === -1 ? version : version.slice(0, dash)).split('.').map(Number)
  return [numbers, dash === -1 ? undefined : version.slice(dash + 1)]
}

/** What a program says its version is, which also proves that it runs here at all. Rejects with a reason in one line. */
export async function versionOf(path: string, env: Environment): Promise<string> {
  let output
  try {
    output = await run(path, ['--version'], { env, timeoutMs: ANSWER_MS_MAX })
  } catch (error) {
    throw new Error(`${path} does not run: ${reasonOf(error)}`, { cause: error })
  }
  const version = parseVersion(output)
  if (version === undefined) throw new Error(`${path} does not tell its version`)
  return version
}
