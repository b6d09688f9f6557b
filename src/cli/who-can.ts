import type { Reply } from '../nats/client.ts'
import { written, type Format } from './output.ts'
import type { Shell } from './shell.ts'
import { cell, plain, type Row } from './table.ts'
import { styled } from './terminal.ts'

/** Shows who can as pages come in: of a hundred thousand users the first are there at once. */
export async function showWhoCan(pages: AsyncIterable<Reply>, format: Format, shell: Shell): Promise<void> {
  await (format === 'table' ? asGroups(pages, shell) : asItems(pages, format, shell))
}

/** One document, written piece by piece; nothing of it before there is something to tell. */
async function asItems(
  pages: AsyncIterable<Reply>,
  format: 'json' | 'yaml',
  { print }: Shell,
): Promise<void> {
  let [count, last, barred]: [number, Reply, number] = [0, {}, 0]
  for await (const page of pages) {
    if (count === 0 && last['items'] === undefined) await print(format === 'json' ? '{"items": [' : '')
    for (const item of itemsOf(page)) {
      if (format === 'json') await print(`${count === 0 ? '\n' : ',\n'}${JSON.stringify(item)}`)
      else await print(`${count === 0 ? 'items:\n' : ''}${indented(written([item], 'yaml'))}`)
      count += 1
    }
    barred += Number(page['barred'])
    last = page
  }
  const rest = { barred, ...(last['next'] !== undefined && { next: last['next'] }) }
  if (format === 'json') await print(`\n], ${JSON.stringify(rest).slice(1)}\n`)
  else await print(`${count === 0 ? 'items: []\n' : ''}${written(rest, 'yaml')}`)
}

function indented(text: string): string {
  return text.replaceAll(/^(?=.)/gm, '  ')
}

async function asGroups(pages: AsyncIterable<Reply>, { print, terminal }: Shell): Promise<void> {
  const counts = new Map<string, number>()
  let [group, barred, next]: [string, number, unknown] = ['', 0, undefined]
  for await (const page of pages) {
    barred += Number(page['barred'])
    next = page['next']
    for (const { policy, version, via, entry, account, user } of itemsOf(page)) {
      const head = plain(`${cell(policy)} v${cell(version)}`)
      counts.set(head, (counts.get(head) ?? 0) + 1)
      if (head !== group) await print(`${styled(terminal.out, 'bold', head)}\n`)
      group = head
      await print(plain(`  ${cell(account)}/${cell(user)}  ${cell(entry)} (${cell(via)})`) + '\n')
    }
  }
  terminal.err.write(`gatehouse: ${summary(counts, barred)}\n`)
  if (next !== undefined) terminal.err.write(`gatehouse: there are more: --after ${cell(next)} goes on\n`)
}

function summary(counts: ReadonlyMap<string, number>, barred: number): string {
  const told = [...counts].map(([policy, count]) => `${count} by ${policy}`).join(', ')
  const locked = barred === 0 ? '' : `; ${barred} more could, and are locked, expired or suspended`
  return `${told === '' ? 'nobody can' : told}${locked}`
}

function itemsOf({ items }: Reply): readonly Row[] {
  return Array.isArray(items) ? (items as readonly Row[]) : []
}
