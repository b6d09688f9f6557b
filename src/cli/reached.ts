import { isMap } from './body.ts'
import { cell, type Row } from './table.ts'

/** What a reply says of connections that were open and of replicas that are behind, in words. Empty for neither. */
export function reached({ connections, behind }: Row): string {
  const lines: string[] = []
  if (isMap(connections)) {
    const [kicked, left] = [cell(connections['kicked']), cell(connections['left'])]
    lines.push(
      left === '0'
        ? `connections ended: ${kicked}`
        : `connections ended so far: ${kicked}, still to be ended: ${left}`,
    )
  }
  if (Array.isArray(behind))
    lines.push(
      `not all replicas know of it yet; behind: ${behind.map((replica) => cell(replica)).join(', ')}`,
    )
  return lines.map((line) => `gatehouse: ${line}\n`).join('')
}
