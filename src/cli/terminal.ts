import { styleText } from 'node:util'

/** Where a command speaks: results to `out`, everything else to `err`. */
export interface Terminal {
  readonly out: NodeJS.WriteStream
  readonly err: NodeJS.WriteStream
}

type Style = Parameters<typeof styleText>[0]

/** Colour on a terminal, plain text everywhere else; `NO_COLOR` is honoured by Node. */
export function styled(stream: NodeJS.WriteStream, style: Style, text: string): string {
  return stream.isTTY && stream.hasColors() ? styleText(style, text) : text
}
