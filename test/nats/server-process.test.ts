import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readFile, readdir, stat, writeFile } from 'node:fs/promises'
import { connect as connectTcp, createServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { connect } from '@nats-io/transport-node'
import { beforeAll, describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { notedProcess, processIdentity, processNote } from '../../src/nats/process-identity.ts'
import {
  startServer,
  stopOrphan,
  type ServerOptions,
  type ServerProcess,
} from '../../src/nats/server-process.ts'
import { newestServer, oldestServer } from '../support/binaries.ts'
import { temporaryFolder, writeProgram, type Folder } from '../support/programs.ts'

const LISTEN = 'listen: "127.0.0.1:-1"'
const EVERYTHING = `${LISTEN}
server_name: everything
http: "127.0.0.1:-1"
websocket { listen: "127.0.0.1:-1", no_tls: true }
mqtt { listen: "127.0.0.1:-1" }
jetstream { store_dir: "STORE" }`

let binary: string
beforeAll(async () => {
  binary = await newestServer()
})

async function start(
  folder: Folder,
  config = LISTEN,
  extra: Partial<ServerOptions> = {},
): Promise<ServerProcess> {
  const configFile = join(folder.path, 'server.conf')
  await writeFile(configFile, config.replace('STORE', join(folder.path, 'store')))
  const portsDir = join(folder.path, 'ports')
  return startServer({ binary, configFile, env: process.env, portsDir, log: () => undefined, ...extra })
}

async function isOpen(port: number): Promise<boolean> {
  const socket = connectTcp(port, '127.0.0.1')
  try {
    await once(socket, 'connect')
    return true
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}

async function until(condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition())) await sleep(5)
}

describe('a nats-server', () => {
  it.each([
    ['the newest', newestServer],
    ['the oldest', oldestServer],
  ])('(%s) is ready on every port that the kernel chose for it', async (_, find) => {
    await using folder = await temporaryFolder()
    await using server = await start(folder, EVERYTHING, { binary: await find() })
    const { nats, monitoring, websocket, mqtt } = server.ports

    expect(new Set([nats, monitoring, websocket, mqtt]).size).toBe(4)
    expect(server.url).toBe(`nats://127.0.0.1:${nats}`)
    for (const port of [nats, monitoring, websocket, mqtt]) expect(await isOpen(port!)).toBe(true)
    const nc = await connect({ servers: server.url })
    await nc.close()
    const socket = new WebSocket(`ws://127.0.0.1:${websocket}`)
    const [info] = (await once(socket, 'message')) as [Buffer]
    expect(info.toString()).toMatch(/^INFO /)
    socket.terminate()
  })

  it('has no ports but those that are configured', async () => {
    await using folder = await temporaryFolder()
    await using server = await start(folder)
    expect(Object.keys(server.ports)).toEqual(['nats'])
  })

  it('is reached by way of this machine when it listens to all', async () => {
    await using folder = await temporaryFolder()
    await using server = await start(folder, 'listen: "0.0.0.0:-1"')
    const nc = await connect({ servers: server.url })
    await nc.close()
    expect(await isOpen(server.ports.nats)).toBe(true)
  })

  it('logs to us, and takes further arguments', async () => {
    await using folder = await temporaryFolder()
    const lines: string[] = []
    await using server = await start(folder, LISTEN, {
      log: (line) => lines.push(line),
      args: ['--name', 'frida'],
    })
    expect(lines.some((line) => line.endsWith('Server is ready'))).toBe(true)
    expect(lines.some((line) => line.includes('frida'))).toBe(true)
    expect(server.pid).toBeGreaterThan(0)
  })

  it('is in a process group of its own, out of the reach of Ctrl-C', async () => {
    await using folder = await temporaryFolder()
    await using server = await start(folder)
    process.kill(-server.pid, 0) // Throws unless a group has that number.
    expect(await processIdentity(server.pid)).toBeDefined()
  })

  it('is gone, and so is what it left, when its scope ends', async () => {
    await using folder = await temporaryFolder()
    const pidFile = join(folder.path, 'run', 'server.pid')
    let server: ServerProcess
    {
      await using scoped = await start(folder, LISTEN, { pidFile })
      server = scoped
      expect(await notedProcess(await readFile(pidFile, 'utf8'))).toBe(server.pid)
    }
    expect(await server.exited).toEqual({ code: 0, signal: null })
    expect(await processIdentity(server.pid)).toBeUndefined()
    expect(await isOpen(server.ports.nats)).toBe(false)
    expect(await readdir(join(folder.path, 'run'))).toEqual([])
    await server[Symbol.asyncDispose]() // Twice is not an error.
  })

  it('tells when it dies by itself', async () => {
    await using folder = await temporaryFolder()
    await using server = await start(folder)
    process.kill(server.pid, 'SIGKILL')
    expect(await server.exited).toEqual({ code: null, signal: 'SIGKILL' })
  })

  it('is not mistaken for one that was killed and left its ports file', async () => {
    await using folder = await temporaryFolder()
    {
      await using first = await start(folder)
      process.kill(first.pid, 'SIGKILL')
      await first.exited
    }
    const [stale] = await readdir(join(folder.path, 'ports'))
    expect(stale).toMatch(/\.ports$/)

    await using second = await start(folder)

    expect(await isOpen(second.ports.nats)).toBe(true)
    expect(await readdir(join(folder.path, 'ports'))).not.toContain(stale)
  })

  it('is killed if it will not stop', async () => {
    await using folder = await temporaryFolder()
    const stubborn = await writeProgram(
      join(folder.path, 'stubborn'),
      `trap '' TERM
printf '{"nats":["nats://127.0.0.1:4"]}' > "$4/stubborn_$$.ports"
while :; do read -r line < /dev/null; /bin/sleep 0.1; done`,
    )
    const server = await start(folder, LISTEN, { binary: stubborn })
    await server[Symbol.asyncDispose]()
    expect(await server.exited).toEqual({ code: null, signal: 'SIGKILL' })
  }, 20_000)
})

describe('a nats-server that does not start', () => {
  it('says which address is taken', async () => {
    await using folder = await temporaryFolder()
    const other = createServer().listen(0, '127.0.0.1')
    await once(other, 'listening')
    const { port } = other.address() as AddressInfo
    try {
      const starting = start(folder, `listen: "127.0.0.1:${port}"`)
      await expect(starting).rejects.toMatchObject({
        code: 'server_failed',
        message: `nats-server cannot listen on 127.0.0.1:${port}: another program, perhaps another nats-server, already does`,
      })
    } finally {
      other.close()
    }
  })

  it('gives its last words', async () => {
    await using folder = await temporaryFolder()
    const starting = start(folder, 'no_such_thing: 1', { pidFile: join(folder.path, 'server.pid') })
    await expect(starting).rejects.toMatchObject({
      code: 'server_failed',
      message: expect.stringMatching(/exit code 1.*\n.*no_such_thing/s) as string,
    })
    await expect(stat(join(folder.path, 'server.pid'))).rejects.toThrow('ENOENT')
  })

  it('is not waited for for ever', async () => {
    await using folder = await temporaryFolder()
    const idle = await writeProgram(join(folder.path, 'idle'), 'echo dreaming; exec /bin/sleep 1000')
    const starting = start(folder, LISTEN, { binary: idle, readyMsMax: 300 })
    await expect(starting).rejects.toThrow(/not ready after 0\.3 s.*dreaming/s)
  })

  it('may not be there at all', async () => {
    await using folder = await temporaryFolder()
    const starting = start(folder, LISTEN, { binary: join(folder.path, 'none') })
    await expect(starting).rejects.toMatchObject({ code: 'server_failed' })
  })
})

describe('an orphan', () => {
  async function orphan(folder: Folder): Promise<{ child: ChildProcess; pid: number; pidFile: string }> {
    const portsDir = join(folder.path, 'ports')
    const child = spawn(binary, ['-a', '127.0.0.1', '-p', '-1', '--ports_file_dir', folder.path], {
      stdio: 'ignore',
    })
    await once(child, 'spawn')
    await until(async () => (await readdir(folder.path)).some((name) => name.endsWith('.ports')))
    return { child, pid: child.pid!, pidFile: join(portsDir, '..', 'server.pid') }
  }

  it('is ended by its note', async () => {
    await using folder = await temporaryFolder()
    const { child, pid, pidFile } = await orphan(folder)
    const exit = once(child, 'exit')
    await writeFile(pidFile, await processNote(pid))

    expect(await stopOrphan({ pidFile })).toBe(true)

    await exit
    expect(await processIdentity(pid)).toBeUndefined()
    expect(await stopOrphan({ pidFile })).toBe(false)
  })

  it.each([
    ['the pid is that of another process by now', (pid: number) => `${pid} 00000000-0000:1`],
    ['the note is only a pid', (pid: number) => `${pid}`],
    ['the note is only a pid and a space', (pid: number) => `${pid} `],
    ['the note is torn', (_: number, note: string) => note.slice(0, -1)],
    ['the note is empty', () => ''],
  ])('is no orphan of ours, and lives on, if %s', async (_, change) => {
    await using folder = await temporaryFolder()
    const { child, pid, pidFile } = await orphan(folder)
    await writeFile(pidFile, change(pid, await processNote(pid)))
    try {
      expect(await stopOrphan({ pidFile })).toBe(false)
      expect(await processIdentity(pid)).toBeDefined()
    } finally {
      if (child.kill()) await once(child, 'exit')
    }
  })
})

describe('the identity of a process', () => {
  it('stays the same while it runs', async () => {
    const mine = await processIdentity(process.pid)
    expect(mine).toBeDefined()
    expect(await processIdentity(process.pid)).toBe(mine)
    expect(await notedProcess(await processNote(process.pid))).toBe(process.pid)
  })

  it('differs between processes, and ends with them', async () => {
    const child = spawn('/bin/sleep', ['1000'])
    const identity = await processIdentity(child.pid!)
    expect(identity).not.toBe(await processIdentity(process.pid))
    child.kill('SIGKILL')
    await once(child, 'exit')
    expect(await processIdentity(child.pid!)).toBeUndefined()
  })

  it('is nothing for what is no pid of one process', async () => {
    for (const pid of [0, -1, 1.5, Number.NaN]) expect(await processIdentity(pid)).toBeUndefined()
  })
})
