import type { ErrorCode } from '../errors.ts'
import type { Environment } from './binary-run.ts'

/** An outside program that Gatehouse needs, and every way there is of getting it. */
export interface Tool {
  /** The name of the program, and of the package that Debian has it in. */
  readonly name: string
  /** The oldest version that will do. */
  readonly minimum: string
  /** The version that is fetched. */
  readonly pinned: string
  /** The variable with which a user names a program of their own. */
  readonly variable: string
  /** The variable with which a user names a mirror of `downloads`. */
  readonly downloadsVariable: string
  /** Where release archives are: `<downloads>/v<version>/<file>`, with `SHA256SUMS` beside them. */
  readonly downloads: string
  readonly archive: (target: Target) => Archive
  /** Where the Debian package has the program. */
  readonly packagedAt: string
  readonly goModule: string
  /** Thrown when there is none and none can be fetched. */
  readonly missing: ErrorCode
}

/** What an archive must be made for. `os` and `arch` are Go's words (`linux`, `amd64`). */
export interface Target {
  readonly version: string
  readonly os: string
  readonly arch: string
}

export interface Archive {
  readonly file: string
  /** The path of the program inside the archive. */
  readonly member: string
}

/** Something worth telling a person who waits. With `percent` (0 to 100) it replaces the line before it. */
export interface Progress {
  readonly text: string
  readonly percent?: number
}

export type Report = (progress: Progress) => void

export interface Search {
  readonly env: Environment
  readonly report: Report
  /** Precisely this version: from the cache, a release archive or `go install`, and nowhere else. */
  readonly version?: string
  /** By default what `cacheFolder` says. */
  readonly cacheDir?: string
  readonly platform?: NodeJS.Platform
  readonly arch?: string
  readonly signal?: AbortSignal
}

/** `variable`: the user named it. `path`: installed. The rest: kept in the cache, or fetched into it just now. */
export type Origin = 'variable' | 'path' | 'cache' | Way

export type Way = 'release archive' | 'Debian package' | 'go install'

export interface Found {
  /** Absolute. */
  readonly path: string
  readonly version: string
  readonly origin: Origin
}

/** One attempt to fetch a tool into an empty folder, which is removed afterwards whatever happens. */
export interface Fetching {
  readonly tool: Tool
  readonly version: string
  readonly folder: string
  readonly env: Environment
  readonly platform: NodeJS.Platform
  readonly arch: string
  readonly report: Report
  readonly signal: AbortSignal | undefined
}

/** Gives the path of the fetched program, inside the folder. Rejects with a reason in one line. */
export type Fetch = (fetching: Fetching) => Promise<string>
