/**
 * Reads arrays of bulk strings, which all commands are, where they lie whole in a chunk: three times as fast as what
 * reads any value.
 *
 * Rules: it takes what is plainly right and within the limits. All else is undefined here, and left to whom it concerns.
 */
import { classOf } from '../framing/bytes.js'
import type { Extent } from '../framing/codec.js'
import { ARRAY, type RespLimits } from './resp-builder.js'

const CR = 0x0d
const LF = 0x0a
const ZERO = 0x30
const BULK = 0x24
const END_LENGTH = 2
/** Of a length or count that is read here. A line with it is longer than no sensible limit. */
const MAX_DIGITS = 8
const LEAST_LINE_LIMIT = MAX_DIGITS + 1

export interface CommandLimits extends RespLimits {
  readonly maxLength: number
  readonly maxLineLength: number
  readonly streamAbove: number
}

/** Hot: all of it. */
export class RespCommandReader {
  readonly #maxItems: number
  readonly #maxLength: number
  readonly #maxBulkLength: number
  #at = 0

  constructor({ maxItems, maxLength, maxLineLength, maxDepth, streamAbove }: CommandLimits) {
    const isUsable = maxLineLength >= LEAST_LINE_LIMIT && maxDepth > 0
    this.#maxItems = isUsable ? maxItems : 0
    this.#maxLength = maxLength
    this.#maxBulkLength = Math.min(maxLength, streamAbove)
  }

  /** The strings of the command that begins at `at`, as views. */
  read(chunk: Uint8Array, at: number, extent: Extent): Uint8Array[] | undefined {
    if (chunk[at] !== ARRAY) return undefined
    this.#at = at + 1
    const count = this.#number(chunk)
    if (count <= 0 || count > this.#maxItems) return undefined
    const Bytes = classOf(chunk)
    const { buffer, byteOffset } = chunk
    const items: Uint8Array[] = []
    do {
      const length = chunk[this.#at++] === BULK ? this.#number(chunk) : -1
      const start = this.#at
      const end = start + length
      if (length < 0 || length > this.#maxBulkLength || chunk[end] !== CR || chunk[end + 1] !== LF) return undefined
      items.push(new Bytes(buffer, byteOffset + start, length))
      this.#at = end + END_LENGTH
    } while (items.length < count)
    extent.length = this.#at - at
    return extent.length > this.#maxLength ? undefined : items
  }

  /** The digits up to CR LF; -1 for what is anything but plain. */
  #number(chunk: Uint8Array): number {
    const from = this.#at
    let at = from
    let value = 0
    for (let digit; (digit = (chunk[at] as number) - ZERO) >= 0 && digit <= 9; at++) value = value * 10 + digit
    this.#at = at + END_LENGTH
    const isPlain = at > from && at - from <= MAX_DIGITS && (chunk[from] !== ZERO || at - from === 1)
    return isPlain && chunk[at] === CR && chunk[at + 1] === LF ? value : -1
  }
}
