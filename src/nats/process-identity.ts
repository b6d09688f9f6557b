import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { promisify } from 'node:util'

/**
 * What tells a process from every other that ever had or will have its pid: when it was started. Compare it with
 * what was noted earlier to know whether a pid in a file still means the same process. Undefined when there is no
 * such process, or only the remains of one (a zombie).
 *
 * On Linux the start time in clock ticks since boot, with the id of that boot (proc(5), field 22 of stat);
 * elsewhere what `ps -o lstart=` prints, to the second. A pid means something only inside its own pid namespace:
 * two containers on one volume cannot see each other by it.
 */
export async function processIdentity(pid: number): Promise<string | undefined> {
  // Zero and negative numbers would mean whole process groups to whoever sends signals next.
  if (!Number.isSafeInteger(pid) || pid <= 0) return undefined
  return process.platform === 'linux' ? linuxIdentity(pid) : psIdentity(pid)
}

/** One line that means this process for as long as it runs, and nothing afterwards: `<pid> <identity>`, for a file. */
export async function processNote(pid: number): Promise<string> {
  return `${pid} ${(await processIdentity(pid)) ?? ''}`
}

/** The pid that a note means, if that very process still runs. Anything that is not a note means nothing. */
export async function notedProcess(note: string): Promise<number | undefined> {
  const [, pidText, identity = ''] = /^(\d+) (.+)$/.exec(note.trim()) ?? []
  const pid = Number(pidText)
  return identity !== '' && (await processIdentity(pid)) === identity ? pid : undefined
}

async function linuxIdentity(pid: number): Promise<string | undefined> {
  let stat
  try {
    stat = await readFile(`/proc/${pid}/stat`, 'utf8')
  } catch {
    return undefined
  }
  // The name of the program is in parentheses and may hold anything, parentheses too.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const [state, startTicks] = [fields[0], fields[19]]
  if (startTicks === undefined || state === 'Z' || state === 'X') return undefined
  const bootId = await readFile('/proc/sys/kernel/random/boot_id', 'utf8').catch(() => '')
  return `${bootId.trim()}:${startTicks}`
}

async function psIdentity(pid: number): Promise<string | undefined> {
  try {
    const options = { env: { PATH: '/bin:/usr/bin', LC_ALL: 'C', TZ: 'UTC' }, timeout: 5_000 }
    const { stdout } = await promisify(execFile)('ps', ['-o', 'state=,lstart=', '-p', String(pid)], options)
    const [, state, started] = /^\s*(\S+)\s+(.*\S)\s*$/.exec(stdout) ?? []
    return state?.startsWith('Z') === true ? undefined : started
  } catch {
    return undefined
  }
}
