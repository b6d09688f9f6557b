import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { temporaryFolder, type Folder } from './programs.ts'
import { gatehouse, type Finished } from './up.ts'
import { openWorld, type World } from './world.ts'

interface Given {
  readonly input?: string
  readonly env?: Readonly<Record<string, string>>
}

/** The program beside a world, with a configuration of its own: nothing of whoever runs the tests is in it. */
export interface CommandLine extends AsyncDisposable {
  readonly world: World
  readonly folder: Folder
  /** `XDG_CONFIG_HOME` */
  readonly config: string
  /** Holds the token of the admin. */
  readonly tokenFile: string
  /** Runs it without any word of where to connect. */
  bare(args: readonly string[], given?: Given): Promise<Finished>
  /** Runs it as the admin. */
  admin(args: readonly string[], given?: Given): Promise<Finished>
}

export async function openCommandLine(): Promise<CommandLine> {
  const [world, folder] = await Promise.all([openWorld(), temporaryFolder()])
  const config = join(folder.path, 'config')
  const tokenFile = join(folder.path, 'admin.token')
  await writeFile(tokenFile, `${world.tokens['admin'] ?? ''}\n`)
  const ours = {
    ...{ NATS_URL: '', NATS_TOKEN: '', NATS_CREDS: '' },
    XDG_CONFIG_HOME: config,
    GATEHOUSE_DATA_DIR: join(folder.path, 'none'),
  }
  const bare = async (args: readonly string[], { input, env = {} }: Given = {}): Promise<Finished> => {
    await using started = gatehouse(args, { env: { ...ours, ...env }, ...(input !== undefined && { input }) })
    return await started.finished
  }
  await bare(['--version']) // The first one builds it, and says so.
  return {
    world,
    folder,
    config,
    tokenFile,
    bare,
    admin: (args, given) => bare([...args, '--server', world.server.url, '--token-file', tokenFile], given),
    async [Symbol.asyncDispose]() {
      await world[Symbol.asyncDispose]()
      await folder[Symbol.asyncDispose]()
    },
  }
}

export function json(text: string): Readonly<Record<string, unknown>> {
  return JSON.parse(text) as Readonly<Record<string, unknown>>
}
