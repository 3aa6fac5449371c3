import { Buffer } from 'node:buffer'
import { FramingError, invalidState } from '../errors.js'
import type { TransformOptions } from 'node:stream'
import { checkBoolean, checkBytes, checkCount, checkOptions } from '../framing/checks.js'
import { Duplex, Readable, Transform, addAbortSignal } from './base.js'
import { FrameDeadline } from './frame-deadline.js'
import { type FrameIterator, type FrameReader, type FrameSource, StreamFrameIterator, alreadyRead } from './frame-iterator.js'
import type { Callback, Gated, WriteGate } from './write-gate.js'

const DEFAULT_BATCH_COUNT = 1024

/** What a demand transform needs of its scanner, whether that makes frames or messages. */
export interface Demanded extends Gated {
  /** What was delivered so far. */
  readonly frameCount: number
  /** Whether bytes were seen of one whose end was not. */
  readonly isInFrame: boolean
  /** The deadline of the one at hand in ms, if it has one of its own. */
  readonly frameTimeout: number | undefined
  takeUnread(): Uint8Array
  pushBack(bytes: Uint8Array): void
  expire(timeoutMs: number): FramingError
}

/** Makes what is delivered, one at a time, when it is asked to. */
export interface Supply<Out> {
  readonly gate: WriteGate
  /** The input was empty: it ends without being asked. */
  readonly isEmpty: boolean
  /** The next one at hand. Where there is none, asks for more input, which may come at once. */
  take(): Out | null
  /** As `take()`, where nothing special is to be done, and without asking: null means that `take()` knows more. Hot. */
  takePlain(): Out | null
  /** At most `max` of those at hand, under one terminator or codec; null: there is none. */
  takeBatch(max: number): Out[] | null
  /** What can be made may have changed. */
  startOver(): void
  /** Gives back bytes that were taken and not delivered. */
  reclaim(): void
}

/** The parts of a demand transform. */
export interface DemandParts<Out> {
  readonly scanner: Demanded
  readonly supply: Supply<Out>
  /** Default deadline in ms, 0 for none. */
  readonly frameTimeout: number
  readonly options: TransformOptions
  /** Lets in what waits above, so that it can be taken. */
  readonly letIn?: (gate: WriteGate) => void
  /** Iterating to the end destroys the stream: not one that may still be written to. @defaultValue true */
  readonly destroysAtEnd?: boolean
}

/** What the streams of this package do with one on demand, and nobody else. */
export interface DemandControls {
  /** Takes chunks; `done` is called when they are used up. `isNow`: what can be made of them is delivered at once. */
  feed(chunks: readonly Uint8Array[], done: Callback, isNow: boolean): void
  /** The input has ended; `done` is called when it was asked for what comes after the last one. */
  feedEnd(done: Callback): void
  /** What can be made may have changed. */
  lookAgain(): void
  /** What was waited for is not what comes. */
  resetDeadline(): void
  /** Makes this reader the consumer, for good: it takes what it wants by itself. */
  open(reader: FrameReader): void
  /** Writes whose bytes were used up are called back. */
  release(): void
}

const controls = new WeakMap<object, DemandControls>()

export function demandOf(stream: OnDemand<any>): DemandControls {
  return controls.get(stream) as DemandControls
}

/** What a stream on demand has beyond its base class. */
export interface OnDemand<Out> {
  /**
   * Takes all bytes written and not delivered, those that wait in the writable buffer too, and leaves the stream
   * empty. For handing a connection to another parser. What ends the next frame stays; a running count starts anew.
   */
  takeUnread(): Buffer
  /**
   * Puts bytes before those not delivered, as if they came now.
   * Throws a `TypeError` for anything but bytes, `ERR_INVALID_STATE` when the output has ended.
   */
  pushBack(bytes: Uint8Array): void
  /**
   * Iterates, straight from the bytes. Leaving the loop early destroys the stream, unless `destroyOnReturn` is false.
   * While it runs it is the only consumer: another one is `ERR_INVALID_STATE`.
   */
  iterator(options?: { destroyOnReturn?: boolean }): FrameIterator<Out>
  /**
   * Iterates arrays of what is at hand, at most `max` in each and never an empty one. A batch is made under one
   * terminator, or codec: a switch rules after the batch. For throughput.
   */
  batches(max?: number): FrameIterator<Out[]>
  /** Iterates; see `iterator()`. */
  [Symbol.asyncIterator](): FrameIterator<Out>
}

/**
 * Makes a stream class produce its output when it is asked for it, never ahead: whoever has the last one may still
 * change what the next one will be, in every way of consuming: `'data'`, `'readable'` and `read()`, `for await`,
 * `pipe`, `pipeline`, `toWeb`. Bytes wait as bytes, and a stream that nobody reads holds nothing else.
 *
 * Owns: when something is taken from the supply, and how it is delivered. See "Demand" in
 * docs/explanation/architecture.md.
 */
function onDemand(Base: new (options: TransformOptions) => Duplex) {
  return class OnDemandStream extends Base {
    readonly #scanner: Demanded
    readonly #supply: Supply<any>
    readonly #gate: WriteGate
    readonly #autoDestroy: boolean
    readonly #frameTimeoutMs: number
    readonly #destroysAtEnd: boolean
    readonly #letIn: ((gate: WriteGate) => void) | undefined
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

    constructor({ scanner, supply, frameTimeout, options, letIn, destroysAtEnd = true }: DemandParts<any>) {
      const { signal, ...others } = options
      super(others)
      this.#scanner = scanner
      this.#supply = supply
      this.#gate = supply.gate
      this.#autoDestroy = options.autoDestroy !== false
      this.#frameTimeoutMs = frameTimeout
      this.#letIn = letIn
      this.#destroysAtEnd = destroysAtEnd
      controls.set(this, {
        feed: (chunks, done, isNow) => this.#feed(chunks, done, isNow),
        feedEnd: (done) => this.#feedEnd(done),
        lookAgain: () => this.#lookAgain(),
        resetDeadline: () => this.#deadline.reset(),
        open: (reader) => void (this.#reader = reader),
        release: () => this.#gate.askWhileEmpty(),
      })
      // Not by the stream's own option: an aborted signal would destroy what is not constructed.
      if (signal !== undefined) addAbortSignal(signal, this)
    }

    /**
     * Takes all bytes written and not delivered, those that wait in the writable buffer too, and leaves the stream
     * empty. For handing a connection to another parser. What ends the next frame stays; a running count starts anew.
     */
    takeUnread(): Buffer {
      if (!this.destroyed) this.#letIn?.(this.#gate)
      this.#supply.reclaim()
      const unread = asBuffer(this.#scanner.takeUnread())
      if (!this.destroyed) this.#gate.askWhileEmpty()
      this.#lookAgain()
      return unread
    }

    /**
     * Puts bytes before those not delivered, as if they came now.
     * Throws a `TypeError` for anything but bytes, `ERR_INVALID_STATE` when the output has ended.
     */
    pushBack(bytes: Uint8Array): void {
      const checked = asBuffer(checkBytes('bytes', bytes))
      if (this.#gate.isClosed) throw invalidState('pushBack() after the end of output')
      this.#supply.reclaim()
      this.#scanner.pushBack(checked)
      this.#lookAgain()
    }

    /** Iterates the frames; see {@link DemandTransform.iterator}. */
    override [Symbol.asyncIterator](): FrameIterator<any> {
      return this.iterator()
    }

    /**
     * Iterates the frames, straight from the bytes. Leaving the loop early destroys the stream, unless
     * `destroyOnReturn` is false. While it runs it is the only consumer: another one is `ERR_INVALID_STATE`.
     */
    override iterator(options: { destroyOnReturn?: boolean } = {}): FrameIterator<any> {
      const { destroyOnReturn = true } = checkOptions('options', options)
      return this.#iterate(() => this.#supply.takePlain() ?? this.#supply.take(), checkBoolean('options.destroyOnReturn', destroyOnReturn))
    }

    /**
     * Iterates arrays of the frames at hand, at most `max` in each and never an empty one. A batch is made under
     * one terminator, or codec: a switch rules after the batch. For throughput.
     */
    batches(max: number = DEFAULT_BATCH_COUNT): FrameIterator<any[]> {
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

    #feed(chunks: readonly Uint8Array[], done: Callback, isNow: boolean): void {
      this.#gate.write(chunks, done)
      if (this.#gate.isAsking) return
      if (isNow) this.#cut()
      else this.#schedule()
    }

    #feedEnd(done: Callback): void {
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
    #pour(first: any): void {
      this.#wasRead = true
      let frame: any = first
      do {
        this.emit('data', frame)
        const isTaking = this.readableFlowing === true && this.readableLength === 0
        frame = isTaking ? this.#supply.takePlain() : null
      } while (frame !== null)
    }

    #iterate<T>(take: () => T | null, destroyOnReturn: boolean): FrameIterator<T> {
      const source: FrameSource<T> = {
        stream: this,
        autoDestroy: this.#autoDestroy,
        destroysAtEnd: this.#destroysAtEnd,
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
      return this.#scanner.frameTimeout ?? this.#frameTimeoutMs
    }

    #expire(): void {
      this.#deadline.stop()
      if (this.#isDemanded) this.destroy(this.#scanner.expire(this.#frameTimeout))
    }

    static {
      // As an accessor it cannot be declared: the platform's types have it as a property.
      const inherited = Reflect.getOwnPropertyDescriptor(Readable.prototype, 'readableDidRead')
      Object.defineProperty(this.prototype, 'readableDidRead', {
        configurable: true,
        get(this: OnDemandStream): boolean {
          return this.#wasRead || inherited?.get?.call(this) === true
        },
      })
    }
  }
}

/** A Transform on demand. Its own methods first: of two signatures the first is the type of a call. */
export const TransformOnDemand: new <Out>(parts: DemandParts<Out>) => OnDemand<Out> & Transform = onDemand(Transform) as never

/** A Duplex on demand. */
export const DuplexOnDemand: new <Out>(parts: DemandParts<Out>) => OnDemand<Out> & Duplex = onDemand(Duplex as never)

/** The same memory, as a Buffer. */
export function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
}
