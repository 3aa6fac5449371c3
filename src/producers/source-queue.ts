import { Buffer } from 'node:buffer'
import { failureOf, invalidType } from '../errors.js'
import { Fifo } from './fifo.js'
import { knownLength, openSource } from './open-source.js'
import { MorePuller } from './pull-more.js'
import { END, type Puller } from './puller.js'
import type { SourceCallback } from './settlements.js'
import { CHUNK_WANTED, type Chunk, type Source, isChunk, isProducer, isThenable, toBuffer } from './source.js'

/** A source in the queue. */
interface Entry {
  /** A source that is one piece. A string is encoded when its turn comes: until then it costs no memory of its own. */
  readonly chunk: string | Buffer | null
  /** Any other source, and the producers that it gave instead of a chunk, the innermost last. */
  readonly pullers: Puller[]
  readonly callback: SourceCallback | undefined
  readonly isLengthKnown: boolean
  /** What is left of it, in bytes; a high-water mark as long as that is not known. */
  restLength: number
}

const NO_PULLERS: Puller[] = []

/** What the queue tells its stream. */
export interface QueueEvents {
  /** A source that had nothing at hand has answered. Not to throw: it is called by a promise. */
  onAnswer(): void
  /** A source is exhausted, and ends with the byte at this position of all that was taken. */
  onFinish(callback: SourceCallback, end: number): void
}

/**
 * The order of the output: a queue of sources, of which one is pulled at a time, and only when it is looked at.
 *
 * Owns: the sources that are not finished, the piece that the current one gave and nobody has taken, and its failure.
 *
 * Rules: `peek()` runs the sources' code, which may call anything of the queue's but `peek()` and `take()` again.
 * After each such call the current source may be another one, or none; an answer then belongs to nobody.
 *
 * Cost: one object a source. Nesting is a list, endings are a loop: neither uses the stack.
 */
export class SourceQueue {
  readonly #events: QueueEvents
  readonly #unknownLength: number
  #entries = new Fifo<Entry>()
  #current: Entry | null = null
  #piece: Buffer | null = null
  #isWaiting = false
  #failure: Error | null = null
  #length = 0
  /** Bytes taken, all told. */
  takenLength = 0

  /**
   * @param unknownLength what a source counts that does not know its length
   */
  constructor(unknownLength: number, events: QueueEvents) {
    this.#unknownLength = unknownLength
    this.#events = events
  }

  /** Sources not finished. */
  get count(): number {
    return this.#entries.length + (this.#current === null ? 0 : 1)
  }

  /** Bytes in them. */
  get length(): number {
    return this.#length
  }

  /** As `length`, but for the next source, where that does not know its length: it may have nothing. */
  get waitingLength(): number {
    const next = this.#current ?? (this.#entries.isEmpty() ? null : this.#entries.first())
    const isGuess = next !== null && next.chunk === null && !next.isLengthKnown
    return isGuess ? this.#length - next.restLength : this.#length
  }

  /** Why the current source cannot go on. It stays the current one. */
  get failure(): Error | null {
    return this.#failure
  }

  add(source: Source, callback: SourceCallback | undefined): void {
    const entry = isChunk(source) ? entryOfChunk(source, callback) : this.#entryOf(source, callback)
    this.#entries.push(entry)
    this.#length += entry.restLength
  }

  /** The next piece, never an empty one; null: there is none now, for one of many reasons. */
  peek(): Buffer | null {
    while (this.#piece === null && !this.#isWaiting && this.#failure === null && this.#begin()) this.#step()
    return this.#piece
  }

  /** Takes the piece that `peek()` gave. */
  take(): void {
    const { length } = this.#piece as Buffer
    const entry = this.#current as Entry
    this.#piece = null
    this.takenLength += length
    if (entry.chunk !== null) this.#finish(entry)
    else if (entry.isLengthKnown) this.#shorten(entry, length)
  }

  /** Drops all sources, and releases them after `refuse` has had all their callbacks. */
  drop(refuse: (callback: SourceCallback) => void): void {
    const dropped = this.#current === null ? [] : [this.#current]
    for (; !this.#entries.isEmpty(); this.#entries.pop()) dropped.push(this.#entries.first())
    this.#current = null
    this.#piece = null
    this.#isWaiting = false
    this.#failure = null
    this.#length = 0
    for (const { callback } of dropped) if (callback !== undefined) refuse(callback)
    for (const entry of dropped) release(entry)
  }

  #entryOf(source: object, callback: SourceCallback | undefined): Entry {
    const length = knownLength(source)
    return {
      chunk: null,
      pullers: [openSource(source)],
      callback,
      isLengthKnown: length !== null,
      restLength: length ?? this.#unknownLength,
    }
  }

  /** Is there a current source? */
  #begin(): boolean {
    if (this.#current === null) [, this.#current] = this.#entries.pop()
    return this.#current !== null
  }

  /** Asks the current source once. */
  #step(): void {
    const entry = this.#current as Entry
    if (entry.chunk !== null) {
      if (entry.chunk.length === 0) this.#finish(entry)
      else this.#piece = toBuffer(entry.chunk)
      return
    }
    const puller = entry.pullers.at(-1) as Puller
    try {
      const answer = puller.pull()
      if (isThenable(answer)) this.#wait(entry, puller, answer)
      else this.#accept(entry, puller, answer)
    } catch (error) {
      this.#fail(entry, error)
    }
  }

  #wait(entry: Entry, puller: Puller, answer: PromiseLike<unknown>): void {
    if (entry === this.#current) this.#isWaiting = true
    Promise.resolve(answer).then(
      (value) => this.#answer(entry, () => this.#accept(entry, puller, value)),
      (error: unknown) => this.#answer(entry, () => this.#fail(entry, error)),
    )
  }

  /** A source that was waited for has answered, maybe too late. */
  #answer(entry: Entry, action: () => void): void {
    const isCurrent = entry === this.#current
    if (isCurrent) this.#isWaiting = false
    try {
      action()
    } catch (error) {
      this.#fail(entry, error)
    }
    if (isCurrent) this.#events.onAnswer()
  }

  #accept(entry: Entry, puller: Puller, answer: unknown): void {
    const value = puller.read(answer)
    if (isProducer(value)) {
      const inner = new MorePuller(value)
      entry.pullers.push(inner)
      // It came too late, and nobody will drain it.
      if (entry !== this.#current) inner.release()
    } else if (entry === this.#current) {
      this.#acceptValue(entry, value)
    }
  }

  #acceptValue(entry: Entry, value: unknown): void {
    if (value === END) {
      entry.pullers.pop()
      if (entry.pullers.length === 0) this.#finish(entry)
    } else if (isChunk(value)) {
      const piece = toBuffer(value)
      if (piece.length > 0) this.#piece = piece
    } else {
      throw invalidType('chunk', `${CHUNK_WANTED}, or a producer`, value)
    }
  }

  #finish(entry: Entry): void {
    this.#current = null
    this.#length -= entry.restLength
    if (entry.callback !== undefined) this.#events.onFinish(entry.callback, this.takenLength)
  }

  #shorten(entry: Entry, length: number): void {
    const taken = Math.min(length, entry.restLength)
    entry.restLength -= taken
    this.#length -= taken
  }

  #fail(entry: Entry, reason: unknown): void {
    if (entry !== this.#current) return
    this.#failure = failureOf(reason)
    release(entry)
  }
}

function entryOfChunk(source: Chunk, callback: SourceCallback | undefined): Entry {
  const chunk = typeof source === 'string' ? source : toBuffer(source)
  const restLength = typeof chunk === 'string' ? Buffer.byteLength(chunk) : chunk.length
  return { chunk, pullers: NO_PULLERS, callback, isLengthKnown: true, restLength }
}

/** The innermost first, as a stack of calls is left. */
function release(entry: Entry): void {
  for (const puller of entry.pullers.toReversed()) puller.release()
}
