import { expect, it } from 'vitest'
import { overheard } from '../../src/domain/overheard.ts'

it.each<[what: string, allow: string[], deny: string[], heard: string[]]>([
  ['nothing without a last "*"', ['a.>', '*.b', 'c'], [], []],
  ['nothing where all that is longer can be denied', ['a.*', 'b.>', '*.a'], [], []],
  ['what is as long as something that is allowed', ['a.*', 'a.b.c'], [], ['a.*.*']],
  ['nothing where all of that length is allowed', ['a.*', 'a.*.*'], [], []],
  ['nothing that is denied', ['a.*', 'a.b.c'], ['a.*.*'], []],
  ['everything that is longer, where something of any length is allowed', ['*', '_INBOX.>'], [], ['*.>']],
  ['it for its queue group', ['a.* q', 'a.b.c'], [], ['a.*.* q']],
])('what is overheard is %s', (_, allow, deny, heard) => {
  expect(overheard({ allow, deny })).toEqual(heard)
})
