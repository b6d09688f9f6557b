// Runs before anything is installed or built: plain JavaScript, Node's own modules only, readable by old Nodes.
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import fs from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

const NODE_MINIMUM = [20, 19]
const LOCK_POLL_MS = 100
/** A lock older than this is no longer believed, even if some process has its pid. */
const LOCK_AGE_MS_MAX = 15 * 60 * 1000
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP']

export const projectRoot = path.dirname(path.dirname(fileURLToPath(import.meta.url)))

/** Something a person can do about it; shown without a stack. */
class PreparationError extends Error {}

/**
 * Makes a fresh checkout runnable: the right Node, packages as package-lock.json has them, dist/ as src/ has it.
 * Does and says nothing when that is so already, and nothing but the check of Node in an installed package, which
 * comes without src. Tells whether all is well; if not, it has said why and set the exit code.
 */
export async function prepare(root = projectRoot) {
  try {
    checkNode(process.versions.node)
    if (!fs.existsSync(path.join(root, 'src'))) return true
    if (installed(root) && built(root)) return true
    await withLock(root, async () => {
      if (!installed(root)) await install(root)
      if (!built(root)) await build(root)
    })
    return true
  } catch (error) {
    process.stderr.write(
      `gatehouse: error: ${error instanceof PreparationError ? error.message : error.stack}\n`,
    )
    process.exitCode = 1
    return false
  }
}

function checkNode(version) {
  const [major, minor] = version.split('.').map(Number)
  if (major > NODE_MINIMUM[0] || (major === NODE_MINIMUM[0] && minor >= NODE_MINIMUM[1])) return
  throw new PreparationError(`node ${NODE_MINIMUM.join('.')} or newer is needed, this is ${version}`)
}

/**
 * True when node_modules is what package-lock.json says. npm notes what it installed in
 * node_modules/.package-lock.json; comparing the two takes a moment, so the hash of both is noted when they agree.
 */
function installed(root) {
  const { wanted, present, stamp, hash } = packagesOf(root)
  if (present === undefined) return false
  if (read(stamp) === hash) return true
  if (wanted === undefined || !agree(JSON.parse(wanted).packages, JSON.parse(present).packages)) return false
  noteInstalled(root)
  return true
}

function packagesOf(root) {
  const wanted = read(path.join(root, 'package-lock.json'))
  const present = read(path.join(root, 'node_modules', '.package-lock.json'))
  return {
    wanted,
    present,
    stamp: path.join(root, 'node_modules', '.gatehouse-stamp'),
    hash: sha256(`${wanted}\n${present}`),
  }
}

function noteInstalled(root) {
  const { stamp, hash } = packagesOf(root)
  try {
    fs.writeFileSync(stamp, hash)
  } catch {
    // It only saves time: a folder that cannot be written is compared anew each time.
  }
}

function agree(wanted, present) {
  return Object.entries(wanted).every(([where, entry]) => {
    // The root itself and workspaces are not installed; optional packages of other platforms need not be.
    if (where === '' || !where.includes('node_modules/')) return true
    const there = present[where]
    if (there === undefined) return entry.optional === true || entry.devOptional === true
    // Not "resolved": a mirror of the registry has addresses of its own.
    return ['version', 'integrity', 'link'].every((field) => there[field] === entry[field])
  })
}

async function install(root) {
  const command = fs.existsSync(path.join(root, 'package-lock.json')) ? 'ci' : 'install'
  say('installing packages (once, up to a minute or two)')
  // The build needs the development packages, whatever NODE_ENV and npm's settings say.
  const args = [command, '--include=dev', '--include=optional', '--no-audit', '--no-fund', '--loglevel=warn']
  await run(npm(args), { root, what: `npm ${command}`, env: npmEnvironment() })
  noteInstalled(root)
}

/** The npm that runs us, if one does; pnpm and yarn set the same variable, and cannot read our lockfile. */
function npm(args) {
  const running = process.env.npm_execpath
  if (running !== undefined && path.basename(running) === 'npm-cli.js')
    return [process.execPath, running, ...args]
  return process.platform === 'win32' ? ['cmd.exe', '/d', '/s', '/c', 'npm', ...args] : ['npm', ...args]
}

/** Options of the npm that runs us (`npm start -w x`, `--omit=dev`, `-g`) are not meant for the one that we run. */
function npmEnvironment() {
  const notForUs =
    /^npm_config_(global|location|omit|only|production|include|workspaces?|dry_run|package_lock.*|prefix)$/i
  const kept = Object.entries(process.env).filter(([name]) => !notForUs.test(name))
  return Object.fromEntries(kept)
}

/** True when dist was built from exactly the files that are there now, by path, size and time. */
function built(root) {
  return read(path.join(root, 'dist', '.built-from')) === inputs(root)
}

function inputs(root) {
  const names = ['package-lock.json', 'tsconfig.json', 'tsconfig.build.json', ...filesUnder(root, 'src')]
  const lines = names.map((name) => {
    const stat = fs.statSync(path.join(root, name), { throwIfNoEntry: false })
    return stat === undefined ? `${name} absent` : `${name} ${stat.size} ${stat.mtimeMs}`
  })
  return sha256(lines.join('\n'))
}

function filesUnder(root, folder) {
  const entries = fs.readdirSync(path.join(root, folder), { withFileTypes: true })
  const names = entries.flatMap((entry) => {
    const name = `${folder}/${entry.name}`
    return entry.isDirectory() ? filesUnder(root, name) : [name]
  })
  return names.sort()
}

/** Builds beside dist and swaps: whoever starts meanwhile finds the old one or the new one, whole. */
async function build(root) {
  say('building dist')
  for (const name of fs.readdirSync(root)) if (name.startsWith('.dist-')) remove(path.join(root, name))
  const [fresh, old] = ['fresh', 'old'].map((each) => path.join(root, `.dist-${each}-${process.pid}`))
  const from = inputs(root)
  const tsc = path.join(root, 'node_modules', 'typescript', 'bin', 'tsc')
  try {
    await run([process.execPath, tsc, '-p', 'tsconfig.build.json', '--outDir', fresh], { root, what: 'tsc' })
    fs.writeFileSync(path.join(fresh, '.built-from'), from)
    const dist = path.join(root, 'dist')
    if (fs.existsSync(dist)) fs.renameSync(dist, old)
    fs.renameSync(fresh, dist)
  } finally {
    remove(fresh)
    remove(old)
  }
}

/** The lock lies in the project, where nobody else can put one, and outside of what is installed and built. */
async function withLock(root, work) {
  const folder = path.join(root, '.gatehouse')
  const lock = path.join(folder, 'prepare.lock')
  fs.mkdirSync(folder, { recursive: true })
  for (let attempt = 0; !take(lock); attempt += 1) {
    if (attempt === 0) say('waiting for another process that prepares this folder')
    await new Promise((resolve) => setTimeout(resolve, LOCK_POLL_MS))
    fs.mkdirSync(folder, { recursive: true })
  }
  try {
    await work()
  } finally {
    if (read(lock) === String(process.pid)) fs.rmSync(lock, { force: true })
    try {
      fs.rmdirSync(folder)
    } catch {
      // Not empty: it holds what `npm start` keeps.
    }
  }
}

function take(lock) {
  const draft = `${lock}.${process.pid}`
  fs.writeFileSync(draft, String(process.pid))
  try {
    // A link appears with its content in it, so nobody reads half a lock.
    fs.linkSync(draft, lock)
    return true
  } catch (error) {
    if (error.code !== 'EEXIST') throw error
  } finally {
    fs.rmSync(draft, { force: true })
  }
  const stat = fs.statSync(lock, { throwIfNoEntry: false })
  const tooOld = stat !== undefined && Date.now() - stat.mtimeMs > LOCK_AGE_MS_MAX
  if (tooOld || !isAlive(Number(read(lock) ?? process.pid))) fs.rmSync(lock, { force: true })
  return false
}

function isAlive(pid) {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error.code === 'EPERM'
  }
}

/** Runs a program, showing what it printed only if it fails. Whoever ends us ends it too. */
async function run([program, ...args], { root, what, env = process.env }) {
  const child = spawn(program, args, { cwd: root, env, stdio: ['ignore', 'pipe', 'pipe'] })
  const printed = []
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => printed.push(chunk))
  const { code, signal } = await outcome(child, what)
  if (code === 0) return
  const how = signal === null ? `exit code ${code}` : signal
  throw new PreparationError(`${what} failed (${how})\n${Buffer.concat(printed).toString().trimEnd()}`)
}

/**
 * Waits for a child, handing on the signals that would end us. If one came, this process dies of it as well, as it
 * would have without the child.
 */
export async function outcome(child, what) {
  let received
  const pass = (signal) => {
    received = signal
    child.kill(signal)
  }
  for (const signal of SIGNALS) process.on(signal, pass)
  try {
    return await new Promise((resolve, reject) => {
      child.once('error', (error) =>
        reject(new PreparationError(`${what} cannot be started: ${error.message}`)),
      )
      child.once('close', (code, signal) => resolve({ code, signal }))
    })
  } finally {
    for (const signal of SIGNALS) process.off(signal, pass)
    if (received !== undefined) process.kill(process.pid, received)
  }
}

function say(text) {
  process.stderr.write(`gatehouse: ${text}\n`)
}

function read(file) {
  try {
    return fs.readFileSync(file, 'utf8')
  } catch {
    return undefined
  }
}

function remove(folder) {
  fs.rmSync(folder, { recursive: true, force: true })
}

function sha256(text) {
  return createHash('sha256').update(text).digest('hex')
}
