import type { Command as Program } from 'commander'

export const SHELLS = ['bash', 'zsh', 'fish'] as const
export type ShellName = (typeof SHELLS)[number]

/** What an argument is called that is the name of a context. */
export const CONTEXT_ARGUMENT = 'context'

/** One place on the command line, and what can follow. */
interface Place {
  /** ` user list`; empty for the program itself. */
  readonly at: string
  readonly commands: readonly Word[]
  readonly flags: readonly Flag[]
  /** What the argument can be, where that is a closed list. */
  readonly words: readonly string[]
  /** The argument is the name of a context. */
  readonly takesContext: boolean
}

interface Word {
  readonly word: string
  readonly description: string
}

interface Flag extends Word {
  readonly takes: 'nothing' | 'text' | 'file' | 'context'
  readonly choices: readonly string[]
}

/** A script that completes commands, verbs, flags, words with a closed list, contexts and files. */
export function completionScript(program: Program, shell: ShellName): string {
  const places = placesOf(program, '')
  switch (shell) {
    case 'bash':
      return bash(places)
    case 'zsh':
      return zsh(places)
    case 'fish':
      return fish(places)
  }
}

function placesOf(program: Program, at: string): Place[] {
  const children = program.commands.flatMap((child) =>
    [child.name(), ...child.aliases()].map((word) => ({ word, child, description: child.description() })),
  )
  const below = children.flatMap(({ word, child }) => placesOf(child, `${at} ${word}`))
  const flags = program.options.filter(({ hidden }) => !hidden).map(flagOf)
  const help: Flag = { word: '--help', description: 'show how it is used', takes: 'nothing', choices: [] }
  const [argument] = program.registeredArguments
  const words = argument?.argChoices ?? []
  const takesContext = argument?.name() === CONTEXT_ARGUMENT
  return [{ at, commands: children, flags: [...flags, help], words, takesContext }, ...below]
}

function flagOf({ long, description, required, argChoices, flags }: Program['options'][number]): Flag {
  const word = long ?? flags
  const takes = !required
    ? 'nothing'
    : word === '--context'
      ? 'context'
      : /<(?:file|dir)>/.test(flags)
        ? 'file'
        : 'text'
  return { word, description, takes, choices: argChoices ?? [] }
}

/** Of flags that take something, what the completion of it is: a case for every place and flag. */
function values(places: readonly Place[], takes: Flag['takes']): readonly string[] {
  return places.flatMap(({ at, flags }) =>
    flags
      .filter((flag) => flag.takes === takes && flag.choices.length === 0)
      .map(({ word }) => `'${at}:${word}'`),
  )
}

function choices(places: readonly Place[]): readonly (readonly [string, readonly string[]])[] {
  return places.flatMap(({ at, flags }) =>
    flags
      .filter((flag) => flag.choices.length > 0)
      .map((flag) => [`'${at}:${flag.word}'`, flag.choices] as const),
  )
}

/** Lines of a `case`, none where there is nothing to match. */
function when(patterns: readonly string[], then: string): readonly string[] {
  return patterns.length === 0 ? [] : [`    ${patterns.join('|')}) ${then} ;;`]
}

/** Patterns for where the argument is the name of a context. */
function ofContexts(places: readonly Place[]): readonly string[] {
  return places.flatMap(({ at, takesContext }) => (takesContext ? [`'${at}'`] : []))
}

/** A `case` on the place, none where there is nothing to match. */
function inCase(patterns: readonly string[], then: string): readonly string[] {
  return patterns.length === 0 ? [] : ['  case "$at" in', ...when(patterns, then), '  esac']
}

const CONTEXTS =
  'ls "${XDG_CONFIG_HOME:-$HOME/.config}/gatehouse/context" 2>/dev/null | sed -n "s/\\.json$//p"'

function bash(places: readonly Place[]): string {
  const known = places.filter(({ at }) => at !== '').map(({ at }) => `'${at}'`)
  const words = (texts: readonly Word[]): string => texts.map(({ word }) => word).join(' ')
  return [
    '# Completion of gatehouse for bash: source <(gatehouse completion bash)',
    '_gatehouse() {',
    '  local cur="${COMP_WORDS[COMP_CWORD]}" prev="${COMP_WORDS[COMP_CWORD-1]}" at="" commands="" flags="" i',
    '  for ((i = 1; i < COMP_CWORD; i++)); do',
    '    case "$at ${COMP_WORDS[i]}" in',
    `    ${known.join('|')}) at="$at \${COMP_WORDS[i]}" ;;`,
    '    *) break ;;',
    '    esac',
    '  done',
    '  case "$at:$prev" in',
    ...choices(places).map(
      ([place, list]) => `    ${place}) COMPREPLY=($(compgen -W '${list.join(' ')}' -- "$cur")); return ;;`,
    ),
    ...when(values(places, 'file'), 'COMPREPLY=($(compgen -f -- "$cur")); return'),
    ...when(values(places, 'context'), `COMPREPLY=($(compgen -W "$(${CONTEXTS})" -- "$cur")); return`),
    ...when(values(places, 'text'), 'COMPREPLY=(); return'),
    '  esac',
    '  case "$at" in',
    ...places.map(
      ({ at, commands, flags, words: choice }) =>
        `    '${at}') commands='${[words(commands), ...choice].join(' ').trim()}' flags='${words(flags)}' ;;`,
    ),
    '  esac',
    ...inCase(ofContexts(places), `commands="$(${CONTEXTS})"`),
    '  if [[ $cur == -* ]]; then COMPREPLY=($(compgen -W "$flags" -- "$cur"))',
    '  else COMPREPLY=($(compgen -W "$commands" -- "$cur")); fi',
    '}',
    'complete -o default -F _gatehouse gatehouse',
    '',
  ].join('\n')
}

/** In single quotes, for all three. */
function quoted(text: string): string {
  return `'${text.replaceAll('\n', ' ').replaceAll("'", `'\\''`)}'`
}

function zsh(places: readonly Place[]): string {
  const known = places.filter(({ at }) => at !== '').map(({ at }) => `'${at}'`)
  const described = (texts: readonly Word[]): string =>
    texts.map(({ word, description }) => quoted(`${word}:${description.replaceAll(':', '\\:')}`)).join(' ')
  return [
    '#compdef gatehouse',
    '# Completion of gatehouse for zsh: source <(gatehouse completion zsh), after compinit',
    '_gatehouse() {',
    '  local at="" i cur="$words[CURRENT]" prev="$words[CURRENT-1]"',
    '  local -a commands flags contexts',
    '  for ((i = 2; i < CURRENT; i++)); do',
    '    case "$at $words[i]" in',
    `    ${known.join('|')}) at="$at $words[i]" ;;`,
    '    *) break ;;',
    '    esac',
    '  done',
    '  case "$at:$prev" in',
    ...choices(places).map(([place, list]) => `    ${place}) compadd -- ${list.join(' ')}; return ;;`),
    ...when(values(places, 'file'), '_files; return'),
    ...when(values(places, 'context'), `contexts=(\${(f)"$(${CONTEXTS})"}); compadd -- $contexts; return`),
    ...when(values(places, 'text'), 'return'),
    '  esac',
    '  case "$at" in',
    ...places.map(({ at, commands, flags, words: choice }) => {
      const listed = [described(commands), ...choice].join(' ').trim()
      return `    '${at}') commands=(${listed}) flags=(${described(flags)}) ;;`
    }),
    '  esac',
    ...inCase(ofContexts(places), `commands=(\${(f)"$(${CONTEXTS})"})`),
    '  if [[ $cur == -* ]]; then _describe flag flags',
    '  elif ((${#commands})); then _describe command commands',
    '  else _files; fi',
    '}',
    'compdef _gatehouse gatehouse',
    '',
  ].join('\n')
}

const FISH_CONTEXTS = `"(path change-extension '' (path basename ~/.config/gatehouse/context/*.json))"`

function fish(places: readonly Place[]): string {
  const known = places.filter(({ at }) => at !== '').map(({ at }) => `'${at}'`)
  return [
    '# Completion of gatehouse for fish: gatehouse completion fish | source',
    'function __gatehouse_at',
    '  set -l typed (commandline -opc)',
    '  set -e typed[1]',
    "  set -l at ''",
    '  for word in $typed',
    '    switch "$at $word"',
    `      case ${known.join(' ')}`,
    '        set at "$at $word"',
    "      case '*'",
    '        break',
    '    end',
    '  end',
    '  test "$at" = "$argv[1]"',
    'end',
    'complete -c gatehouse -e',
    ...places.flatMap(({ at, commands, flags, words, takesContext }) => {
      const here = `complete -c gatehouse -n ${quoted(`__gatehouse_at "${at}"`)}`
      return [
        ...(words.length === 0 ? [] : [`${here} -f -a ${quoted(words.join(' '))}`]),
        ...(takesContext ? [`${here} -f -a ${FISH_CONTEXTS}`] : []),
        ...commands.map(({ word, description }) => `${here} -f -a ${word} -d ${quoted(description)}`),
        ...flags.map(
          (flag) => `${here} -l ${flag.word.slice(2)} ${fishValue(flag)} -d ${quoted(flag.description)}`,
        ),
      ]
    }),
    '',
  ].join('\n')
}

function fishValue({ takes, choices }: Flag): string {
  if (choices.length > 0) return `-x -a ${quoted(choices.join(' '))}`
  switch (takes) {
    case 'nothing':
      return '-f'
    case 'file':
      return '-r -F'
    case 'context':
      return `-x -a ${FISH_CONTEXTS}`
    case 'text':
      return '-x'
  }
}
