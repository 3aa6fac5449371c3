import { emptyFifo, invalidType } from '../errors.js'

/** Below this an array is short enough that its used-up front does not matter. */
const MIN_COMPACTED_COUNT = 64

/**
 * A first-in, first-out queue. `push` and `pop` take the same time however long it is.
 *
 * Any value can be in it, also `null`, `undefined` and empty strings: `pop()` says apart from the value whether there
 * was one. asynchat: `fifo`.
 *
 * @example
 * ```ts
 * import { Fifo } from 'asynchat'
 *
 * const fifo = new Fifo(['a', 'b'])
 * fifo.push('c')
 * console.log(fifo.length, fifo.first(), fifo.pop(), fifo.pop(), fifo.pop(), fifo.pop(), fifo.isEmpty())
 * ```
 * ```text
 * 3 a [ true, 'a' ] [ true, 'b' ] [ true, 'c' ] [ false, null ] true
 * ```
 */
export class Fifo<T> {
  /** The items from `#head` on. Never `shift()`: past 16 Ki items V8 moves all of them each time. */
  #items: (T | undefined)[]
  #head = 0

  /**
   * @param list the first items, copied. Default: none
   */
  constructor(list?: Iterable<T> | null) {
    this.#items = list === undefined || list === null ? [] : copied(list)
  }

  /** Count of items. asynchat: `len(fifo)`. */
  get length(): number {
    return this.#items.length - this.#head
  }

  isEmpty(): boolean {
    return this.length === 0
  }

  /** The item that `pop()` would give, which stays. Throws a `RangeError` (`ERR_OUT_OF_RANGE`) if there is none. */
  first(): T {
    if (this.isEmpty()) throw emptyFifo()
    return this.#items[this.#head] as T
  }

  push(item: T): void {
    this.#items.push(item)
  }

  /** Takes the first item: `[true, item]`, or `[false, null]` if there is none. */
  pop(): [true, T] | [false, null] {
    if (this.isEmpty()) return [false, null]
    const item = this.#items[this.#head] as T
    this.#items[this.#head++] = undefined
    this.#compact()
    return [true, item]
  }

  /** Drops the used-up front once it is half of the array: each item is moved once on average. */
  #compact(): void {
    if (this.#head === this.#items.length) {
      this.#items = []
      this.#head = 0
    } else if (this.#head >= MIN_COMPACTED_COUNT && this.#head * 2 >= this.#items.length) {
      this.#items = this.#items.slice(this.#head)
      this.#head = 0
    }
  }
}

function copied<T>(list: Iterable<T>): T[] {
  if (typeof list !== 'object' && typeof list !== 'string') throw invalidType('list', 'an iterable', list)
  if (typeof list[Symbol.iterator] !== 'function') throw invalidType('list', 'an iterable', list)
  return [...list]
}
