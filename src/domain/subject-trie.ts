/** One entry as the trie holds it: a queue group that limits it, if any, and which entry it was. */
interface Leaf {
  readonly queue: string | undefined
  readonly index: number
}

interface Node {
  children: Map<string, Node> | undefined
  leaves: Leaf[] | undefined
}

/** What is looked for: the leaves at the end of every way through the trie that these tokens may take. */
interface Sought {
  readonly tokens: readonly string[]
  /** Is this what was looked for? Then nothing else is looked at. */
  readonly isIt: (leaf: Leaf) => boolean
  /** Is a last `>` a token like others, so that `*` matches it? */
  readonly isLiteral: boolean
}

/**
 * Entries by their tokens, so that what covers one is found by walking its tokens: at each, the same token, `*`, or
 * the end at `>`. A list of thousands is looked through in milliseconds.
 */
export class SubjectTrie {
  readonly #root: Node = { children: undefined, leaves: undefined }
  #stepsLeft: number

  /** Looks at so many tokens at most, all questions together: entries of many `*` can send each walk everywhere. */
  constructor(stepsMax = Infinity) {
    this.#stepsLeft = stepsMax
  }

  /** Were there more steps to go? Then not everything has been found. */
  get isSpent(): boolean {
    return this.#stepsLeft < 0
  }

  add(tokens: readonly string[], leaf: Leaf): void {
    let node = this.#root
    for (const token of tokens) {
      node.children ??= new Map()
      let next = node.children.get(token)
      if (next === undefined) {
        next = { children: undefined, leaves: undefined }
        node.children.set(token, next)
      }
      node = next
    }
    if (node.leaves === undefined) node.leaves = [leaf]
    else node.leaves.push(leaf)
  }

  /** Is one of the entries with a subject that covers this one the one looked for? */
  someCovering(tokens: readonly string[], isIt: (leaf: Leaf) => boolean): boolean {
    return this.#walk(this.#root, 0, { tokens, isIt, isLiteral: false })
  }

  /** The same of entries that match the subject as it stands: its wildcards are tokens like others. */
  someMatching(tokens: readonly string[], isIt: (leaf: Leaf) => boolean): boolean {
    return this.#walk(this.#root, 0, { tokens, isIt, isLiteral: true })
  }

  /** Entries with a subject that both they and this one match; only some of them once it is spent. */
  overlapping(tokens: readonly string[]): readonly Leaf[] {
    const found: Leaf[] = []
    this.#meet(this.#root, 0, { tokens, found })
    return found
  }

  #walk(node: Node, at: number, sought: Sought): boolean {
    this.#stepsLeft -= 1
    if (this.isSpent) return false
    const token = sought.tokens[at]
    if (token === undefined) return this.#isAmong(node.leaves, sought)
    const { children } = node
    if (children === undefined) return false
    if (this.#isAmong(children.get('>')?.leaves, sought)) return true
    if (token === '>' && !sought.isLiteral) return false
    const same = token === '*' || token === '>' ? undefined : children.get(token)
    if (same !== undefined && this.#walk(same, at + 1, sought)) return true
    const any = children.get('*')
    return any !== undefined && this.#walk(any, at + 1, sought)
  }

  #isAmong(leaves: readonly Leaf[] | undefined, { isIt }: Sought): boolean {
    if (leaves === undefined) return false
    this.#stepsLeft -= leaves.length // One subject may be there in a thousand queue groups.
    return !this.isSpent && leaves.some(isIt)
  }

  #meet(node: Node, at: number, sought: { tokens: readonly string[]; found: Leaf[] }): void {
    const { tokens, found } = sought
    const tails = node.children?.get('>')?.leaves ?? []
    this.#stepsLeft -= 1 + (node.leaves?.length ?? 0) + tails.length
    if (this.isSpent) return
    const token = tokens[at]
    if (token === undefined) {
      if (node.leaves !== undefined) found.push(...node.leaves)
      return
    }
    if (token === '>') {
      for (const child of node.children?.values() ?? []) this.#collect(child, found)
      return
    }
    found.push(...tails)
    for (const child of childrenMeeting(node, token)) this.#meet(child, at + 1, sought)
  }

  #collect(node: Node, found: Leaf[]): void {
    this.#stepsLeft -= 1 + (node.leaves?.length ?? 0)
    if (this.isSpent) return
    found.push(...(node.leaves ?? []))
    for (const child of node.children?.values() ?? []) this.#collect(child, found)
  }
}

function childrenMeeting({ children }: Node, token: string): readonly Node[] {
  if (children === undefined) return []
  if (token === '*') return [...children].flatMap(([key, child]) => (key === '>' ? [] : child))
  return [children.get(token), children.get('*')].filter((child) => child !== undefined)
}
