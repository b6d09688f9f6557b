import { createInterface } from 'node:readline'
import type { Outlet } from './terminal.ts'

/** Somebody at a terminal. */
export interface Asking {
  readonly input: NodeJS.ReadableStream & { readonly isTTY?: boolean }
  readonly err: Outlet
}

/** Is the answer `yes`? Undefined where there is no terminal to ask at. */
export async function confirmed(question: string, { input, err }: Asking): Promise<boolean | undefined> {
  if (input.isTTY !== true || !err.isTTY) return undefined
  err.write(`${question} `)
  const lines = createInterface({ input })
  try {
    for await (const line of lines) return line.trim() === 'yes'
    return false // Nothing more comes.
  } finally {
    lines.close()
  }
}
