import { FrameScanner } from '../framing/frame-scanner.js'
import type { Terminator } from '../framing/terminator.js'
import { DemandTransform } from './demand-transform.js'
import type { FrameReader } from './frame-iterator.js'
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
export class TerminatorSplitter<const O extends TerminatorSplitterOptions = {}> extends DemandTransform<FrameOf<O>> {
  readonly #options: CheckedOptions
  readonly #scanner: FrameScanner
  readonly #supply: FrameSupply<FrameOf<O>>

  /**
   * @param terminator what ends the first frame, see {@link Terminator}. Default: null, bytes pass as they come
   * @param options see {@link TerminatorSplitterOptions}
   */
  constructor(terminator: Terminator = null, options: O = {} as O) {
    const checked = checkSplitterOptions(options)
    checkTogether(terminator, checked)
    const scanner = new FrameScanner(scannerOptions(terminator, options, (length) => this.#reportOverflow(length)))
    const supply = new FrameSupply<FrameOf<O>>(scanner, checked, (error) => this.destroy(error))
    supply.gate.isDry = !scanner.isEmptyNext
    super({ scanner, supply, frameTimeout: checked.frameTimeout, options: transformOptions(options) })
    this.#options = checked
    this.#scanner = scanner
    this.#supply = supply
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
    this.demand.lookAgain()
  }

  /** What ends the next frame; for a running count the bytes still missing. asynchat: `get_terminator`. */
  getTerminator(): Terminator {
    return this.#scanner.getTerminator()
  }

  #reportOverflow(discardedLength: number): void {
    this.demand.resetDeadline()
    this.emit('overflow', discardedLength)
  }

  static {
    openSplitter = (splitter, reader) => {
      splitter.demand.open(reader)
      return { scanner: splitter.#scanner, release: () => splitter.demand.release() }
    }
  }
}
