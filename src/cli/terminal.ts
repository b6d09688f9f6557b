import { styleText } from 'node:util'

/**
 * One stream to a person or a program. It never throws and never piles up: what nobody reads in time is dropped, and
 * once the reader has gone (`gatehouse up | head -1`) nothing is said any more. The process lives on without it.
 */
export interface Outlet {
  readonly hasColors: boolean
  readonly isTTY: boolean
  write(text: string): void
}

/** Where a command speaks: results to `out`, everything else to `err`. */
export interface Terminal {
  readonly out: Outlet
  readonly err: Outlet
}

export function outlet(stream: NodeJS.WriteStream): Outlet {
  let isRead = true
  stream.on('error', () => (isRead = false))
  return {
    isTTY: stream.isTTY,
    hasColors: stream.isTTY && stream.hasColors(),
    write(text) {
      if (isRead && !stream.writableNeedDrain) stream.write(text)
    },
  }
}

type Style = Parameters<typeof styleText>[0]

/** Colour on a terminal, plain text everywhere else; `NO_COLOR` is honoured by Node. */
export function styled({ hasColors }: Outlet, style: Style, text: string): string {
  return hasColors ? styleText(style, text) : text
}
