/** One entry as the trie holds it: a queue group that limits it, if any, and which entry it was. */
interface Leaf {
  readonly queue: string | undefined
  readonly index: number
}

interface Node {
  readonly children: Map<string, Node>
  readonly leaves: Leaf[]
}

/** Is the first queue group (a pattern, or none for every group) at least as wide as the second? */
type QueueCovers = (wide: string | undefined, narrow: string | undefined) => boolean

/**
 * Entries by their tokens, so that what covers one is found by walking its tokens: at each, the same token, `*`, or
 * the end at `>`. A list of thousands is looked through in milliseconds.
 */
export class SubjectTrie {
  readonly #root: Node = { children: new Map(), leaves: [] }
  readonly #queueCovers: QueueCovers
  #stepsLeft: number

  /** Looks at so many tokens at most, all questions together: entries of many `*` can send each walk everywhere. */
  constructor(queueCovers: QueueCovers, stepsMax: number) {
    this.#queueCovers = queueCovers
    this.#stepsLeft = stepsMax
  }

  get isSpent(): boolean {
    return this.#stepsLeft < 0
  }

  add(tokens: readonly string[], leaf: Leaf): void {
    let node = this.#root
    for (const token of tokens) {
      let next = node.children.get(token)
      if (next === undefined) {
        next = { children: new Map(), leaves: [] }
        node.children.set(token, next)
      }
      node = next
    }
    node.leaves.push(leaf)
  }

  /** Does another entry than this one cover it? Once it is spent nothing is found any more. */
  isCovered(tokens: readonly string[], leaf: Leaf): boolean {
    return this.#walk(this.#root, { tokens, at: 0, leaf })
  }

  /** Entries with a subject that both they and this one match; only some of them once it is spent. */
  overlapping(tokens: readonly string[]): readonly Leaf[] {
    const found: Leaf[] = []
    this.#meet(this.#root, { tokens, at: 0, found })
    return found
  }

  #meet(node: Node, sought: { tokens: readonly string[]; at: number; found: Leaf[] }): void {
    const { tokens, at, found } = sought
    this.#stepsLeft -= 1 + node.leaves.length
    if (this.isSpent) return
    const token = tokens[at]
    if (token === undefined) {
      found.push(...node.leaves)
      return
    }
    if (token === '>') {
      for (const child of node.children.values()) this.#collect(child, found)
      return
    }
    found.push(...(node.children.get('>')?.leaves ?? []))
    const next = { ...sought, at: at + 1 }
    for (const child of childrenMeeting(node, token)) this.#meet(child, next)
  }

  #walk(node: Node, sought: { tokens: readonly string[]; at: number; leaf: Leaf }): boolean {
    const { tokens, at, leaf } = sought
    this.#stepsLeft -= 1
    if (this.isSpent) return false
    const token = tokens[at]
    if (token === undefined) return this.#ends(node, leaf)
    if (this.#ends(node.children.get('>'), leaf)) return true
    if (token === '>') return false
    const next = { ...sought, at: at + 1 }
    const [same, any] = [node.children.get(token), token === '*' ? undefined : node.children.get('*')]
    return (same !== undefined && this.#walk(same, next)) || (any !== undefined && this.#walk(any, next))
  }

  #collect(node: Node, found: Leaf[]): void {
    this.#stepsLeft -= 1 + node.leaves.length
    if (this.isSpent) return
    found.push(...node.leaves)
    for (const child of node.children.values()) this.#collect(child, found)
  }

  #ends(node: Node | undefined, leaf: Leaf): boolean {
    return (
      node?.leaves.some(({ queue, index }) => index !== leaf.index && this.#queueCovers(queue, leaf.queue)) ??
      false
    )
  }
}

function childrenMeeting({ children }: Node, token: string): readonly Node[] {
  if (token === '*') return [...children].flatMap(([key, child]) => (key === '>' ? [] : child))
  return [children.get(token), children.get('*')].filter((child) => child !== undefined)
}
