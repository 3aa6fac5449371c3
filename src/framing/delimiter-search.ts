import { ROOT } from './automaton.js'
import type { DelimiterSet } from './delimiter-set.js'
import type { FrameInput } from './frame-input.js'

/** What `#compare` answers when it is no index of a delimiter. */
const NO_MATCH = -1
const NO_CREDIT = -2
/** What `find` answers when the chunk holds no end of a delimiter. */
const NOT_FOUND = -1
const UNKNOWN = -1

/**
 * Finds the next delimiter in a stream that comes in chunks.
 *
 * Owns: what has been seen of a delimiter so far (`#node`), and the count of positions looked at.
 *
 * Rules: the first delimiter to *end* is found, the longest of those that end together. A match never begins before
 * the first byte given since the last `use()`, `restart()` or match. How the input is cut changes nothing.
 *
 * Theory of operation. Where delimiters may end is found with the engine's native search for their last byte, an
 * *anchor*, and checked by comparing backwards. That is several times faster than a native search for the whole
 * delimiter, but an input full of anchors would multiply the comparing. So comparing lives on credit: each byte
 * passed pays for one byte compared, and when the credit is gone the automaton reads on, one look a byte, until
 * enough has been earned again. Over a chunk border the automaton carries the half-seen delimiter: it reads the last
 * bytes of a chunk, then the first ones of the next until no delimiter can have begun before them.
 *
 * Cost: per byte of input one look by the native search of each anchor (or by the automaton) and one by comparing;
 * per chunk at most the length of the longest delimiter. Hot: test/bench, rows `bytes-lf` and `bytes-crlf`.
 */
export class DelimiterSearch {
  /** Positions looked at since the beginning, the found ones included. */
  bytesLookedAt = 0
  /** After a find: index of the delimiter in its set. */
  matched = 0
  /** After a find: length of the delimiter found. */
  matchLength = 0
  #set: DelimiterSet
  /** The byte to look for when a single one is all there is to it, else -1. */
  #onlyByte = -1
  #node: number = ROOT
  /** Looks earned: 2 for each byte passed, less those taken. */
  #credit = 0
  /** Where leaping goes on after a crawl. */
  #at = 0
  /** Where each anchor byte stands next in the chunk `#serial`, at or after every position asked for so far. */
  #next: Int32Array | undefined
  #serial = -1
  /** In a set: the anchor byte that was next last time, where the first of all others stands (or stood). */
  #nearest = 0
  #restNext = UNKNOWN
  /** The delimiter that is this byte and nothing else; -1: it only ends some. */
  #againIndex = -1

  constructor(set: DelimiterSet) {
    this.#set = set
    this.use(set)
  }

  /** Bytes looked at that may turn out to be the beginning of a delimiter. */
  get partialLength(): number {
    return this.#node === ROOT ? 0 : (this.#set.automaton.depth[this.#node] as number)
  }

  /** Looks for these delimiters from the next byte on. What is known of the chunk stays known. */
  use(set: DelimiterSet): void {
    this.#set = set
    this.#againIndex = -1
    this.#onlyByte = set.maxLength === 1 && set.anchors.length === 1 ? (set.anchors[0] as number) : -1
    this.#node = ROOT
  }

  /** Forgets all that was seen: the next bytes given may be ones that were given before. */
  restart(): void {
    this.#node = ROOT
    this.#serial = -1
  }

  /**
   * The position just past the next delimiter in the chunk at hand, from where it stands; -1 when none ends in it,
   * and then the next call gets the bytes that follow it.
   */
  find(input: FrameInput): number {
    const { chunk, at: from } = input
    if (this.#onlyByte === -1) {
      const isSameChunk = input.serial === this.#serial
      if (isSameChunk && this.#againIndex !== -1 && this.#node === ROOT && this.#findAgain(chunk, from)) return this.#at
      return this.#findLonger(chunk, from, input.serial)
    }
    const at = chunk.indexOf(this.#onlyByte, from)
    if (at === -1) {
      this.bytesLookedAt += chunk.length - from
      return NOT_FOUND
    }
    this.bytesLookedAt += at + 1 - from
    this.matched = 0
    this.matchLength = 1
    return at + 1
  }

  /** In a set mostly the same byte ends the next frame: is it so? True: `#at` stands behind it. */
  #findAgain(chunk: Uint8Array, from: number): boolean {
    const at = this.#seekOnce(chunk, this.#nearest, from)
    if (at >= this.#restNext || this.#restNext < from) return false
    this.#credit += at + 1 - from
    this.#at = at + 1
    this.matched = this.#againIndex
    this.matchLength = 1
    return true
  }

  #findLonger(chunk: Uint8Array, from: number, serial: number): number {
    this.#at = from
    if (serial !== this.#serial) {
      this.#serial = serial
      this.#next?.fill(UNKNOWN)
      this.#againIndex = -1
    }
    if (this.#node !== ROOT && this.#carry(chunk)) return this.#at
    while (this.#at < chunk.length) {
      if (this.#set.anchors.length > 0) {
        const floor = this.#at - this.partialLength
        if (this.#leap(chunk, floor)) return this.#at
        if (this.#at === chunk.length) {
          this.#keepPartial(chunk, floor)
          return NOT_FOUND
        }
        this.#readAgain(chunk, floor)
      }
      if (this.#crawl(chunk)) return this.#at
    }
    return NOT_FOUND
  }

  /** Reads on until no delimiter can have begun in an earlier chunk. True: one ended, just before `#at`. */
  #carry(chunk: Uint8Array): boolean {
    const from = this.#at
    while (this.#at < chunk.length && this.partialLength > this.#at - from) if (this.#step(chunk)) return true
    return false
  }

  /** From anchor to anchor. True: a delimiter ends at `#at`; false: at the chunk's end, or out of credit at an anchor. */
  #leap(chunk: Uint8Array, floor: number): boolean {
    let at = this.#at
    let index: number
    do {
      const anchor = this.#nextAnchor(chunk, at)
      this.#credit += anchor - at
      this.#at = anchor
      if (anchor === chunk.length) return false
      this.#credit++
      index = this.#compare(chunk, anchor, floor)
      if (index === NO_CREDIT) return false
      at = anchor + 1
      this.#at = at
    } while (index === NO_MATCH)
    this.#take(index)
    return true
  }

  /** Position of the next anchor, the chunk's length where there is none. */
  #nextAnchor(chunk: Uint8Array, from: number): number {
    const { anchors } = this.#set
    if (anchors.length === 1) return this.#seek(chunk, anchors[0] as number, from)
    let first = chunk.length
    let second = chunk.length
    for (let which = 0; which < anchors.length; which++) {
      const byte = anchors[which] as number
      const at = this.#seekOnce(chunk, byte, from)
      if (at < first) {
        second = first
        first = at
        this.#nearest = byte
      } else if (at < second) {
        second = at
      }
    }
    this.#restNext = second
    const index = this.#set.endingIn[this.#nearest]?.[0] as number
    this.#againIndex = this.#set.lengths[index] === 1 ? index : -1
    return first
  }

  /** As `#seek`, but looks only where it was not looked before. */
  #seekOnce(chunk: Uint8Array, byte: number, from: number): number {
    const next = (this.#next ??= new Int32Array(256).fill(UNKNOWN))
    const known = next[byte] as number
    return known >= from ? known : (next[byte] = this.#seek(chunk, byte, from))
  }

  #seek(chunk: Uint8Array, byte: number, from: number): number {
    const at = chunk.indexOf(byte, from)
    this.bytesLookedAt += (at === -1 ? chunk.length : at + 1) - from
    return at === -1 ? chunk.length : at
  }

  /** Which delimiter ends with the anchor, beginning at `floor` or later; the longest if several. */
  #compare(chunk: Uint8Array, anchor: number, floor: number): number {
    const { endingIn, delimiters, maxLength } = this.#set
    const indexes = endingIn[chunk[anchor] as number] as readonly number[]
    for (let which = 0; which < indexes.length; which++) {
      const index = indexes[which] as number
      const delimiter = delimiters[index] as Uint8Array
      const start = anchor + 1 - delimiter.length
      if (start < floor) continue
      let at = anchor - 1
      while (at >= start) {
        // What is left must pay for reading the same bytes again with the automaton.
        if (this.#credit < maxLength) return NO_CREDIT
        this.#credit--
        this.bytesLookedAt++
        if (chunk[at] !== delimiter[at - start]) break
        at--
      }
      if (at < start) return index
    }
    return NO_MATCH
  }

  /** Brings the automaton to the anchor at `#at`, where comparing could not be paid for. */
  #readAgain(chunk: Uint8Array, floor: number): void {
    const anchor = this.#at
    this.#node = ROOT
    this.#at = Math.max(floor, anchor + 1 - this.#set.maxLength)
    // The anchor itself has earned its look in #leap, and is read by #crawl.
    this.#credit -= 2 * (anchor + 1 - this.#at)
    while (this.#at < anchor) this.#step(chunk)
  }

  /** Byte by byte. True: a delimiter ends before `#at`; false: at the chunk's end, or leaping can be paid for again. */
  #crawl(chunk: Uint8Array): boolean {
    const enough = this.#set.anchors.length === 0 ? Infinity : 4 * this.#set.maxLength
    do {
      if (this.#step(chunk)) return true
    } while (this.#at < chunk.length && this.#credit < enough)
    return false
  }

  /** One byte through the automaton. True: a delimiter ends with it. */
  #step(chunk: Uint8Array): boolean {
    const { automaton } = this.#set
    this.#node = automaton.step(this.#node, chunk[this.#at++] as number)
    this.#credit++
    this.bytesLookedAt++
    const index = automaton.match[this.#node] as number
    if (index === -1) return false
    this.#take(index)
    return true
  }

  /** Half a delimiter at the chunk's end, if there is one: no more of it than lies after `floor`. */
  #keepPartial(chunk: Uint8Array, floor: number): void {
    this.#node = ROOT
    this.#at = Math.max(floor, chunk.length + 1 - this.#set.maxLength)
    this.#credit -= chunk.length - this.#at
    while (this.#at < chunk.length) this.#step(chunk)
  }

  #take(index: number): void {
    this.#node = ROOT
    this.matched = index
    this.matchLength = this.#set.lengths[index] as number
  }
}
