import { FramingError, invalidState } from '../errors.js'
import { checkBoolean, checkBytes, checkCount, checkOptions } from '../framing/checks.js'
import { FrameScanner } from '../framing/frame-scanner.js'
import type { Terminator } from '../framing/terminator.js'
import { Readable, Transform, addAbortSignal } from './base.js'
import { FrameDeadline } from './frame-deadline.js'
import { type FrameIterator, type FrameReader, type FrameSource, StreamFrameIterator, alreadyRead } from './frame-iterator.js'
import { FrameSupply } from './frame-supply.js'
import {
  type CheckedOptions,
  type FrameOf,
  type TerminatorSplitterOptions,
  checkSplitterOptions,
  checkTogether,
  scannerOptions,
  transformOptions,
} from './splitter-options.js'
import type { Callback, WriteGate } from './write-gate.js'

const DEFAULT_BATCH_COUNT = 1024

/** What a splitter gives to a part of this package that reads it in place of a consumer. */
export interface SplitterDoor {
  readonly scanner: FrameScanner
  /** Writes whose bytes were used up are called back. */
  release(): void
}

/** The reader becomes the splitter's consumer, for good: it takes the frames from the scanner by itself. */
export let openSplitter: (splitter: TerminatorSplitter<any>, reader: FrameReader) => SplitterDoor

/**
 * A Transform that cuts bytes into frames: bytes (or strings) in, one frame per object out.
 *
 * **The terminator that is set when a consumer takes a frame rules the very next byte**, in every way of consuming:
 * `'data'`, `'readable'` and `read()`, `for await`, `pipe`, `pipeline`, `toWeb`. For that nothing is cut before it is
 * asked for: bytes wait uncut, and a stream that nobody reads holds no frame.
 *
 * Events: those of a Transform, and `'overflow'` (bytes) when a frame that was too long has been discarded.
 * Errors: {@link FramingError}, through `'error'`, after the frames before it; the bytes from the bad frame on can be
 * had from `takeUnread()` in the `'error'` handler. `TypeError` and `RangeError` at the call for wrong arguments.
 *
 * asynchat: the input half of `async_chat`.
 *
 * @example
 * ```ts
 * import { TerminatorSplitter } from 'asynchat'
 *
 * const splitter = new TerminatorSplitter('\n', { encoding: 'utf8' })
 * splitter.end('5\nhelloGET /\n')
 * for await (const frame of splitter) {
 *   console.log(frame)
 *   splitter.setTerminator(frame === '5' ? 5 : '\n')
 * }
 * ```
 * ```text
 * 5
 * hello
 * GET /
 * ```
 *
 * How it works: see "Demand" in docs/explanation/architecture.md.
 */
export class TerminatorSplitter<const O extends TerminatorSplitterOptions = {}> extends Transform {
  readonly #options: CheckedOptions
  readonly #scanner: FrameScanner
  readonly #supply: FrameSupply<FrameOf<O>>
  readonly #gate: WriteGate
  readonly #deadline: FrameDeadline = new FrameDeadline(() => this.#expire())
  /** The frame that the deadline is about. */
  #awaitedFrame = 0
  /** The async iterator at work. */
  #reader: FrameReader | null = null
  /** A frame was delivered past the stream's own buffer, which knows of none then. */
  #wasRead = false
  /** A `_read()` that no frame has answered. */
  #isWanted = false
  #isCutting = false
  #isScheduled = false

  /**
   * @param terminator what ends the first frame, see {@link Terminator}. Default: null, bytes pass as they come
   * @param options see {@link TerminatorSplitterOptions}
   */
  constructor(terminator: Terminator = null, options: O = {} as O) {
    const checked = checkSplitterOptions(options)
    checkTogether(terminator, checked)
    super(transformOptions(options))
    this.#options = checked
    this.#scanner = new FrameScanner(scannerOptions(terminator, options, (length) => this.#reportOverflow(length)))
    this.#supply = new FrameSupply(this.#scanner, checked, (error) => this.destroy(error))
    this.#gate = this.#supply.gate
    this.#gate.isDry = !this.#scanner.isEmptyNext
    // Not by the stream's own option: an aborted signal would destroy what is not constructed.
    if (options.signal !== undefined) addAbortSignal(options.signal, this)
  }

  /**
   * Sets what ends the next frame, from the first byte not delivered on. Inside a handler it rules the very next
   * frame; from outside, while a consumer waits, what it makes of the bytes at hand comes on the next tick.
   * Throws a `TypeError` or `RangeError` for what is no terminator. asynchat: `set_terminator`.
   */
  setTerminator(terminator: Terminator): void {
    checkTogether(terminator, this.#options)
    this.#supply.reclaim()
    this.#scanner.setTerminator(terminator)
    this.#lookAgain()
  }

  /** What ends the next frame; for a running count the bytes still missing. asynchat: `get_terminator`. */
  getTerminator(): Terminator {
    return this.#scanner.getTerminator()
  }

  /**
   * Takes all bytes written and not delivered, those that wait in the writable buffer too, and leaves the stream
   * empty. For handing a connection to another parser. The terminator stays; a running count starts anew.
   */
  takeUnread(): Buffer {
    if (!this.destroyed) this.#letIn()
    this.#supply.reclaim()
    const unread = asBuffer(this.#scanner.takeUnread())
    if (!this.destroyed) this.#gate.askWhileEmpty()
    this.#lookAgain()
    return unread
  }

  /**
   * Puts bytes before those not delivered, as if they came now: they obey the terminator.
   * Throws a `TypeError` for anything but bytes, `ERR_INVALID_STATE` when the output has ended.
   */
  pushBack(bytes: Uint8Array): void {
    const checked = asBuffer(checkBytes('bytes', bytes))
    if (this.#gate.isClosed) throw invalidState('pushBack() after the end of output')
    this.#supply.reclaim()
    this.#scanner.pushBack(checked)
    this.#lookAgain()
  }

  /** Iterates the frames; see {@link TerminatorSplitter.iterator}. */
  override [Symbol.asyncIterator](): FrameIterator<FrameOf<O>> {
    return this.iterator()
  }

  /**
   * Iterates the frames, straight from the bytes. Leaving the loop early destroys the stream, unless
   * `destroyOnReturn` is false. While it runs it is the only consumer: another one is `ERR_INVALID_STATE`.
   */
  override iterator(options: { destroyOnReturn?: boolean } = {}): FrameIterator<FrameOf<O>> {
    const { destroyOnReturn = true } = checkOptions('options', options)
    return this.#iterate(() => this.#supply.takePlain() ?? this.#supply.take(), checkBoolean('options.destroyOnReturn', destroyOnReturn))
  }

  /**
   * Iterates arrays of the frames at hand, at most `max` in each and never an empty one. All frames of a batch are
   * cut under one terminator: a switch rules after the batch. For throughput.
   */
  batches(max: number = DEFAULT_BATCH_COUNT): FrameIterator<FrameOf<O>[]> {
    checkCount('max', max)
    return this.#iterate(() => this.#supply.takeBatch(max), true)
  }

  /**
   * The next frame, or null. Typed as Readable's: only so is this a stream for what asks for one.
   * This is where a frame is cut for a consumer that reads: Readable itself also reads when nobody asked.
   */
  override read(size?: number): any {
    if (size === 0) return super.read(0)
    if (this.#reader !== null) throw alreadyRead()
    if (this.readableFlowing === true) this.#schedule()
    else if (this.readableLength === 0) this.#cut(true)
    // Objects are read one by one whatever the size; a size would raise the high-water mark.
    return super.read()
  }

  override resume(): this {
    super.resume()
    this.#schedule()
    this.#watchDeadline()
    return this
  }

  override pause(): this {
    super.pause()
    this.#watchDeadline()
    return this
  }

  override on(event: string | symbol, listener: (...args: any[]) => void): this {
    const isConsumer = event === 'data' || event === 'readable'
    if (isConsumer && this.#reader !== null) throw alreadyRead()
    super.on(event, listener)
    if (isConsumer) this.#schedule()
    return this
  }

  override addListener(event: string | symbol, listener: (...args: any[]) => void): this {
    return this.on(event, listener)
  }

  override pipe<T extends NodeJS.WritableStream>(destination: T, options?: { end?: boolean }): T {
    if (this.#reader !== null) throw alreadyRead()
    return super.pipe(destination, options)
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: Callback): void {
    this.#gate.write([chunk], done)
    if (!this.#gate.isAsking) this.#cut()
  }

  /** Takes all writes that waited, so that `takeUnread()` can have them. The stream is emptying its buffer: do not cut. */
  override _writev(writes: { chunk: Buffer }[], done: Callback): void {
    this.#gate.write(writes.map(({ chunk }) => chunk), done)
    if (!this.#gate.isAsking) this.#schedule()
  }

  override _flush(done: Callback): void {
    this.#gate.end(done)
    if (!this.#gate.isAsking) this.#cut()
  }

  override _read(): void {
    this.#isWanted = true
    this.#schedule()
    this.#watchDeadline()
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#deadline.reset()
    this.#gate.close()
    const release = (): void => void this.#scanner.takeUnread()
    // A handler of the error may want the bytes that it is about.
    if (error instanceof FramingError) this.once('close', release)
    else release()
    done(error)
  }

  /** Lets in all that was written, corked or not. */
  #letIn(): void {
    const corked = this.writableCorked
    this.#gate.quietly(() => {
      for (let count = corked; count > 0; count--) this.uncork()
    })
    this.#gate.letIn(this.writableLength)
    for (let count = corked; count > 0; count--) this.cork()
  }

  /** Does somebody take frames, and wait for one? Not a consumer that paused after it had asked. */
  get #isDemanded(): boolean {
    if (this.#gate.isClosed) return false
    if (this.#reader !== null) return this.#reader.isWaiting
    if (this.readableLength > 0) return false
    return this.readableFlowing === true || (this.#isWanted && this.listenerCount('readable') > 0)
  }

  /** Cuts frames as long as they are demanded and there are any. `isAsked`: one is, whatever else. */
  #cut(isAsked = false): void {
    if (this.#isCutting) return
    this.#isCutting = true
    let hasFailed = true
    try {
      if (this.#reader !== null) this.#reader.serve()
      else if (isAsked) this.#deliver()
      while (this.#reader === null && this.#isDemanded && this.#deliver());
      this.#gate.askWhileEmpty()
      if (this.#supply.isEmpty && this.#reader === null) this.#supply.take()
      hasFailed = false
    } finally {
      this.#isCutting = false
      // A handler threw. What is left comes later, as if it had not.
      if (hasFailed) this.#schedule()
    }
    this.#watchDeadline()
  }

  /** Cuts a frame and gives it to the consumer. False: there was none. */
  #deliver(): boolean {
    const frame = this.#supply.take()
    if (frame === null) return false
    if (this.readableFlowing === true && this.readableEncoding === null) {
      this.#pour(frame)
    } else {
      this.#isWanted = false
      this.push(frame)
    }
    return true
  }

  /**
   * Gives a flowing consumer a frame, and plain ones after it as long as it flows: what `push()` comes to here, for
   * a third of its price. Hot: test/bench, row `bytes-lf`.
   */
  #pour(first: FrameOf<O>): void {
    this.#wasRead = true
    let frame: FrameOf<O> | null = first
    do {
      this.emit('data', frame)
      const isTaking = this.readableFlowing === true && this.readableLength === 0 && !this.#gate.isClosed
      frame = isTaking ? this.#supply.takePlain() : null
    } while (frame !== null)
  }

  #iterate<T>(take: () => T | null, destroyOnReturn: boolean): FrameIterator<T> {
    const source: FrameSource<T> = {
      stream: this,
      autoDestroy: this.#options.autoDestroy,
      take: () => {
        // What was cut for an earlier consumer comes first.
        const frame = this.readableLength === 0 || this.destroyed ? take() : (super.read() as T | null)
        if (frame === null) return this.#takeEnd()
        this.#wasRead = true
        this.#gate.askWhileEmpty()
        return frame
      },
      attach: (reader) => {
        if (this.#reader !== null || this.listenerCount('data') + this.listenerCount('readable') > 0) throw alreadyRead()
        super.on('readable', this.#onReadable)
        this.#reader = reader
      },
      detach: () => {
        this.#reader = null
        this.off('readable', this.#onReadable)
        this.#schedule()
      },
      wait: () => this.#watchDeadline(),
    }
    return new StreamFrameIterator(source, destroyOnReturn)
  }

  /** No frame is left for the iterator that reads: it is reading past its end that ends a stream. */
  #takeEnd(): null {
    if (this.#gate.isClosed && !this.destroyed) super.read()
    return null
  }

  /** While an iterator reads: the stream's end is to be taken, or a frame that was cut for an earlier consumer. */
  readonly #onReadable = (): void => this.#reader?.serve()

  /** What can be cut may have changed. */
  #lookAgain(): void {
    this.#supply.startOver()
    if (!this.#isCutting) this.#schedule()
  }

  /** Cuts on the next tick, if there is anything to cut. */
  #schedule(): void {
    if (this.#isScheduled || this.#gate.isDry || this.#gate.isClosed) return
    this.#isScheduled = true
    process.nextTick(this.#onTick)
  }

  readonly #onTick = (): void => {
    this.#isScheduled = false
    this.#cut()
  }

  #reportOverflow(discardedLength: number): void {
    this.#deadline.reset()
    this.emit('overflow', discardedLength)
  }

  /** The clock runs while a consumer waits for the rest of a frame that has begun. */
  #watchDeadline(): void {
    const limit = this.#frameTimeout
    if (limit === 0) return
    const { frameCount, isInFrame } = this.#scanner
    if (this.#awaitedFrame !== frameCount) this.#deadline.reset()
    this.#awaitedFrame = frameCount
    if (this.#gate.isDry && isInFrame && this.#isDemanded) this.#deadline.run(limit)
    else this.#deadline.stop()
  }

  get #frameTimeout(): number {
    return this.#scanner.frameTimeout ?? this.#options.frameTimeout
  }

  #expire(): void {
    this.#deadline.stop()
    if (this.#isDemanded) this.destroy(this.#scanner.expire(this.#frameTimeout))
  }

  static {
    openSplitter = (splitter, reader) => {
      splitter.#reader = reader
      return { scanner: splitter.#scanner, release: () => splitter.#gate.askWhileEmpty() }
    }
    // As an accessor it cannot be declared: the platform's types have it as a property.
    const inherited = Reflect.getOwnPropertyDescriptor(Readable.prototype, 'readableDidRead')
    Object.defineProperty(this.prototype, 'readableDidRead', {
      configurable: true,
      get(this: TerminatorSplitter): boolean {
        return this.#wasRead || inherited?.get?.call(this) === true
      },
    })
  }
}

/** The same memory, as a Buffer. */
export function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
}
