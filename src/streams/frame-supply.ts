import { FramingError } from '../errors.js'
import type { FrameScanner } from '../framing/frame-scanner.js'
import type { Supply } from './on-demand.js'
import { FrameShaper } from './frame-shaper.js'
import type { CheckedOptions } from './splitter-options.js'
import { WriteGate } from './write-gate.js'

/**
 * Frames on demand: takes one from the scanner when it is asked to, in the shape that the options ask for.
 *
 * Owns: the scanner's reading side. Rules: nothing is cut that is not given out by the same call, but for frames that
 * `skipEmpty` leaves out. Hot: test/bench, all rows of the splitter.
 */
export class FrameSupply<Frame> implements Supply<Frame> {
  readonly gate: WriteGate
  /** Frames are given out as the scanner gives them. */
  readonly isPlain: boolean
  readonly #scanner: FrameScanner
  readonly #options: CheckedOptions
  readonly #shaper: FrameShaper
  readonly #onError: (error: FramingError) => void
  /** The last piece did not end its frame. */
  #isInPieces = false

  constructor(scanner: FrameScanner, options: CheckedOptions, onError: (error: FramingError) => void) {
    const { encoding, pieces, details, copy, skipEmpty } = options
    this.gate = new WriteGate(scanner)
    this.isPlain = encoding === undefined && !pieces && !details && !copy && !skipEmpty
    this.#scanner = scanner
    this.#options = options
    this.#shaper = new FrameShaper(scanner, options)
    this.#onError = onError
  }

  /**
   * The input was empty: it ends without being asked. (Any other one ends when it is asked for more after its last
   * frame: whoever has that frame may still put bytes back or ask for an empty one.)
   */
  get isEmpty(): boolean {
    const { bufferedLength, frameCount, isEmptyNext } = this.#scanner
    return this.gate.isEnding && this.gate.givenLength + bufferedLength + frameCount === 0 && !isEmptyNext
  }

  /** The next frame at hand. Where there is none, asks for more input, which may come at once. */
  take(): Frame | null {
    const { gate } = this
    while (!gate.isClosed) {
      const frame = gate.isDry ? null : this.#attempt()
      if (frame !== null) return frame
      if (!gate.ask()) return null
    }
    return null
  }

  /**
   * At most `max` frames at hand under one terminator, as `take()` gives the first of them; null: there is none.
   * The bytes behind the last one are as they were: another terminator may be set before they are looked at.
   */
  takeBatch(max: number): Frame[] | null {
    const scanner = this.#scanner
    const { ruleSerial } = scanner
    const first = this.take()
    if (first === null) return null
    const batch = [first]
    while (batch.length < max && scanner.ruleSerial === ruleSerial) {
      const frame = this.gate.isDry ? null : this.#next(true)
      if (frame !== null) batch.push(frame)
      else if (scanner.isBlocked || !this.gate.askForWrites()) break
    }
    return batch
  }

  /** As `take()`, of plain frames only, and without asking: null means that `take()` knows more. Hot. */
  takePlain(): Frame | null {
    if (!this.isPlain || this.gate.isClosed || this.#scanner.pieces === true) return null
    try {
      return this.#scanner.read() as Frame | null
    } catch (error) {
      return this.#fail(error)
    }
  }

  /** What can be cut may have changed: bytes were taken or put back, or a terminator set. */
  startOver(): void {
    this.#isInPieces = false
    this.gate.isDry = false
  }

  /** Gives the bytes of a cut character back to the scanner: they are not delivered. */
  reclaim(): void {
    if (this.#shaper.pendingLength > 0) this.#scanner.pushBack(this.#shaper.reclaim())
  }

  /** As `#next()`, and a frame that fails is the stream's end. */
  #attempt(): Frame | null {
    try {
      return this.#next()
    } catch (error) {
      return this.#fail(error)
    }
  }

  #fail(error: unknown): null {
    // What a handler of 'overflow' throws is its own.
    if (!(error instanceof FramingError)) throw error
    this.#onError(error)
    return null
  }

  /** The next frame that the scanner has. Throws its errors, but not tentatively. */
  #next(isTentative = false): Frame | null {
    const scanner = this.#scanner
    for (;;) {
      const inPieces = scanner.pieces ?? this.#options.pieces
      const bytes = isTentative ? scanner.readTentatively(inPieces) : inPieces ? scanner.readPiece() : scanner.read()
      if (bytes === null) return this.#atEnd(isTentative && scanner.isBlocked)
      const frame = this.#shaped(bytes, inPieces)
      if (frame !== null) return frame
    }
  }

  /** The scanner has nothing more to give: what is left in the shaper, when the input has ended. */
  #atEnd(isBlocked: boolean): Frame | null {
    this.gate.isDry = !isBlocked
    return this.gate.isEnding ? (this.#shaper.flush() as Frame | null) : null
  }

  /** Null: nothing to give out yet. */
  #shaped(bytes: Uint8Array, inPieces: boolean): Frame | null {
    if (this.isPlain && !inPieces) return bytes as Frame
    const { ending } = this.#scanner
    const isEmpty = bytes.length === 0 && ending === 'terminator' && !this.#isInPieces
    this.#isInPieces = ending === null
    if (isEmpty && this.#options.skipEmpty) return null
    return this.#shaper.shape(bytes as Buffer, inPieces) as Frame | null
  }
}
