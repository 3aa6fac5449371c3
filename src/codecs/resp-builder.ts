/**
 * The values that are open while a message of RESP is read, with a stack of its own: `yield*` in `yield*` would cost
 * its depth for every element, and a million of `*1` the stack.
 */
import { FramingError } from '../errors.js'
import { RespAttributed, RespPush, type RespValue } from './resp-values.js'

/** The first bytes of values that hold others. */
export const ARRAY = 0x2a
export const MAP = 0x25
export const SET = 0x7e
export const PUSH = 0x3e
export const ATTRIBUTES = 0x7c

export interface RespLimits {
  readonly maxDepth: number
  readonly maxItems: number
  /** Attributes are kept. */
  readonly wraps: boolean
}

interface Open {
  readonly type: number
  readonly items: RespValue[]
  /** Values that it still needs. */
  left: number
  /** What was said about it before it began. */
  readonly attributes: ReadonlyMap<RespValue, RespValue> | null
  readonly parent: Open | null
}

export class RespBuilder {
  /** The message, when `add` or `open` said true. */
  message: RespValue | RespPush = null
  readonly #limits: RespLimits
  #top: Open | null = null
  #depth = 0
  #itemCount = 0
  /** For the value that comes next. */
  #attributes: ReadonlyMap<RespValue, RespValue> | null = null

  constructor(limits: RespLimits) {
    this.#limits = limits
  }

  /** Forgets all of it. */
  reset(): void {
    this.message = null
    this.#top = null
    this.#depth = 0
    this.#itemCount = 0
    this.#attributes = null
  }

  /** Whether the next value is in no other. */
  get isAtTop(): boolean {
    return this.#top === null
  }

  /** A value is complete. True: so is the message. */
  add(value: RespValue): boolean {
    const attributes = this.#attributes
    if (attributes === null) return this.#add(value)
    this.#attributes = null
    return this.#add(new RespAttributed(attributes, value))
  }

  /** A value begins that holds `count` others. True: it holds none, and the message is complete. */
  open(type: number, count: number): boolean {
    const { maxDepth, maxItems } = this.#limits
    if (this.#depth === maxDepth) throw tooDeep(maxDepth)
    this.#itemCount += count
    // Before any of them is there: a message of this many would be refused in the end.
    if (this.#itemCount > maxItems) throw tooManyItems(maxItems, this.#itemCount)
    const open: Open = { type, items: [], left: count, attributes: this.#attributes, parent: this.#top }
    this.#attributes = null
    this.#top = open
    this.#depth++
    return count === 0 && this.#close(open)
  }

  #add(value: RespValue): boolean {
    const top = this.#top
    if (top === null) {
      this.message = value
      return true
    }
    top.items.push(value)
    return --top.left === 0 && this.#close(top)
  }

  /** Goes up as far as values are complete by this one: a loop, not a recursion. */
  #close(open: Open): boolean {
    let top: Open | null = open
    while (top !== null && top.left === 0) {
      const { type, items, attributes, parent }: Open = top
      this.#top = parent
      this.#depth--
      if (type === ATTRIBUTES) {
        this.#keepAttributes(items, attributes)
        return false
      }
      const made = madeOf(type, items)
      const value: RespValue | RespPush = attributes === null ? made : new RespAttributed(attributes, made)
      if (parent === null) {
        this.message = value
        return true
      }
      parent.items.push(value as RespValue)
      parent.left--
      top = parent
    }
    return false
  }

  #keepAttributes(items: readonly RespValue[], before: ReadonlyMap<RespValue, RespValue> | null): void {
    if (this.#limits.wraps) this.#attributes = new Map([...(before ?? []), ...mapOf(items)])
  }
}

function madeOf(type: number, items: RespValue[]): RespValue | RespPush {
  if (type === ARRAY) return items
  if (type === MAP) return mapOf(items)
  return type === SET ? new Set(items) : new RespPush(items)
}

function mapOf(items: readonly RespValue[]): Map<RespValue, RespValue> {
  const map = new Map<RespValue, RespValue>()
  for (let index = 0; index < items.length; index += 2) map.set(items[index] as RespValue, items[index + 1] as RespValue)
  return map
}

function tooDeep(limit: number): FramingError {
  return new FramingError('ERR_FRAME_MALFORMED', `Values are nested too deep: the limit is ${limit}`, { limit })
}

function tooManyItems(limit: number, length: number): FramingError {
  return new FramingError('ERR_FRAME_TOO_LONG', `Message has too many values: the limit is ${limit}, it has at least ${length}`, { limit, length })
}
