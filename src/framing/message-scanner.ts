/**
 * Runs a codec over a frame scanner: bytes in, messages out.
 *
 * Owns: which codec rules, and the error that ended the reading. Rules: a codec that is set after a message rules the
 * very next byte. Cost: a generator a message, and one resumption a frame; none for a codec with `terminator`.
 */
import { FramingError, frameIncomplete, frameTimeout, malformed } from '../errors.js'
import { classOf, inClass } from './bytes.js'
import { checkBytes, checkLimit, checkOptions } from './checks.js'
import { type Codec, type CodecSource, type DecodeContext, EndOfInput, type FrameCodec, NOTHING, type SteppedCodec, checkCodec, checkMessage, isFrameCodec } from './codec.js'
import { FrameScanner } from './frame-scanner.js'
import { MessageReader } from './message-reader.js'
import { type Terminator, compileTerminator } from './terminator.js'

/** Options of a {@link MessageScanner}. */
export interface MessageScannerOptions {
  /** The longest frame that a delimiter ends, in bytes of content, unless its rule has its own limit. @defaultValue 1 MiB */
  readonly maxFrameLength?: number
  /** The longest count, and the longest message as the sum of its frames, likewise. @defaultValue 8 MiB */
  readonly maxMessageLength?: number
}

const DEFAULT_MAX_MESSAGE_BYTES = 8 * 1024 * 1024

/**
 * Reads messages out of a stream of bytes, as a {@link Codec} says. No stream, no timer, no Node.
 *
 * Throws from `read()`, and from every one after it until a codec is set: a `FramingError` with the codec's name, the
 * number of messages before it, and its offset; what else a codec throws is the `cause` of `ERR_FRAME_MALFORMED`.
 */
export class MessageScanner<In> {
  readonly #scanner: FrameScanner
  readonly #reader: MessageReader<In>
  readonly #context: DecodeContext<In>
  /** The reader's. */
  readonly #emitted: In[]
  #codec: Codec<In, never>
  /** The codec, if it has one terminator. */
  #frameCodec: FrameCodec<In, never> | null = null
  #messageCount = 0
  #hasEnded = false
  #error: Error | null = null

  /** `shared`: reads from this scanner, which is somebody else's too; `restart()` takes it over for a message. */
  constructor(codec: CodecSource<In, never>, options: MessageScannerOptions = {}, shared?: FrameScanner) {
    const { maxFrameLength, maxMessageLength = DEFAULT_MAX_MESSAGE_BYTES } = checkOptions('options', options)
    checkLimit('options.maxMessageLength', maxMessageLength)
    const limits = maxFrameLength === undefined ? {} : { maxFrameLength }
    const scanner = shared ?? new FrameScanner({ ...limits, maxCountLength: maxMessageLength, tail: 'emit' })
    this.#scanner = scanner
    this.#context = {
      get ending() {
        // Without a generator, in `parse`, it is a frame of the scanner's.
        return reader.isReading ? reader.ending : scanner.ending
      },
      get matched() {
        return scanner.matched
      },
      get offset() {
        return reader.isReading ? reader.frameOffset : scanner.offset
      },
      pushBack: (bytes) => reader.pushBack(checkBytes('bytes', bytes)),
      emit: (message) => reader.emit(message),
    }
    const reader = new MessageReader<In>(scanner, this.#context, maxMessageLength)
    this.#reader = reader
    this.#emitted = reader.emitted
    this.#codec = checkCodec('codec', codec)
    this.#use(this.#codec)
    if (shared === undefined) this.restart()
  }

  /** What ends a frame where a message begins. */
  get terminator(): Terminator {
    return this.#frameCodec?.terminator ?? null
  }

  /** Begins anew with the bytes that are in no message. Clears an error. */
  restart(): void {
    this.giveUp()
    this.#scanner.setTerminator(this.terminator)
  }

  /** Takes the scanner over from its other readers: goes on with a message that is partly delivered, or begins one. */
  takeOver(): void {
    if (this.#error !== null || !this.#reader.goOn()) this.restart()
  }

  /** Leaves the scanner to its other readers. What was read and not delivered is unread. Clears an error. */
  leave(): void {
    this.#error = null
    this.#reader.leave()
  }

  /** Gives up the message that was begun: its bytes are unread. Clears an error. */
  giveUp(): void {
    this.#error = null
    this.#reader.abandon()
  }

  /** Messages delivered so far. */
  get frameCount(): number {
    return this.#messageCount
  }

  /** Whether every read throws, until a codec is set. */
  get hasFailed(): boolean {
    return this.#error !== null
  }

  /** Whether bytes were seen of a message whose end was not. */
  get isInFrame(): boolean {
    return this.#reader.isReading || this.#scanner.isInFrame
  }

  /** The deadline in ms that the codec's rule of the moment has, if it has one. */
  get frameTimeout(): number | undefined {
    return this.#scanner.frameTimeout
  }

  /** Positions looked at by the search, see {@link FrameScanner.bytesLookedAt}. */
  get bytesLookedAt(): number {
    return this.#scanner.bytesLookedAt
  }

  /** Bytes written and in no message delivered. */
  get bufferedLength(): number {
    return this.#scanner.bufferedLength + this.#reader.heldLength
  }

  /** Whether nothing is left of what was written. */
  get isEmpty(): boolean {
    return this.#scanner.isEmpty && this.#reader.heldLength === 0
  }

  /** Takes a chunk, by reference: it must not be changed afterwards. Nothing is read until `read()`. */
  write(chunk: Uint8Array): void {
    this.#scanner.write(chunk)
  }

  /** Marks the end of input: what it cuts fails, unless the codec says otherwise. */
  end(): void {
    this.#hasEnded = true
    this.#scanner.end()
  }

  /** The next message; null: more input is needed, or after `end()` there is none. */
  read(): In | null {
    if (this.#error !== null || this.#emitted.length > 0) return this.#readOn()
    try {
      const message = this.#frameCodec === null ? this.#reader.next(this.#codec as SteppedCodec<In, never>, this.#hasEnded) : this.#nextOfFrame(this.#frameCodec)
      if (message === NOTHING) return null
      this.#messageCount++
      return message
    } catch (error) {
      this.#error = this.#failure(error)
      return this.#readOn()
    }
  }

  /** Another codec rules from the first byte after the last message delivered. Clears an error. */
  setCodec(codec: CodecSource<In, never>): void {
    const checked = checkCodec('codec', codec)
    this.#codec = checked
    this.#use(checked)
    this.restart()
  }

  /** Takes all bytes that are in no message delivered, and leaves the scanner empty. The codec starts anew. */
  takeUnread(): Uint8Array {
    this.#reader.abandon()
    return this.#scanner.takeUnread()
  }

  /** Puts bytes before those not delivered. A message that was begun is begun again. */
  pushBack(bytes: Uint8Array): void {
    const checked = checkBytes('bytes', bytes)
    this.#reader.abandon()
    this.#scanner.pushBack(checked)
  }

  /** Makes the message that goes on fail with `ERR_FRAME_TIMEOUT`: for who drives the scanner and has a clock. */
  expire(timeoutMs: number): FramingError {
    const offset = this.#reader.isReading ? this.#reader.offset : this.#scanner.position
    const error = frameTimeout(timeoutMs, offset, this.#messageCount)
    this.#error = this.#failure(error)
    return error
  }

  #use(codec: Codec<In, never>): void {
    this.#frameCodec = isFrameCodec(codec) ? codec : null
  }

  /** What was emitted before an error comes before it. */
  #readOn(): In {
    if (this.#emitted.length === 0) throw this.#error
    this.#messageCount++
    return this.#emitted.shift() as In
  }

  /** Hot: test/bench, row `codecs`. */
  #nextOfFrame(codec: FrameCodec<In, never>): In | typeof NOTHING {
    const scanner = this.#scanner
    let frame: Uint8Array | null
    while ((frame = scanner.read()) !== null) {
      const message = this.#parse(frame, codec)
      if (message !== undefined) return message
      // A scanner that is somebody else's too does not go on counting.
      if (typeof codec.terminator === 'number') scanner.setTerminator(codec.terminator)
    }
    return NOTHING
  }

  /** The first message in a frame, and in a part of it that was emitted. */
  #parse(frame: Uint8Array, codec: FrameCodec<In, never>): In | undefined {
    try {
      if (this.#scanner.ending === 'eof') this.#checkTail(frame, codec)
      const message = codec.parse(frame, this.#context)
      if (message === null) checkMessage(message)
      return this.#emitted.length === 0 ? message : this.#reader.inTurn(message)
    } catch (error) {
      this.#unread(frame, codec)
      throw error
    }
  }

  #checkTail(frame: Uint8Array, { tail }: FrameCodec<In, never>): void {
    const { offset, frameCount } = this.#scanner
    if (tail !== 'emit') throw frameIncomplete(frame, frame.length, offset, frameCount - 1)
  }

  /** No message was made of the frame: its bytes are unread, but for those that were put back already. */
  #unread(frame: Uint8Array, codec: FrameCodec<In, never>): void {
    const scanner = this.#scanner
    if (this.#emitted.length > 0) return
    const taken = Math.max(0, scanner.position - scanner.offset)
    const { delimiters } = compileTerminator(codec.terminator)
    if (scanner.ending === 'terminator' && delimiters !== null && taken > frame.length) {
      const delimiter = inClass(delimiters.delimiters[scanner.matched] as Uint8Array, classOf(frame))
      scanner.pushBack(delimiter.subarray(0, taken - frame.length))
    }
    scanner.pushBack(frame.subarray(0, taken))
  }

  /** The error with what is known of the message; what is no FramingError becomes one. */
  #failure(error: unknown): Error {
    const { name } = this.#codec
    const reader = this.#reader
    const before = this.#messageCount + reader.emitted.length
    const known = error instanceof FramingError ? error.offset : undefined
    const offset = this.#frameCodec === null ? reader.offset : (known ?? this.#scanner.offset)
    reader.abandon()
    if (error instanceof EndOfInput) {
      return frameIncomplete(error.bytes, this.#scanner.bufferedLength, offset, before).inMessage(name, before, offset)
    }
    return (error instanceof FramingError ? error : malformed(error)).inMessage(name, before, offset)
  }
}
