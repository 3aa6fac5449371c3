/**
 * Reads one message after the other by a codec's generator, frame by frame.
 *
 * Owns: the generator of the message that is being read, what it waits for, and the bytes that it has read. Rules: a
 * message is begun when a byte of it is there. Until it is done its bytes count as unread, as long as they are no more
 * than a message may have: `abandon()` puts them back.
 */
import { messageTooLong, noProgress } from '../errors.js'
import { ByteQueue } from './byte-queue.js'
import { type BytesConstructor, NO_BYTES, classOf, inClass } from './bytes.js'
import { type DecodeContext, EndOfInput, type Extent, type Locator, NOTHING, type SteppedCodec, type WholeReader, checkMessage } from './codec.js'
import type { FrameScanner } from './frame-scanner.js'
import type { Ending } from './scan-state.js'
import { type Rule, type Terminator, compileTerminator, sameRule } from './terminator.js'

/** A codec's generator: one that returns nothing returns undefined. */
type Reading<In> = Generator<Terminator, In | undefined, Uint8Array>

/** What `#nextFrame` answers at the end of input. */
const END: Uint8Array = new Uint8Array(0)
const MAX_IDLE_STEPS = 100
/** Frames of a message that are kept as they came; with many of a few bytes each, an object for each costs the most. */
const MAX_KEPT_COUNT = 64
/** Delimiters count, too. */
const MAX_KEPT_SHARE = 2

export class MessageReader<In> {
  /** How the frame read last ended. */
  ending: Ending | null = null
  /** Where the message began. */
  offset = 0
  /** Delivered by `emit` in the middle of a message, and not given out. */
  readonly emitted: In[] = []
  readonly #scanner: FrameScanner
  readonly #context: DecodeContext<In>
  readonly #maxLength: number
  #generator: Reading<In> | null = null
  /** Whether a message was begun and is not done. */
  isReading = false
  /** What the generator waits for. */
  #rule: Rule | null = null
  /** As it was yielded, if it was a string. */
  #delimiter: string | null = null
  /** The last piece did not end its frame. */
  #isInPieces = false
  /** It waits for a whole frame, which counts for the message: the short way. */
  #isPlain = false
  /** Content of the message's frames, but of those that have limits of their own. */
  #length = 0
  /** The frame that it was given last; then those before it, with what ended them, as they came. */
  #last: Uint8Array | null = null
  #read: Uint8Array[] = []
  /** Older ones, without an object for each. */
  readonly #older = new ByteQueue()
  #readLength = 0
  /** Everything up to the end of input, as far as it came. */
  readonly #rest = new ByteQueue()
  /** Where that began; -1: the frame is another one. */
  #restOffset = -1
  /** The end of input has ended a frame of this message under `null`: it does so once. */
  #hasMetEnd = false
  /** Bytes under `null` of a rule that has a limit of its own. */
  #passedLength = 0
  #Bytes: BytesConstructor = Uint8Array
  readonly #extent: Extent = { before: 0, length: 0, after: 0 }
  /** What the end of input cut. */
  #tail: Uint8Array = NO_BYTES
  /** The message has looked ahead, or met the end: most do not, and pay nothing for what is to be forgotten of it. */
  #isUnusual = false
  /** A part of the message was emitted: its generator alone knows where it stands. */
  #isPartlyDelivered = false
  /** Where it was left in the middle; -1: it was not. And how much of its frame had been delivered each time. */
  #leftAt = -1
  #leftLength = 0
  /** Messages that consumed nothing, in a row. */
  #idleMessages = 0
  /** Steps inside a message that came no farther than one before them, in a row. */
  #idleSteps = 0
  /** -1: nothing is known yet. */
  #farthest = -1

  constructor(scanner: FrameScanner, context: DecodeContext<In>, maxLength: number) {
    this.#scanner = scanner
    this.#context = context
    this.#maxLength = maxLength
  }

  /** Where the frame read last began. */
  get frameOffset(): number {
    return this.#restOffset === -1 ? this.#scanner.offset : this.#restOffset
  }

  /** Bytes that the message has read. */
  get heldLength(): number {
    return this.#readLength + (this.#last?.length ?? 0) + this.#rest.length
  }

  /** The next message; NOTHING: more input is needed, or there is none. */
  next(codec: SteppedCodec<In, never>, hasEnded: boolean): In | typeof NOTHING {
    for (;;) {
      let step: IteratorResult<Terminator, In | undefined>
      if (this.#generator === null) {
        const message = this.#locate(codec)
        if (message !== null) return message
        if (this.#scanner.isEmpty) return NOTHING
        step = this.#begin(codec)
      } else {
        const frame = this.#nextFrame(hasEnded)
        if (frame === null) return NOTHING
        step = frame === END ? this.#end(this.#generator) : this.#generator.next(frame)
      }
      if (step.done === true) this.#finish(step.value)
      else this.#await(step.value)
      if (this.emitted.length > 0) return this.inTurn(step.done === true ? step.value : undefined)
      if (step.done === true && step.value !== undefined) return step.value
    }
  }

  emit(message: In): void {
    if (checkMessage(message) !== undefined) this.emitted.push(message)
    this.#isPartlyDelivered = true
    this.#settle()
  }

  /**
   * Another reader takes over the scanner. A message that is partly delivered stays begun, as far as all that was read of
   * it was delivered: no byte of it is read again. Any other one is given up.
   */
  leave(): void {
    const { position, deliveredLength } = this.#scanner
    if (this.#generator === null || !this.#isPartlyDelivered || this.heldLength > 0) {
      this.abandon()
    } else {
      this.#leftAt = position
      if (this.#isInPieces) this.#leftLength += deliveredLength
    }
  }

  /** Goes on with the message that was left, if nobody has read on since. False: the next one begins anew. */
  goOn(): boolean {
    const rule = this.#rule
    if (rule === null || this.#leftAt !== this.#scanner.position) return false
    this.#leftAt = -1
    const count = rule.count === -1 ? -1 : rule.count - this.#leftLength
    this.#setRule(this.#leftLength === 0 ? rule : { ...rule, count })
    return true
  }

  pushBack(bytes: Uint8Array): void {
    this.#keepLast()
    this.#scanner.pushBack(bytes)
    this.#length = Math.max(0, this.#length - bytes.length)
    this.#forget(bytes.length)
    this.#idle()
  }

  /** Gives the message up: its bytes are unread again. */
  abandon(): void {
    const generator = this.#generator
    this.#generator = null
    this.isReading = false
    this.#isInPieces = false
    this.#isPartlyDelivered = false
    this.#leftAt = -1
    this.#keepLast()
    this.#rule = null
    this.#delimiter = null
    const unread = [...this.#older.takeChunks(this.#Bytes), ...this.#read, ...this.#rest.takeChunks(this.#Bytes)]
    for (const bytes of unread.toReversed()) this.#scanner.pushBack(bytes)
    this.#settle()
    this.#forgetSteps()
    // Its cleanup may throw, or go on yielding: the message is over all the same.
    try {
      generator?.return(undefined)
    } catch {}
  }

  /** The message, if it can be had without a generator. */
  #locate(codec: SteppedCodec<In, never>): In | null {
    if (codec.locate === undefined && codec.readWhole === undefined) return null
    const { position } = this.#scanner
    let message: In | null = null
    if (codec.locate !== undefined) message = this.#scanner.readLocated(codec as Locator, this.#extent) as In | null
    else if (codec.readWhole !== undefined) message = this.#scanner.readWhole(codec as WholeReader<In>, this.#extent) ?? null
    if (message === null) return null
    this.offset = position
    this.#idleMessages = 0
    return message
  }

  /** Begins a message, and goes on to its second step where it waits for what the one before it waited for. */
  #begin(codec: SteppedCodec<In, never>): IteratorResult<Terminator, In | undefined> {
    this.offset = this.#scanner.position
    this.isReading = true
    const generator = codec.decode(this.#context) as Reading<In>
    let step: IteratorResult<Terminator, In | undefined> | null = null
    try {
      step = generator.next()
      if (step.value === this.#delimiter && this.#isPlain && this.#delimiter !== null && this.emitted.length === 0) {
        const frame = this.#plainFrame()
        if (frame !== null) step = frame === END ? this.#end(generator) : generator.next(frame)
      }
      return step
    } finally {
      // Most messages are done by now: to keep their generators costs more than all of this.
      if (step?.done !== true) this.#generator = generator
    }
  }

  #end(generator: Reading<In>): IteratorResult<Terminator, In | undefined> {
    this.#idle()
    return generator.throw(new EndOfInput(this.#tail))
  }

  /** The message is done. */
  #finish(message: In | undefined): void {
    // Of a message that is none the bytes are unread.
    if (message !== undefined) checkMessage(message)
    if (this.#generator !== null) this.#generator = null
    this.isReading = false
    if (this.#isPartlyDelivered) this.#isPartlyDelivered = false
    if (this.#scanner.position === this.offset) this.#countIdleMessage()
    else this.#idleMessages = 0
    this.#settle()
    if (this.#isUnusual) this.#forgetSteps()
  }

  #forgetSteps(): void {
    this.#isUnusual = false
    this.#hasMetEnd = false
    this.#idleSteps = 0
    this.#farthest = -1
  }

  /** The first of what was emitted, which comes before this. */
  inTurn(message: In | undefined): In {
    if (message !== undefined) this.emitted.push(message)
    return this.emitted.shift() as In
  }

  /** The message needs another frame. */
  #await(terminator: Terminator): void {
    if (this.#last !== null) {
      this.#keepLast()
      // Of a message that is much longer than one may be, only what goes on can be read by another codec.
      if (this.#readLength > MAX_KEPT_SHARE * this.#maxLength) this.#drop()
    }
    // The same line ending again, most often.
    if (terminator !== null && terminator === this.#delimiter && !this.#isInPieces) return
    const rule = compileTerminator(terminator, 'terminator that was yielded')
    // Of a frame in pieces the rest, for as long as the same is asked for.
    const goesOn = this.#isInPieces && this.#rule !== null && sameRule(rule, this.#rule)
    if (!goesOn) this.#use(rule)
  }

  #use(rule: Rule): void {
    this.#isInPieces = false
    this.#restOffset = -1
    this.#passedLength = 0
    this.#leftLength = 0
    this.#rule = rule
    this.#isPlain = rule.pieces !== true && rule.maxFrameLength === undefined && (rule.delimiters !== null || rule.count !== -1)
    this.#delimiter = typeof rule.given === 'string' ? rule.given : null
    if (rule.maxFrameLength === undefined && rule.count > this.#maxLength - this.#length) this.#failTooLong(this.#length + rule.count)
    this.#setRule(rule)
  }

  #setRule(rule: Rule): void {
    this.#scanner.setRule(rule)
    // A scanner that is somebody else's too has their limit for counts.
    const hasOtherLimit = rule.maxFrameLength === undefined && rule.count > this.#scanner.maxFrameLength
    if (hasOtherLimit) this.#scanner.setRule({ ...rule, maxFrameLength: this.#maxLength })
  }

  /** What most wait for; null: `#specialFrame()` knows more. Hot: test/bench, row `codecs`. */
  #plainFrame(): Uint8Array | null {
    const frame = this.#scanner.read()
    if (frame === null) return null
    const { ending } = this.#scanner
    this.ending = ending
    this.#last = frame
    this.#length += frame.length
    if (this.#length > this.#maxLength) this.#failTooLong(this.#maxLength + 1)
    return ending === 'terminator' || ending === 'count' ? frame : this.#endSpecially(frame, ending)
  }

  /** The frame that the generator waits for; null: more input is needed. */
  #nextFrame(hasEnded: boolean): Uint8Array | null {
    const plain = this.#isPlain ? this.#plainFrame() : null
    return plain ?? this.#specialFrame(hasEnded)
  }

  /** A frame of any kind, or what the end of input makes of it. */
  #specialFrame(hasEnded: boolean): Uint8Array | null {
    const { delimiters, count, pieces } = this.#rule as Rule
    const isUnbounded = delimiters === null && count === -1
    if (isUnbounded && pieces !== true) return this.#readRest(hasEnded)
    const frame = pieces === true ? this.#scanner.readPiece() : this.#scanner.read()
    if (frame === null) return hasEnded ? this.#endFrame(isUnbounded) : null
    const { ending } = this.#scanner
    this.ending = ending
    // It counts, and is kept in case that the message is not done with it.
    this.#last = frame
    this.#count(frame.length)
    if (ending === 'terminator' || ending === 'count') this.#isInPieces = false
    else return this.#endSpecially(frame, ending)
    return frame
  }

  /** The frame that was read ended by neither delimiter nor count: the end of input cut it, or it goes on. */
  #endSpecially(frame: Uint8Array, ending: Ending | null): Uint8Array {
    this.#tail = frame
    if (ending === 'eof') return END
    this.ending = ending === 'piece' ? null : ending
    this.#isInPieces = this.ending === null
    return frame
  }

  /** Under `null` the end of input ends the frame, once; any other frame it cuts. */
  #endFrame(isUnbounded: boolean): Uint8Array {
    this.#tail = NO_BYTES
    this.ending = null
    if (!isUnbounded || this.#hasMetEnd) return END
    this.#hasMetEnd = true
    this.#isUnusual = true
    this.ending = 'eof'
    return NO_BYTES
  }

  #readRest(hasEnded: boolean): Uint8Array | null {
    if (this.#rest.length === 0) this.#restOffset = this.#scanner.position
    let piece: Uint8Array | null
    while ((piece = this.#scanner.read()) !== null) {
      this.#Bytes = classOf(piece)
      this.#rest.appendCompact(piece)
      this.#count(piece.length)
    }
    if (!hasEnded) return null
    if (this.#rest.length === 0) return this.#endFrame(true)
    const rest = new this.#Bytes(this.#rest.length)
    this.#rest.copyTo(rest)
    this.#rest.clear()
    this.#last = rest
    this.#hasMetEnd = true
    this.#isUnusual = true
    this.ending = 'eof'
    return rest
  }

  /** The message goes on after the frame read last. */
  #keepLast(): void {
    const last = this.#last
    if (last === null) return
    this.#last = null
    this.#keep(last)
    const { delimiters } = this.#rule as Rule
    if (this.ending !== 'terminator' || delimiters === null) return
    this.#keep(inClass(delimiters.delimiters[this.#scanner.matched] as Uint8Array, classOf(last)))
  }

  #count(length: number): void {
    const rule = this.#rule as Rule
    if (rule.maxFrameLength !== undefined) {
      this.#countOwn(rule, rule.maxFrameLength, length)
    } else {
      this.#length += length
      if (this.#length > this.#maxLength) this.#failTooLong(this.#maxLength + 1)
    }
  }

  /** A limit of the rule's own: the scanner keeps it, but not under `null`, where it knows no frames. */
  #countOwn(rule: Rule, limit: number, length: number): void {
    if (rule.count !== -1 || rule.delimiters !== null) return
    this.#passedLength += length
    if (this.#passedLength > limit) throw messageTooLong(limit, limit + 1, this.offset)
  }

  #keep(bytes: Uint8Array): void {
    this.#readLength += bytes.length
    if (this.#read.push(bytes) < MAX_KEPT_COUNT) return
    this.#Bytes = classOf(bytes)
    for (const part of this.#read) this.#older.appendCompact(part)
    this.#read.length = 0
  }

  /** The last `length` bytes were put back. */
  #forget(length: number): void {
    let left = Math.min(length, this.#readLength)
    this.#readLength -= left
    while (left > 0) {
      if (this.#read.length === 0) this.#read = this.#older.takeChunks(this.#Bytes)
      const last = this.#read.pop() as Uint8Array
      if (last.length > left) this.#read.push(last.subarray(0, last.length - left))
      left -= Math.min(left, last.length)
    }
  }

  /** What was read is done with: a message has been made of it, or none. */
  #settle(): void {
    this.#drop()
    this.#length = 0
  }

  #drop(): void {
    this.#last = null
    if (this.#readLength === 0) return
    this.#read.length = 0
    this.#older.clear()
    this.#readLength = 0
  }

  /** A step that came no farther than one before it. */
  #idle(): void {
    const { position } = this.#scanner
    this.#isUnusual = true
    const isFarther = this.#farthest !== -1 && position > this.#farthest
    this.#idleSteps = isFarther ? 0 : this.#idleSteps + 1
    this.#farthest = Math.max(position, this.#farthest)
    if (this.#idleSteps > MAX_IDLE_STEPS) this.#failIdle()
  }

  #countIdleMessage(): void {
    if (++this.#idleMessages > MAX_IDLE_STEPS) this.#failIdle()
  }

  #failIdle(): never {
    throw noProgress(MAX_IDLE_STEPS, this.#scanner.position, this.#scanner.frameCount)
  }

  #failTooLong(length: number): never {
    throw messageTooLong(this.#maxLength, length, this.offset)
  }
}
