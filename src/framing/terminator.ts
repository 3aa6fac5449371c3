import { invalidType, outOfRange } from '../errors.js'
import { copyOf, isBytes, sameBytes } from './bytes.js'
import { checkBoolean, checkLimit, checkOneOf, checkTimeout } from './checks.js'
import { type Delimiter, type DelimiterSet, delimiterSet } from './delimiter-set.js'

/** What happens to a frame that is longer than `maxFrameLength`. */
export type Overflow =
  /** Fail: the stream cannot be trusted any more. */
  | 'error'
  /** Skip it, go on with the frame after it. */
  | 'discard'
  /** Deliver its first `maxFrameLength` bytes, skip the rest. */
  | 'truncate'

/** What ends a frame, without limits of its own: see {@link Terminator}. */
export type Boundary = Delimiter | readonly Delimiter[] | number | null

/**
 * A terminator with limits of its own, which hold for the frames it ends: a command line of 512 bytes and a mail of
 * 50 MB are not the same risk. Compiled once per object: do not change it afterwards.
 *
 * @example
 * ```ts
 * import { TerminatorSplitter } from 'asynchat'
 *
 * const splitter = new TerminatorSplitter({ until: '\r\n', maxFrameLength: 512 })
 * console.log(splitter.getTerminator())
 * ```
 * ```text
 * { until: '\r\n', maxFrameLength: 512 }
 * ```
 */
export interface FrameRule {
  /** What ends the frame. */
  readonly until: Boundary
  /** Limit for this frame, in bytes of content. @defaultValue that of the scanner or stream */
  readonly maxFrameLength?: number
  /** What happens past the limit. @defaultValue that of the scanner or stream */
  readonly overflow?: Overflow
  /** Deadline for this frame in ms from its first byte, 0 for none; streams keep it. @defaultValue that of the stream */
  readonly frameTimeout?: number
  /** Deliver this frame in pieces as it arrives, or whole; streams heed it. @defaultValue that of the stream */
  readonly pieces?: boolean
}

/**
 * What ends a frame.
 *
 * - a string (its UTF-8 bytes) or `Uint8Array`: this delimiter;
 * - an array of them: the one that ends first, the longest of those that end together;
 * - a number n > 0: the next n bytes; 0: an empty frame at once, then as `null`;
 * - `null`: never; bytes pass through as they arrive;
 * - a {@link FrameRule}: any of these with limits of its own.
 *
 * asynchat: the argument of `set_terminator`.
 */
export type Terminator = Boundary | FrameRule

/** A terminator, checked, copied and ready to use. */
export interface Rule {
  readonly given: Terminator
  /** Null for a count and for never. */
  readonly delimiters: DelimiterSet | null
  /** Bytes of a count, -1 for anything else. */
  readonly count: number
  readonly maxFrameLength: number | undefined
  readonly overflow: Overflow | undefined
  readonly frameTimeout: number | undefined
  readonly pieces: boolean | undefined
}

/** Never: all bytes pass. */
export const NEVER: Rule = plainRule(null, null, -1)

/** Checks a terminator. Throws a `TypeError` or `RangeError` that names it. */
export function compileTerminator(given: Terminator, name = 'terminator'): Rule {
  if (given === null) return NEVER
  if (typeof given === 'number') return plainRule(given, null, checkCount(name, given))
  if (typeof given === 'string') return compileString(given, name)
  if (typeof given !== 'object') throw invalidType(name, TERMINATOR_KINDS, given)
  // A count has nothing to compile, and codecs make a new one for each message: remembering it costs more.
  if ('until' in given && typeof given.until === 'number') return compileFrameRule(given, name)
  const known = compiled.get(given)
  if (known !== undefined && (!isDelimiters(given) || sameDelimiters(given, known.given))) return known
  const rule = isDelimiters(given) ? compileDelimiters(given, name) : compileFrameRule(given, name)
  compiled.set(given, rule)
  return rule
}

/** Do both end the same frames in the same way? */
export function sameRule(left: Rule, right: Rule): boolean {
  if (left === right) return true
  return (
    left.count === right.count &&
    left.maxFrameLength === right.maxFrameLength &&
    left.overflow === right.overflow &&
    left.frameTimeout === right.frameTimeout &&
    left.pieces === right.pieces &&
    sameSet(left.delimiters, right.delimiters)
  )
}

const TERMINATOR_KINDS = 'a string, Uint8Array, array of them, number, null or { until }'

/**
 * Terminators are set anew for each frame, so the last ones are remembered: encoding a string costs more than a
 * frame does. Objects are remembered as long as they live, and compared again where they could have changed.
 */
const compiled = new WeakMap<object, Rule>()
const compiledStrings = new Map<string, Rule>()
const MAX_COMPILED_STRINGS = 64
const MAX_COMPILED_LENGTH = 256

function compileString(given: string, name: string): Rule {
  const known = compiledStrings.get(given)
  if (known !== undefined) return known
  const rule = plainRule(given, delimiterSet(name, given), -1)
  if (given.length <= MAX_COMPILED_LENGTH) {
    if (compiledStrings.size === MAX_COMPILED_STRINGS) compiledStrings.clear()
    compiledStrings.set(given, rule)
  }
  return rule
}

function compileDelimiters(given: Delimiter | readonly Delimiter[], name: string): Rule {
  return plainRule(copyOfDelimiters(given), delimiterSet(name, given), -1)
}

function compileFrameRule(given: FrameRule, name: string): Rule {
  if (!('until' in given)) throw invalidType(name, TERMINATOR_KINDS, given)
  const { until, maxFrameLength, overflow, frameTimeout, pieces } = given
  const isBoundary = until === null || typeof until !== 'object' || isDelimiters(until)
  if (!isBoundary) throw invalidType(`${name}.until`, 'a string, Uint8Array, array of them, number or null', until)
  const { delimiters, count } = compileTerminator(until, `${name}.until`)
  const rule: Rule = {
    given,
    delimiters,
    count,
    maxFrameLength: maxFrameLength === undefined ? undefined : checkLimit(`${name}.maxFrameLength`, maxFrameLength),
    overflow: overflow === undefined ? undefined : checkOneOf(`${name}.overflow`, overflow, OVERFLOWS),
    frameTimeout: frameTimeout === undefined ? undefined : checkTimeout(`${name}.frameTimeout`, frameTimeout),
    pieces: pieces === undefined ? undefined : checkBoolean(`${name}.pieces`, pieces),
  }
  if (rule.pieces === true && overflow === 'discard') throw discardInPieces(`${name}.overflow`)
  return rule
}

/** What was handed out in pieces cannot be taken back. */
export function discardInPieces(name: string): TypeError {
  return invalidType(name, `'error' or 'truncate' where frames are delivered in pieces`, 'discard')
}

export const OVERFLOWS: readonly Overflow[] = ['error', 'discard', 'truncate']

function plainRule(given: Terminator, delimiters: DelimiterSet | null, count: number): Rule {
  return { given, delimiters, count, maxFrameLength: undefined, overflow: undefined, frameTimeout: undefined, pieces: undefined }
}

function checkCount(name: string, given: number): number {
  if (Number.isSafeInteger(given) && given >= 0) return given
  throw outOfRange(name, 'a safe integer >= 0', given)
}

function isDelimiters(given: object): given is Uint8Array | readonly Delimiter[] {
  return isBytes(given) || Array.isArray(given)
}

/** A copy that its owner cannot change under us, nor we under its owner. */
export function copyOfDelimiters<T extends Terminator>(given: T): T {
  if (isBytes(given)) return copyOf(given) as T
  if (Array.isArray(given)) return given.map((delimiter: Delimiter) => copyOfDelimiters(delimiter)) as unknown as T
  return given
}

function sameDelimiters(left: unknown, right: unknown): boolean {
  if (isBytes(left)) return isBytes(right) && sameBytes(left, right)
  if (!Array.isArray(left)) return left === right
  return Array.isArray(right) && left.length === right.length && left.every((one, i) => sameDelimiters(one, right[i]))
}

function sameSet(left: DelimiterSet | null, right: DelimiterSet | null): boolean {
  if (left === null || right === null) return left === right
  return sameDelimiters(left.delimiters, right.delimiters)
}
