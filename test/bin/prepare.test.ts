import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { copyFile, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import { temporaryFolder, type Folder } from '../support/programs.ts'

const REPOSITORY = resolve(import.meta.dirname, '../..')
const CLI = `process.stdout.write(process.argv.slice(2).join(' ') + '\\n')\nprocess.exitCode = 7\n`
const SERVER = `process.on('SIGTERM', () => { process.exitCode = 3; clearInterval(timer) })
const timer = setInterval(() => undefined, 1000)
process.stdout.write(String(process.pid) + '\\n')\n`

/** A project with the real bin/ and a cli of a few lines, which nobody has installed or built. */
async function checkout(folder: Folder, cli = CLI): Promise<string> {
  const root = join(folder.path, 'project')
  await mkdir(join(root, 'src'), { recursive: true })
  await mkdir(join(root, 'bin'))
  for (const name of ['gatehouse.mjs', 'prepare.mjs', 'test.mjs']) {
    await copyFile(join(REPOSITORY, 'bin', name), join(root, 'bin', name))
  }
  const dependencies = Object.fromEntries(
    ['typescript', '@types/node'].map((name) => [name, `file:${join(REPOSITORY, 'node_modules', name)}`]),
  )
  const manifest = { name: 'project', version: '1.0.0', type: 'module', devDependencies: dependencies }
  await writeFile(join(root, 'package.json'), JSON.stringify(manifest))
  const compilerOptions = {
    rootDir: 'src',
    outDir: 'dist',
    module: 'NodeNext',
    target: 'ES2022',
    types: ['node'],
    skipLibCheck: true,
  }
  await writeFile(join(root, 'tsconfig.json'), JSON.stringify({ compilerOptions }))
  await writeFile(join(root, 'tsconfig.build.json'), '{"extends":"./tsconfig.json","include":["src"]}')
  await writeFile(join(root, 'src', 'cli.ts'), cli)
  return root
}

interface Outcome {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

function start(root: string, args: string[] = [], env: NodeJS.ProcessEnv = {}): Promise<Outcome> {
  return new Promise((done) => {
    const options = { env: { ...process.env, ...env } }
    const child = execFile(
      process.execPath,
      [join(root, 'bin', 'gatehouse.mjs'), ...args],
      options,
      (_, stdout, stderr) => done({ code: child.exitCode, stdout, stderr }),
    )
  })
}

describe('gatehouse.mjs in a fresh checkout', () => {
  it('installs and builds once, in few words, and then is silent', async () => {
    await using folder = await temporaryFolder()
    const root = await checkout(folder)

    // npm's own settings of whoever runs us, and a production environment, must not lose the compiler.
    const env = { NODE_ENV: 'production', npm_config_omit: 'dev', npm_config_global: 'true' }
    const first = await start(root, ['up', '--quiet'], env)
    const second = await start(root, ['up'])

    expect(first).toMatchObject({ code: 7, stdout: 'up --quiet\n' })
    expect(first.stderr).toBe(
      'gatehouse: installing packages (once, up to a minute or two)\ngatehouse: building dist\n',
    )
    expect(second).toEqual({ code: 7, stdout: 'up\n', stderr: '' })
    expect((await readdir(root)).filter((name) => name.startsWith('.'))).toEqual([])
  })

  it('prepares once when two start at the same time', async () => {
    await using folder = await temporaryFolder()
    const root = await checkout(folder)

    const outcomes = await Promise.all([start(root, ['one']), start(root, ['two'])])

    expect(outcomes.map(({ code, stdout }) => [code, stdout])).toEqual([
      [7, 'one\n'],
      [7, 'two\n'],
    ])
    const said = outcomes.map(({ stderr }) => stderr).join('')
    expect(said.match(/building dist/g)).toHaveLength(1)
    expect(said.match(/installing/g)).toHaveLength(1)
  })

  it('builds again when a source is changed, added or removed', async () => {
    await using folder = await temporaryFolder()
    const root = await checkout(folder)
    await start(root)

    await writeFile(join(root, 'src', 'cli.ts'), CLI.replace('= 7', '= 8'))
    expect(await start(root)).toMatchObject({ code: 8, stderr: 'gatehouse: building dist\n' })
    await writeFile(join(root, 'src', 'more.ts'), 'export const more = 1\n')
    expect((await start(root)).stderr).toBe('gatehouse: building dist\n')
    expect(await readdir(join(root, 'dist'))).toContain('more.js')
    await rm(join(root, 'src', 'more.ts'))
    expect((await start(root)).stderr).toBe('gatehouse: building dist\n')
    expect(await readdir(join(root, 'dist'))).not.toContain('more.js')
  })

  it('takes packages that somebody else installed, and installs anew what does not agree', async () => {
    await using folder = await temporaryFolder()
    const root = await checkout(folder)
    await start(root)
    await rm(join(root, 'node_modules', '.gatehouse-stamp'))
    expect((await start(root)).stderr).toBe('')

    const noted = join(root, 'node_modules', '.package-lock.json')
    await writeFile(noted, (await readFile(noted, 'utf8')).replaceAll('"link": true', '"link": false'))
    expect((await start(root)).stderr).toContain('installing packages')
    expect((await start(root)).stderr).toBe('')
  })

  it('shows what the compiler said, and starts nothing, when the source is wrong', async () => {
    await using folder = await temporaryFolder()
    const root = await checkout(folder, 'const wrong: string = 1\nprocess.stdout.write(wrong)\n')
    const { code, stdout, stderr } = await start(root)
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(stderr).toMatch(/error: tsc failed \(exit code \d\)\nsrc\/cli\.ts\(1,7\): error TS2322/)
    expect(await readdir(root)).not.toContain('dist')
  })

  it('shows what npm said when it fails', async () => {
    await using folder = await temporaryFolder()
    const root = await checkout(folder)
    await writeFile(join(root, 'package-lock.json'), '{"lockfileVersion":3,"packages":{}}')
    const { code, stderr } = await start(root)
    expect(code).toBe(1)
    expect(stderr).toMatch(/error: npm ci failed \(exit code 1\)\n(?:.*\n)*npm error /)
  })

  it('is not held up by one that died at it', async () => {
    await using folder = await temporaryFolder()
    const root = await checkout(folder)
    const dead = spawn(process.execPath, ['-e', ''])
    await once(dead, 'exit')
    await mkdir(join(root, '.gatehouse'))
    await writeFile(join(root, '.gatehouse', 'prepare.lock'), String(dead.pid))
    await writeFile(join(root, '.gatehouse', 'data'), 'kept')
    expect(await start(root)).toMatchObject({ code: 7 })
    expect(await readdir(join(root, '.gatehouse'))).toEqual(['data'])
  })

  it('runs the cli in the same process, so that signals reach it', async () => {
    await using folder = await temporaryFolder()
    const root = await checkout(folder, SERVER)
    const child = spawn(process.execPath, [join(root, 'bin', 'gatehouse.mjs')], {
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    const [pid] = (await once(child.stdout, 'data')) as [Buffer]
    expect(Number(pid.toString())).toBe(child.pid)
    child.kill('SIGTERM')
    expect(await once(child, 'exit')).toEqual([3, null])
  })
})

describe('gatehouse.mjs in an installed package', () => {
  it('only starts: there is no src, and nothing to do', async () => {
    await using folder = await temporaryFolder()
    const root = await checkout(folder)
    await rm(join(root, 'src'), { recursive: true })
    await mkdir(join(root, 'dist'))
    await writeFile(join(root, 'dist', 'cli.js'), CLI)
    expect(await start(root, ['serve'])).toEqual({ code: 7, stdout: 'serve\n', stderr: '' })
  })
})

describe('gatehouse.mjs on an old Node', () => {
  it('says in one line what is needed', async () => {
    await using folder = await temporaryFolder()
    const root = await checkout(folder)
    const pretend = join(folder.path, 'old.cjs')
    await writeFile(pretend, `Object.defineProperty(process.versions, 'node', { value: '20.18.3' })`)
    const { code, stdout, stderr } = await start(root, [], { NODE_OPTIONS: `--require=${pretend}` })
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(stderr).toBe('gatehouse: error: node 20.19 or newer is needed, this is 20.18.3\n')
  })
})

describe('test.mjs', () => {
  it.each([
    ['0', 0],
    ['4', 4],
  ])('hands its arguments to vitest, and exit code %s on', async (wish, code) => {
    await using folder = await temporaryFolder()
    const root = await checkout(folder)
    await start(root)
    await mkdir(join(root, 'dist', 'nats'))
    await writeFile(
      join(root, 'dist', 'nats', 'server-binary.js'),
      `export const NATS_SERVER = {}\nexport const findServer = async () => undefined\n`,
    )
    await mkdir(join(root, 'node_modules', 'vitest'))
    await writeFile(
      join(root, 'node_modules', 'vitest', 'vitest.mjs'),
      `console.log(process.argv.slice(2).join(' ')); process.exitCode = Number(process.argv[3])`,
    )
    const child = spawn(process.execPath, [join(root, 'bin', 'test.mjs'), wish, '-t', 'one'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const said = child.stdout.toArray()
    expect(await once(child, 'exit')).toEqual([code, null])
    expect((await said).join('')).toBe(`run ${wish} -t one\n`)
  })
})
