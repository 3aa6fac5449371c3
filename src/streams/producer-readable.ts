import { Buffer } from 'node:buffer'
import { channelClosed, discarded } from '../errors.js'
import { checkCount, checkFunction, checkOptions } from '../framing/checks.js'
import { type SourceCallback, Settlements } from '../producers/settlements.js'
import { releaseSource } from '../producers/open-source.js'
import { SourceQueue } from '../producers/source-queue.js'
import { type Source, checkSource } from '../producers/source.js'
import { Readable, addAbortSignal } from './base.js'

const DEFAULT_HIGH_WATER_MARK_BYTES = 65_536

/** Pieces from this length on are passed on as they are: joining them would cost more than it saves. */
const LARGE_PIECE_BYTES = 8192

/** Options of a {@link ProducerReadable}. */
export interface ProducerReadableOptions {
  /**
   * Bytes: how much is made ahead of the consumer, how much small pieces are joined to, and above how much
   * `enqueue()` gives false. An integer from 1 on, else a `RangeError`. asynchat: `ac_out_buffer_size`.
   * @defaultValue 65536
   */
  readonly highWaterMark?: number | undefined
  /** Destroys the stream with an `AbortError` when it is aborted. @defaultValue none */
  readonly signal?: AbortSignal | undefined
}

/**
 * A Readable of what is enqueued: strings, bytes, producers, streams, iterables, one after the other.
 *
 * Sources come out strictly in the order in which they were enqueued. One is pulled at a time, and only when the
 * consumer has room. Small pieces are joined up to the high-water mark, large ones are passed on uncopied: bytes
 * must not be changed before their callback was called. While a source has nothing yet, what is at hand goes out.
 *
 * Events: those of a Readable, and `'drained'` when all that was enqueued has left the stream and it is not closed.
 * Errors: a source that fails destroys the stream with its error, after the bytes before it were taken. All sources
 * that will not be finished are released: `return()`, `destroy()` or `cancel()`, once, whose outcome is ignored.
 *
 * asynchat: the output half of `async_chat`, its `producer_fifo`.
 *
 * @example
 * ```ts
 * import { ProducerReadable, SimpleProducer } from 'asynchat'
 *
 * const output = new ProducerReadable()
 * output.enqueue('one, ')
 * output.enqueue(new SimpleProducer('two, '), () => console.log('two has left'))
 * output.enqueue(['thr', 'ee'])
 * output.closeWhenDone()
 * for await (const chunk of output) console.log(String(chunk))
 * ```
 * ```text
 * one, two, three
 * two has left
 * ```
 */
export class ProducerReadable extends Readable {
  readonly #highWaterMark: number
  readonly #settlements = new Settlements()
  readonly #queue: SourceQueue
  /** Bytes given to the Readable, all told; those in its buffer have not left. */
  #pushedLength = 0
  #leftLength = 0
  /** A `_read()` that no bytes have answered. */
  #isWanted = false
  #isPumping = false
  #isScheduled = false
  /** Something was enqueued since the last `'drained'`. */
  #isFilled = false
  #isClosing = false
  #hasEnded = false

  /**
   * @param options see {@link ProducerReadableOptions}
   */
  constructor(options: ProducerReadableOptions = {}) {
    const { highWaterMark = DEFAULT_HIGH_WATER_MARK_BYTES, signal } = checkOptions('options', options)
    super({ highWaterMark: checkCount('options.highWaterMark', highWaterMark) })
    this.#highWaterMark = highWaterMark
    this.#queue = new SourceQueue(highWaterMark, {
      onAnswer: () => this.#schedule(),
      onFinish: (callback, end) => this.#settlements.expect(callback, end),
    })
    // Not by the stream's own option: an aborted signal would destroy what is not constructed.
    if (signal !== undefined) addAbortSignal(signal, this)
  }

  /** Count of sources that have not been pulled to their end. */
  get pending(): number {
    return this.#queue.count
  }

  /**
   * Bytes that wait: those of the sources not finished (one high-water mark for a source that does not know its
   * length) and those in the stream's own buffer.
   */
  get queuedLength(): number {
    return this.#queue.length + this.readableLength
  }

  /** As `queuedLength`, but for the source that is next, where it does not know its length. */
  get waitingLength(): number {
    return this.#queue.waitingLength + this.readableLength
  }

  /**
   * Puts a source at the end of the queue. asynchat: `push`, `push_with_producer`.
   *
   * @param source see {@link Source}; anything else is a `TypeError`, and nothing is enqueued
   * @param callback called once, later, in the order of the queue: without an error when the last byte of the source
   * has left the stream, else with the reason why it never will
   * @returns false when more than a high-water mark waits: wait for `'drained'`. False too when the stream is
   * destroyed; then nothing is enqueued, the source is released and the callback gets the error.
   * Throws a {@link FramingError} with `ERR_CHANNEL_CLOSED` after `closeWhenDone()`.
   */
  enqueue(source: Source, callback?: SourceCallback): boolean {
    checkSource('source', source)
    if (callback !== undefined) checkFunction('callback', callback)
    if (this.#isClosing) throw channelClosed('Cannot enqueue: the channel is closed')
    if (this.destroyed) {
      if (callback !== undefined) this.#settlements.refuse(callback, this.#reasonOf(this.errored))
      releaseSource(source)
      this.#settle()
      return false
    }
    this.#queue.add(source, callback)
    this.#isFilled = true
    this.#schedule()
    return this.queuedLength <= this.#highWaterMark
  }

  /** Ends the stream when the queue is exhausted, at once when it is. Again: nothing. asynchat: `close_when_done`. */
  closeWhenDone(): void {
    this.#isClosing = true
    this.#endIfDone()
  }

  /**
   * Drops all sources, the one half-way too; their callbacks get a {@link FramingError} with `ERR_DISCARDED`. Bytes
   * that were passed on to the stream's own buffer stay. The queue goes on with what is enqueued after this; a
   * `closeWhenDone()` stays in force. asynchat: the output side of `discard_buffers`.
   */
  discard(): void {
    const error = discarded()
    this.#queue.drop((callback) => this.#settlements.refuse(callback, error))
    this.#settle()
    this.#endIfDone()
  }

  override read(size?: number): any {
    // What was enqueued in this tick is at hand, though the demand for it is older.
    if (this.#isScheduled) this.#pump()
    const chunk: unknown = super.read(size)
    this.#settle()
    // More than there is before the failure: it will not come.
    if (chunk === null && size !== 0) this.#raise()
    return chunk
  }

  override _read(): void {
    this.#isWanted = true
    this.#pump()
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    const reason = this.#reasonOf(error)
    this.#settle()
    this.#settlements.fail(reason)
    this.#queue.drop((callback) => this.#settlements.refuse(callback, reason))
    this.#settlements.fail(reason)
    done(error)
  }

  #schedule(): void {
    if (!this.#isWanted || this.#isScheduled) return
    this.#isScheduled = true
    process.nextTick(() => this.#pump())
  }

  /** Gives the consumer what it wants, if it is at hand. */
  #pump(): void {
    if (this.#isPumping) return
    this.#isPumping = true
    this.#isScheduled = false
    let hasFailed = true
    try {
      while (this.#isWanted && this.#deliver());
      hasFailed = false
    } finally {
      this.#isPumping = false
      // A handler threw, and the Readable does not go on by itself.
      if (hasFailed) process.nextTick(() => this.read(0))
      this.#settle()
    }
    this.#endIfDone()
  }

  /** Passes on one chunk. False: there is none. A consumer may have it, and do anything, before this returns. */
  #deliver(): boolean {
    const pieces: Buffer[] = []
    let length = 0
    let piece = this.#queue.peek()
    while (piece !== null) {
      this.#queue.take()
      pieces.push(piece)
      length += piece.length
      if (piece.length >= LARGE_PIECE_BYTES || length >= this.#highWaterMark) break
      piece = this.#queue.peek()
      if (piece !== null && (piece.length >= LARGE_PIECE_BYTES || length + piece.length > this.#highWaterMark)) break
    }
    if (pieces.length === 0 || this.destroyed) return false
    this.#isWanted = false
    this.#pushedLength += length
    this.push(pieces.length === 1 ? pieces[0] : Buffer.concat(pieces, length))
    return true
  }

  /** Looks at what has left the stream since the last time. */
  #settle(): void {
    // A decoder may hold bytes back, and lengths are of strings then: only an empty buffer is sure.
    if (this.readableEncoding === null) this.#leftLength = this.#pushedLength - this.readableLength
    else if (this.readableLength === 0) this.#leftLength = this.#pushedLength
    this.#settlements.settle(this.#leftLength)
    if (this.#leftLength !== this.#queue.takenLength) return
    this.#raise()
    if (this.#isFilled && this.pending === 0) {
      this.#isFilled = false
      this.#settlements.afterwards(() => this.#reportDrained())
    }
  }

  /** Fails as the current source did. */
  #raise(): void {
    const { failure } = this.#queue
    if (failure !== null) this.destroy(failure)
  }

  #reportDrained(): void {
    if (!this.#isFilled && !this.#isClosing && !this.destroyed) this.emit('drained')
  }

  #endIfDone(): void {
    if (!this.#isClosing || this.#hasEnded || this.#isPumping || this.pending > 0 || this.destroyed) return
    this.#hasEnded = true
    this.push(null)
  }

  #reasonOf(error: Error | null): Error {
    return error ?? channelClosed('The stream was destroyed before the source had left it')
  }
}
