import { abortError, frameIncomplete, readTimeout } from '../errors.js'
import { NO_BYTES } from '../framing/bytes.js'
import { checkOptions, checkTimeout } from '../framing/checks.js'
import type { FrameScanner } from '../framing/frame-scanner.js'
import type { MessageScanner } from '../framing/message-scanner.js'
import { type Terminator, compileTerminator } from '../framing/terminator.js'
import { asBuffer } from '../streams/on-demand.js'
import { checkSignal } from './chat-options.js'

/** Options of one read. */
export interface ReadOptions {
  /** Gives the read up, with an `AbortError`. */
  readonly signal?: AbortSignal | undefined
  /** Gives the read up after so many ms from the call, with `ERR_FRAME_TIMEOUT`; 0: never. @defaultValue 0 */
  readonly timeout?: number | undefined
}

/** Options of `readMessage()`. */
export interface ReadMessageOptions extends ReadOptions {
  /** The longest message, in bytes of content; of the first read with this codec. @defaultValue 8 MiB */
  readonly maxMessageLength?: number | undefined
}

/** What came of serving a read: it needs more input, its consumer has to ask first, it may go on, it is over. */
export type ReadStep = 'hungry' | 'unasked' | 'served' | 'over'

/** A frame that somebody awaits, whole or in pieces. */
export interface Read {
  readonly terminator: Terminator
  /** Takes what the scanner has of it. What this throws is the end of the read. */
  serve(scanner: FrameScanner, hasEnded: boolean): ReadStep
  /** There is none: the input has ended. */
  end(): void
  /** It will never be there as a whole. */
  fail(error: unknown): void
  /** It is served from now on. */
  begin?(): void
  /** It is over, however it ended: what it had read and not delivered is unread. */
  release?(): void
}

/** What a read says to the queue it is in. */
export interface ReadQueue {
  /** It can be served (again). */
  changed(): void
  remove(read: Read): void
}

/** Watches the signal and the clock of a read, where it has one. */
class ReadGuard {
  readonly #signal: AbortSignal | undefined
  readonly #timer: NodeJS.Timeout | undefined
  readonly #onAbort: () => void

  constructor(options: ReadOptions, onFail: (error: Error) => void) {
    const { signal, timeout = 0 } = checkOptions('options', options)
    checkTimeout('options.timeout', timeout)
    this.#signal = checkSignal('options.signal', signal)
    this.#onAbort = () => onFail(abortError(signal?.reason))
    // Until then it is not served: see `isAborted`.
    if (signal?.aborted === true) process.nextTick(this.#onAbort)
    signal?.addEventListener('abort', this.#onAbort, { once: true })
    if (timeout > 0) this.#timer = setTimeout(() => onFail(readTimeout(timeout)), timeout)
  }

  get isAborted(): boolean {
    return this.#signal?.aborted === true
  }

  stop(): void {
    this.#signal?.removeEventListener('abort', this.#onAbort)
    clearTimeout(this.#timer)
  }
}

/** Gives up the read when its options say so. */
function guard(options: ReadOptions | undefined, read: Read, queue: ReadQueue): ReadGuard | null {
  if (options === undefined) return null
  return new ReadGuard(options, (error) => {
    read.fail(error)
    queue.remove(read)
  })
}

/** Something whole that is awaited. */
abstract class AwaitedRead<T> implements Read {
  abstract readonly terminator: Terminator
  /** It; null: the input ended before it began. */
  readonly promise: Promise<T | null>
  readonly #guard: ReadGuard | null
  #resolve: (result: T | null) => void = unset
  #reject: (error: unknown) => void = unset

  constructor(options: ReadOptions | undefined, queue: ReadQueue) {
    this.#guard = guard(options, this, queue)
    this.promise = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
    // Of several reads the one that is awaited tells of a failure; the others are not to end the process.
    this.promise.catch(unset)
  }

  /** What the scanner has of it; null: more input is needed, or the input has ended before it. */
  protected abstract take(scanner: FrameScanner, hasEnded: boolean): T | null

  serve(scanner: FrameScanner, hasEnded: boolean): ReadStep {
    if (this.#guard?.isAborted === true) return 'unasked'
    const result = this.take(scanner, hasEnded)
    if (result === null && !hasEnded) return 'hungry'
    this.#end(result)
    return 'over'
  }

  end(): void {
    this.#end(null)
  }

  fail(error: unknown): void {
    this.#guard?.stop()
    this.#reject(error)
  }

  #end(result: T | null): void {
    this.#guard?.stop()
    this.#resolve(result)
  }
}

/** A whole frame. */
export class FrameRead extends AwaitedRead<Buffer> {
  readonly terminator: Terminator

  constructor(terminator: Terminator, options: ReadOptions | undefined, queue: ReadQueue) {
    compileTerminator(terminator)
    super(options, queue)
    this.terminator = terminator
  }

  protected take(scanner: FrameScanner): Buffer | null {
    const frame = scanner.read()
    if (frame === null || scanner.ending !== 'eof') return frame === null ? null : asBuffer(frame)
    const error = frameIncomplete(frame, frame.length, scanner.offset, scanner.frameCount - 1)
    scanner.pushBack(frame)
    throw error
  }
}

/** A message, as a codec reads it. */
export class MessageRead<In> extends AwaitedRead<In> {
  readonly terminator: Terminator
  readonly #messages: MessageScanner<In>

  constructor(messages: MessageScanner<In>, options: ReadOptions | undefined, queue: ReadQueue) {
    super(options, queue)
    this.terminator = messages.terminator
    this.#messages = messages
  }

  protected take(_scanner: FrameScanner, hasEnded: boolean): In | null {
    if (hasEnded) this.#messages.end()
    return this.#messages.read()
  }

  begin(): void {
    this.#messages.takeOver()
  }

  release(): void {
    this.#messages.leave()
  }
}

interface Request {
  resolve(result: IteratorResult<Buffer, undefined>): void
  reject(error: unknown): void
}

/** A frame in pieces: they are taken as they are asked for. */
export class PieceRead implements Read, AsyncIterableIterator<Buffer, undefined> {
  readonly terminator: Terminator
  readonly #guard: ReadGuard | null
  readonly #queue: ReadQueue
  #requests: Request[] = []
  #deliveredLength = 0
  #isOver = false
  /** How it ended, to be told once, to who asks next. */
  #error: unknown

  constructor(terminator: Terminator, options: ReadOptions | undefined, queue: ReadQueue) {
    compileTerminator(terminator)
    this.terminator = terminator
    this.#queue = queue
    this.#guard = guard(options, this, queue)
  }

  next(): Promise<IteratorResult<Buffer, undefined>> {
    return new Promise((resolve, reject) => {
      this.#requests.push({ resolve, reject })
      if (this.#isOver) this.#finish()
      else this.#queue.changed()
    })
  }

  /** Gives the rest of the frame up: it stays unread. */
  return(): Promise<IteratorResult<Buffer, undefined>> {
    this.end()
    this.#queue.remove(this)
    return Promise.resolve({ done: true, value: undefined })
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  serve(scanner: FrameScanner, hasEnded: boolean): ReadStep {
    if (this.#requests.length === 0 || this.#guard?.isAborted === true) return 'unasked'
    const piece = scanner.readPiece()
    if (piece === null) {
      if (!hasEnded) return 'hungry'
      if (this.terminator !== null) throw this.#cutShort(scanner)
      this.end()
      return 'over'
    }
    const { ending } = scanner
    this.#deliveredLength += piece.length
    if (piece.length > 0) this.#requests.shift()?.resolve({ done: false, value: asBuffer(piece) })
    if (ending === 'eof') throw this.#cutShort(scanner)
    if (ending === null || ending === 'piece') return 'served'
    this.end()
    return 'over'
  }

  fail(error: unknown): void {
    if (this.#isOver) return
    this.#error = error
    this.end()
  }

  #cutShort(scanner: FrameScanner): Error {
    const length = this.#deliveredLength
    return frameIncomplete(NO_BYTES, length, scanner.position - length, scanner.frameCount)
  }

  end(): void {
    this.#isOver = true
    this.#guard?.stop()
    this.#finish()
  }

  /** Answers those that wait: the first one with the error, if there is one. */
  #finish(): void {
    for (const request of this.#requests.splice(0)) {
      const error = this.#error
      this.#error = undefined
      if (error === undefined) request.resolve({ done: true, value: undefined })
      else request.reject(error)
    }
  }
}

function unset(): void {}
