/**
 * An Aho-Corasick automaton over a set of delimiters (for a single one: Knuth-Morris-Pratt).
 *
 * Owns: what is known of the delimiters after each byte, in one small integer, the *node*. A node stands for the
 * longest run of bytes just seen that some delimiter begins with; `depth` is its length, the bytes a splitter must
 * hold back. It is what carries a half-seen delimiter over a chunk border.
 *
 * Rules: a step looks at one byte, once. Which delimiter ends first, and the longest of those that end together,
 * is decided by the nodes alone, so no cut of the input can change it.
 *
 * Theory: the nodes are a trie of the delimiters; each has a link to the node of its longest proper suffix. Where a
 * byte has no child, the links are followed until it has: at most as many times as bytes went in.
 *
 * Cost: a few integers per delimiter byte (a 16 KiB delimiter is 16 Ki nodes, not 4 M table cells), built on first use.
 */
export class Automaton {
  /** Length of what has been seen of a delimiter, per node. */
  readonly depth: number[] = [0]
  /** The longest delimiter that ends at this node, as an index into the set; -1 where none does. */
  readonly match: number[] = [-1]
  readonly #byte: number[] = [0]
  readonly #firstChild: number[] = [0]
  readonly #sibling: number[] = [0]
  readonly #suffix: number[] = [0]
  readonly #fromRoot: Int32Array = new Int32Array(256)

  /** `delimiters` must not be empty, nor hold an empty one; of equal ones the first counts. */
  constructor(delimiters: readonly Uint8Array[]) {
    for (const [index, delimiter] of delimiters.entries()) this.#insert(delimiter, index)
    this.#link()
  }

  /** The node after one more byte. */
  step(node: number, byte: number): number {
    for (let at = node; at !== ROOT; at = this.#suffix[at] as number) {
      const child = this.#child(at, byte)
      if (child !== ROOT) return child
    }
    return this.#fromRoot[byte] as number
  }

  #child(node: number, byte: number): number {
    let child = this.#firstChild[node] as number
    while (child !== ROOT && this.#byte[child] !== byte) child = this.#sibling[child] as number
    return child
  }

  #insert(delimiter: Uint8Array, index: number): void {
    let node = ROOT
    for (const byte of delimiter) {
      const child = node === ROOT ? (this.#fromRoot[byte] as number) : this.#child(node, byte)
      node = child === ROOT ? this.#add(node, byte) : child
    }
    if (this.match[node] === -1) this.match[node] = index
  }

  #add(parent: number, byte: number): number {
    const node = this.depth.length
    this.depth.push((this.depth[parent] as number) + 1)
    this.match.push(-1)
    this.#byte.push(byte)
    this.#firstChild.push(ROOT)
    this.#suffix.push(ROOT)
    this.#sibling.push(this.#firstChild[parent] as number)
    this.#firstChild[parent] = node
    if (parent === ROOT) this.#fromRoot[byte] = node
    return node
  }

  /** Suffix links, shortest nodes first: a node's link is what its parent's link becomes after the same byte. */
  #link(): void {
    const queue: number[] = []
    this.#eachChild(ROOT, (child) => queue.push(child))
    for (let next = 0; next < queue.length; next++) {
      const node = queue[next] as number
      this.#eachChild(node, (child) => {
        const suffix = this.step(this.#suffix[node] as number, this.#byte[child] as number)
        this.#suffix[child] = suffix
        if (this.match[child] === -1) this.match[child] = this.match[suffix] as number
        queue.push(child)
      })
    }
  }

  #eachChild(node: number, visit: (child: number) => void): void {
    for (let child = this.#firstChild[node] as number; child !== ROOT; child = this.#sibling[child] as number) visit(child)
  }
}

/** Nothing seen of any delimiter. */
export const ROOT = 0
