import { type FramingError, frameIncomplete, frameTooLong, noProgress } from '../errors.js'
import { DelimiterSearch } from './delimiter-search.js'
import { FrameInput } from './frame-input.js'
import { NEVER, type Overflow, type Rule } from './terminator.js'

/** How a frame, or a piece of one, ended. */
export type Ending =
  /** By a delimiter. */
  | 'terminator'
  /** By its byte count. */
  | 'count'
  /** Bytes under `null`: there are no frames, this is what was at hand. */
  | 'piece'
  /** Cut to `maxFrameLength` bytes; the rest is gone. */
  | 'truncated'
  /** By the end of input. */
  | 'eof'

/** What becomes of a frame that the end of input cuts. */
export type Tail =
  /** It is delivered, with `ending` `'eof'`. */
  | 'emit'
  /** `ERR_FRAME_INCOMPLETE`, with its bytes. */
  | 'error'
  /** It is thrown away. */
  | 'drop'

/** What the next byte is. */
type Phase =
  /** Part of a frame or of its terminator. */
  | 'framing'
  /** Part of a frame that is too long: skipped. */
  | 'skipping'
  /** Not looked at: a frame failed, and every read fails in the same way. */
  | 'failed'

/** The options of a scanner, checked and complete. */
export interface ScanOptions {
  readonly maxFrameLength: number
  /** Undefined: as frames that delimiters end. */
  readonly maxCountLength?: number | undefined
  readonly overflow: Overflow
  readonly tail: Tail | undefined
  readonly rearmCount: boolean
  readonly keepTerminator: boolean
  readonly onOverflow: ((discardedLength: number) => void) | undefined
}

/** A frame that is too long and is being skipped. */
export interface Skip {
  /** Where it began. */
  readonly offset: number
  /** Read whole, not in pieces. */
  readonly isWhole: boolean
  /** The rule it broke; null once another was set: then a count that ends with the skip is nobody's. */
  rule: Rule | null
  /** Bytes thrown away so far. */
  discarded: number
  /** Bytes of a count that are left to skip; -1: up to the delimiter. */
  left: number
  /** Its first bytes, to be delivered as a truncated frame when its end is known; null: it is discarded. */
  kept: Uint8Array | null
}

const MAX_EMPTY_STEPS = 100

/** Answer of a step that delivered nothing and is to be taken again: a discard ended. */
export const AGAIN: Uint8Array = new Uint8Array(0)

/**
 * All that a scanner knows between two reads: what the functions that read whole frames, pieces and over-long frames
 * work on. Everything that several of them do stands here once.
 */
export class ScanState {
  readonly options: ScanOptions
  readonly input: FrameInput = new FrameInput()
  phase: Phase = 'framing'
  ended = false
  ending: Ending | null = null
  offset = 0
  matched = 0

  rule: Rule = NEVER
  /** Counts the rules. */
  ruleSerial = 0
  limit: number
  overflow: Overflow
  /** Bytes of the frame that goes on which were delivered in pieces. */
  delivered = 0
  /** Frames delivered so far. */
  frames = 0
  /** What every read throws in phase `'failed'`. */
  error: FramingError | null = null
  /** Set in phase `'skipping'`, and after it failed. */
  skip: Skip | null = null
  /** In pieces: the chunk that was searched last (its serial), and what `find` said; -1 for none. */
  searched = -1
  foundAt = -1
  /** In pieces: the end of a frame with content is a piece of its own. */
  endsApart = false
  /** In pieces: bytes of the longest. */
  maxPieceLength: number = Infinity

  /** Reading on is welcome only if it delivers: see `isBlocked`. */
  isTentative = false
  /** A tentative read would have thrown bytes away, or failed, and did nothing instead. */
  isBlocked = false

  #search: DelimiterSearch | null = null
  #emptySteps = 0
  #emptyOffset = -1

  constructor(options: ScanOptions) {
    this.options = options
    this.limit = options.maxFrameLength
    this.overflow = options.overflow
  }

  /** The search for the rule's delimiters; only where the rule has any. */
  get search(): DelimiterSearch {
    return this.#search as DelimiterSearch
  }

  get bytesLookedAt(): number {
    return this.#search === null ? 0 : this.#search.bytesLookedAt
  }

  /** What becomes of a frame that the end of input cuts: lines are kept, a cut count is an error, unless told. */
  get tail(): Tail {
    return this.options.tail ?? (this.rule.count === -1 ? 'emit' : 'error')
  }

  /** The first byte not delivered is the first under this rule. */
  use(rule: Rule): void {
    this.rule = rule
    this.ruleSerial++
    this.limit = rule.maxFrameLength ?? (rule.count === -1 ? undefined : this.options.maxCountLength) ?? this.options.maxFrameLength
    this.overflow = rule.overflow ?? this.options.overflow
    if (rule.delimiters === null) return
    if (this.#search === null) this.#search = new DelimiterSearch(rule.delimiters)
    else this.#search.use(rule.delimiters)
  }

  /** What comes now throws bytes away or fails. True: not in a tentative read, which leaves all as it was. */
  blocks(): boolean {
    if (!this.isTentative) return false
    this.isBlocked = true
    this.input.rewind()
    this.searched = -1
    this.#search?.restart()
    return true
  }

  /** All bytes not delivered will be looked at again. Costs nothing where none was looked at. */
  lookAgain(): void {
    if (this.input.heldLength === 0 && this.searched === -1 && this.phase === 'framing') return
    this.input.rewind()
    this.searched = -1
    this.#search?.restart()
  }

  /** Delivers the next `length` bytes as a frame (or the rest of one), ended by `delimiterLength` bytes after them. */
  deliver(length: number, delimiterLength: number, ending: Ending): Uint8Array {
    const { input } = this
    this.ending = ending
    this.offset = input.offset - this.delivered
    this.delivered = 0
    this.matched = 0
    this.frames++
    if (delimiterLength === 0) return input.take(length)
    this.matched = this.search.matched
    if (this.options.keepTerminator) return input.take(length + delimiterLength)
    if (input.heldLength === 0) return input.takeView(length, delimiterLength)
    const frame = input.take(length)
    input.drop(delimiterLength)
    return frame
  }

  /** Delivers the end of a count. */
  deliverCount(length: number): Uint8Array {
    const frame = this.deliver(length, 0, 'count')
    this.endCount()
    return frame
  }

  /** A count of 0: an empty frame that consumes nothing, and so must not come for ever. */
  deliverEmpty(): Uint8Array {
    const { offset } = this.input
    this.#emptySteps = offset === this.#emptyOffset ? this.#emptySteps + 1 : 1
    this.#emptyOffset = offset
    if (this.#emptySteps > MAX_EMPTY_STEPS) this.fail(noProgress(MAX_EMPTY_STEPS, offset, this.frames))
    const frame = this.deliver(0, 0, 'count')
    this.use(NEVER)
    return frame
  }

  /** A count was satisfied: again, or never. */
  endCount(): void {
    if (!this.options.rearmCount) this.use(NEVER)
  }

  /** Delivers what the end of input leaves of a frame: bytes that are held, and pieces delivered before them. */
  deliverTail(): Uint8Array | null {
    const { input, delivered } = this
    const length = input.heldLength
    if (delivered + length === 0) return null
    this.#search?.restart()
    if (this.tail === 'emit') return this.deliver(length, 0, 'eof')
    if (this.blocks()) return null
    if (this.tail === 'error') {
      const bytes = input.peek(length)
      this.fail(frameIncomplete(bytes, delivered + length, input.offset - delivered, this.frames))
    }
    input.drop(length)
    this.delivered = 0
    return null
  }

  failTooLong(length: number): never {
    return this.fail(frameTooLong(this.limit, length, this.input.offset - this.delivered, this.frames))
  }

  fail(error: FramingError): never {
    this.phase = 'failed'
    this.ending = null
    this.error = error
    throw error
  }
}
