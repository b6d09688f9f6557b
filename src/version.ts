import { readFileSync } from 'node:fs'

/** Of this package: for people, for the micro service's INFO, and in every event. */
export const VERSION = (
  JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
    readonly version: string
  }
).version
