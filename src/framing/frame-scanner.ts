import { type FramingError, frameTimeout, invalidState } from '../errors.js'
import { checkBoolean, checkBytes, checkFunction, checkLimit, checkOneOf, checkOptions } from './checks.js'
import type { Extent, Locator, WholeReader } from './codec.js'
import { knownEndLength, readPiece } from './frame-pieces.js'
import { abandonSkip, redirectSkip } from './overlong-frames.js'
import { type Ending, type ScanOptions, ScanState, type Tail } from './scan-state.js'
import {
  type FrameRule,
  OVERFLOWS,
  type Overflow,
  type Rule,
  type Terminator,
  compileTerminator,
  copyOfDelimiters,
  sameRule,
} from './terminator.js'
import { readFrame } from './whole-frames.js'

/** Options of a {@link FrameScanner}. */
export interface FrameScannerOptions {
  /** What ends the first frame. @defaultValue null */
  readonly terminator?: Terminator
  /**
   * The longest frame, in bytes of content: never the delimiter, nor a part of one that is held back. A positive
   * integer or `Infinity`. Set it to what your protocol needs where a peer is not trusted: it bounds what is held.
   * @defaultValue 1 MiB
   */
  readonly maxFrameLength?: number
  /** The longest count; a rule's own limit goes before it. @defaultValue `maxFrameLength` */
  readonly maxCountLength?: number
  /** What happens to a longer frame. @defaultValue 'error' */
  readonly overflow?: Overflow
  /** What becomes of a frame cut by the end of input. @defaultValue 'error' for a count, else 'emit' */
  readonly tail?: Tail
  /** After a count: the same count again (fixed-size records), or else `null`. @defaultValue true */
  readonly rearmCount?: boolean
  /** Deliver the delimiter at the end of its frame. @defaultValue false */
  readonly keepTerminator?: boolean
  /**
   * Called when a discard has ended, with the number of bytes of content that were thrown away. It runs between two
   * frames: a terminator set in it rules the frame after the discarded one.
   */
  readonly onOverflow?: (discardedLength: number) => void
}

const DEFAULT_MAX_FRAME_BYTES = 1024 * 1024
const TAILS: readonly Tail[] = ['emit', 'error', 'drop']

/**
 * Cuts a stream of bytes into frames: bytes in by `write`, frames out by `read`. No stream, no timer, no Node.
 *
 * The terminator is looked up before each frame, so one that is set after a frame rules the very next byte. The same
 * bytes give the same frames, endings, offsets and errors, however they are cut into chunks. Each byte is looked at
 * at most twice; nothing is allocated by a length that the peer declared.
 *
 * A frame is a view of the chunk it came in where it lies in one, else a copy; it never changes afterwards, as long
 * as the chunks that were written do not. It is a `Buffer` when the chunks are.
 *
 * asynchat: what `handle_read` does with `ac_in_buffer`.
 *
 * @example
 * ```ts
 * import { FrameScanner } from 'asynchat/framing'
 *
 * const scanner = new FrameScanner({ terminator: '\n' })
 * scanner.write(new TextEncoder().encode('5\nhelloGET /\n'))
 * const length = Number(new TextDecoder().decode(scanner.read() ?? undefined))
 * scanner.setTerminator(length)
 * console.log(new TextDecoder().decode(scanner.read() ?? undefined), scanner.ending, scanner.offset)
 * scanner.setTerminator('\n')
 * console.log(new TextDecoder().decode(scanner.read() ?? undefined), scanner.ending, scanner.offset)
 * ```
 * ```text
 * hello count 2
 * GET / terminator 7
 * ```
 */
export class FrameScanner {
  readonly #state: ScanState

  constructor(options: FrameScannerOptions = {}) {
    this.#state = new ScanState(checkScanOptions(options))
    this.#state.use(compileTerminator(options.terminator ?? null))
  }

  /** How the frame or piece just read ended; null while a frame read in pieces goes on, and where none was read. */
  get ending(): Ending | null {
    return this.#state.ending
  }

  /** Position in the stream of the first byte of the frame read last (in pieces too: of its frame). */
  get offset(): number {
    return this.#state.offset
  }

  /** Position in the stream of the first byte that was not delivered. */
  get position(): number {
    return this.#state.input.offset
  }

  /** Which delimiter of the set ended the frame read last; 0 for a single one and for other endings. */
  get matched(): number {
    return this.#state.matched
  }

  /** Whether the next frame is empty and there already: the terminator is a count of 0. */
  get isEmptyNext(): boolean {
    return this.#state.rule.count === 0
  }

  /** Changes when another terminator comes to rule: one that was set, or null after a count. */
  get ruleSerial(): number {
    return this.#state.ruleSerial
  }

  /** Frames delivered since the beginning; bytes under `null` are none. */
  get frameCount(): number {
    return this.#state.frames
  }

  /** Bytes written and neither delivered nor thrown away. */
  get bufferedLength(): number {
    return this.#state.input.length + (this.#state.skip?.kept?.length ?? 0)
  }

  /** Whether `bufferedLength` is 0. Asked after each frame: hot. */
  get isEmpty(): boolean {
    return this.#state.input.restLength === 0 && this.bufferedLength === 0
  }

  /** Whether bytes were seen of a frame whose end was not. */
  get isInFrame(): boolean {
    const { input, delivered, phase } = this.#state
    return input.heldLength > 0 || delivered > 0 || phase === 'skipping'
  }

  /** Bytes of the frame that goes on which were delivered, in pieces. */
  get deliveredLength(): number {
    return this.#state.delivered
  }

  /** Whether a frame is too long, and skipped. */
  get isSkipping(): boolean {
    return this.#state.phase === 'skipping'
  }

  /** The limit of the frame at hand: the rule's own, or the scanner's. */
  get maxFrameLength(): number {
    return this.#state.limit
  }

  /** Bytes seen of the frame whose end was not: delivered in pieces, held, or skipped. Its delimiter may be among them. */
  get frameLength(): number {
    const { input, delivered, skip } = this.#state
    return delivered + input.heldLength + (skip === null ? 0 : skip.discarded + (skip.kept?.length ?? 0))
  }

  /** Position in the stream of the first byte of the frame whose end was not seen. */
  get frameOffset(): number {
    const { input, delivered, skip } = this.#state
    return skip?.offset ?? input.offset - delivered
  }

  /** Positions looked at by the search since the beginning: at most 2 a byte and the delimiter's length a chunk. */
  get bytesLookedAt(): number {
    return this.#state.bytesLookedAt
  }

  /** The rule's own deadline in ms, if it has one: the scanner has no clock, who drives it may have. */
  get frameTimeout(): number | undefined {
    return this.#state.rule.frameTimeout
  }

  /** Whether the rule asks for pieces (true) or whole frames (false), if it says: who drives the scanner may heed it. */
  get pieces(): boolean | undefined {
    return this.#state.rule.pieces
  }

  /**
   * Takes a chunk, by reference: it must not be changed afterwards. Nothing is cut until `read()`.
   * An empty chunk is nothing. Throws a `TypeError` for anything but bytes, `ERR_INVALID_STATE` after `end()`.
   */
  write(chunk: Uint8Array): void {
    const bytes = checkBytes('chunk', chunk)
    if (this.#state.ended) throw invalidState('write() after end()')
    this.#state.input.write(bytes)
  }

  /** Marks the end of input. What is held then ends as `tail` says, with the next reads. */
  end(): void {
    this.#state.ended = true
  }

  /**
   * The next frame, or null: more input is needed, or after `end()` there is no more. Empty frames are frames.
   *
   * Throws a {@link FramingError} for a frame that is too long, cut by the end of input (where `tail` is `'error'`),
   * or for the 101st empty frame in a row that consumes nothing; then each `read()` throws the same one, until a
   * terminator is set. Throws `ERR_INVALID_STATE` inside a frame that is read in pieces.
   */
  read(): Uint8Array | null {
    const state = this.#state
    if (state.delivered > 0 || state.skip?.isWhole === false) throw invalidState('read() inside a frame read in pieces')
    return readFrame(state)
  }

  /**
   * The next piece of a frame, as soon as its bytes are known not to be the delimiter; `ending` is null while the
   * frame goes on. The last piece of a frame may be empty, others are not. At most delimiter length - 1 bytes are
   * held. Exactly `maxFrameLength` bytes come before `ERR_FRAME_TOO_LONG`; a count is its own limit.
   *
   * Throws as `read()`; a `TypeError` where `overflow` is `'discard'`: what was delivered cannot be taken back.
   */
  readPiece(): Uint8Array | null {
    return this.#readPiece(false, Infinity)
  }

  /**
   * As `readPiece()`, and what ends a frame is consumed apart from its content: by the read after the last piece, as
   * a piece that is empty. A terminator that is set between the two rules the delimiter's bytes, which are unread.
   * Pieces have at most `maxLength` bytes. asynchat: `collect_incoming_data` and `found_terminator` are two calls.
   */
  readContent(maxLength: number = Infinity): Uint8Array | null {
    return this.#readPiece(true, checkLimit('maxLength', maxLength))
  }

  /**
   * The content of what `locate` finds at the first byte not delivered, where all of it lies in the chunk at hand: as a
   * view, whatever the terminator. Null, with nothing done: it does not. Only between two frames. Hot: test/bench, row
   * `codecs`.
   */
  readLocated(locator: Locator, extent: Extent): Uint8Array | null {
    const state = this.#state
    const { input } = state
    state.lookAgain()
    if (state.phase !== 'framing' || !input.next() || !locator.locate(input.chunk, input.at, extent)) return null
    const { before, length, after } = extent
    if (before + length + after > input.restLength) return null
    input.drop(before)
    return input.takeView(length, after)
  }

  /**
   * The message that `reader` reads at the first byte not delivered, where all of it lies in the chunk at hand, whatever
   * the terminator. Undefined, with nothing done: it does not. Only between two frames. Hot: test/bench, row `resp`.
   */
  readWhole<In>(reader: WholeReader<In>, extent: Extent): In | undefined {
    const state = this.#state
    const { input } = state
    state.lookAgain()
    if (state.phase !== 'framing' || !input.next()) return undefined
    const message = reader.readWhole(input.chunk, input.at, extent)
    if (message !== undefined) input.drop(extent.length)
    return message
  }

  /**
   * Bytes that end the frame whose content has all been delivered by `readContent()`: the delimiter's, 0 for a count.
   * -1 where the frame's end is not there yet.
   */
  get endLength(): number {
    return knownEndLength(this.#state)
  }

  /**
   * As `read()`, or as `readPiece()`, but only if it delivers: where bytes would have to be thrown away or an error
   * thrown it gives null, changes nothing and says so (`isBlocked`). For reading ahead of a consumer that may set
   * another terminator.
   */
  readTentatively(inPieces: boolean): Uint8Array | null {
    const state = this.#state
    state.isTentative = true
    state.isBlocked = false
    try {
      return inPieces ? this.readPiece() : this.read()
    } finally {
      state.isTentative = false
    }
  }

  /** Whether `readTentatively()` gave null for another reason than a want of input. */
  get isBlocked(): boolean {
    return this.#state.isBlocked
  }

  /**
   * Sets what ends the next frame. Rules from the first byte not delivered: the bytes of an unfinished frame are
   * looked at again (in pieces: those held back), unless the terminator is equal to the one set. Drops a running
   * count, clears an error. While a frame is discarded, a delimiter makes the discard go on up to it; a count or
   * null ends it before the first byte not looked at.
   *
   * Throws a `TypeError` or `RangeError` that names it for what is no terminator, and changes nothing then.
   * asynchat: `set_terminator`.
   */
  setTerminator(terminator: Terminator): void {
    this.setRule(compileTerminator(terminator))
  }

  /** As `setTerminator()`, of a terminator that was compiled. */
  setRule(rule: Rule): void {
    const state = this.#state
    if (state.phase === 'skipping' && state.skip !== null) {
      redirectSkip(state, state.skip, rule)
    } else if (rule.delimiters !== null && state.phase === 'framing' && sameRule(rule, state.rule)) {
      return
    } else {
      this.#startOver()
    }
    state.use(rule)
  }

  /**
   * What ends the next frame, as it was set (bytes and arrays as copies). For a running count the bytes that are
   * still missing. asynchat: `get_terminator`.
   */
  getTerminator(): Terminator {
    const { rule, delivered, input, skip } = this.#state
    if (rule.count <= 0) return copyOfDelimiters(rule.given)
    const missing = skip !== null && skip.left > 0 ? skip.left : rule.count - delivered - input.heldLength
    if (typeof rule.given === 'number') return missing
    return missing === rule.count ? rule.given : { ...(rule.given as FrameRule), until: missing }
  }

  /**
   * Takes all bytes that were not delivered and leaves the scanner empty. The terminator stays; a running count and
   * a frame that is read in pieces start anew. For another parser, after an upgrade or an error.
   */
  takeUnread(): Uint8Array {
    const state = this.#state
    const { input, skip } = state
    state.lookAgain()
    state.delivered = 0
    if (skip !== null && skip.kept !== null) input.pushBack(skip.kept)
    if (skip !== null) abandonSkip(state, skip)
    return input.takeAll()
  }

  /**
   * Puts bytes before those not delivered, as if they had come again; `offset` goes back by their length.
   * By reference, as in `write()`. The bytes of an unfinished frame are looked at again; inside a frame that is read
   * in pieces the bytes pushed back belong to it again.
   */
  pushBack(bytes: Uint8Array): void {
    const checked = checkBytes('bytes', bytes)
    const state = this.#state
    state.lookAgain()
    state.input.pushBack(checked)
    state.delivered = Math.max(0, state.delivered - checked.length)
  }

  /**
   * Makes the frame that goes on fail with `ERR_FRAME_TIMEOUT`: for who drives the scanner and has a clock.
   * Gives the error, which every `read()` throws from now on, as any other.
   */
  expire(timeoutMs: number): FramingError {
    const state = this.#state
    const { frameOffset } = this
    state.phase = 'failed'
    return (state.error = frameTimeout(timeoutMs, frameOffset, state.frames))
  }

  #readPiece(endsApart: boolean, maxLength: number): Uint8Array | null {
    const state = this.#state
    if (state.skip?.isWhole === true) throw invalidState('readPiece() inside a frame read whole')
    state.endsApart = endsApart
    state.maxPieceLength = maxLength
    return readPiece(state)
  }

  #startOver(): void {
    const state = this.#state
    state.lookAgain()
    if (state.skip?.kept) state.input.pushBack(state.skip.kept)
    state.delivered = 0
    state.error = null
    state.skip = null
    state.phase = 'framing'
  }
}

function checkScanOptions(options: FrameScannerOptions): ScanOptions {
  const { maxFrameLength = DEFAULT_MAX_FRAME_BYTES, maxCountLength, overflow = 'error', rearmCount = true, keepTerminator = false } =
    checkOptions('options', options)
  return {
    maxFrameLength: checkLimit('options.maxFrameLength', maxFrameLength),
    maxCountLength: maxCountLength === undefined ? undefined : checkLimit('options.maxCountLength', maxCountLength),
    overflow: checkOneOf('options.overflow', overflow, OVERFLOWS),
    tail: options.tail === undefined ? undefined : checkOneOf('options.tail', options.tail, TAILS),
    rearmCount: checkBoolean('options.rearmCount', rearmCount),
    keepTerminator: checkBoolean('options.keepTerminator', keepTerminator),
    onOverflow: options.onOverflow === undefined ? undefined : checkFunction('options.onOverflow', options.onOverflow),
  }
}
