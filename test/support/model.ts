/**
 * `FrameScanner` told again over the whole input at once, as slowly and as plainly as the contract reads.
 *
 * Nothing here knows of chunks: a law holds when the scanner, however its input is cut, does what this does.
 * Bytes are latin1 strings, one character a byte: they compare with `===` and read well in a failing test.
 */

import type { Delimiter, Ending, FrameRule, FramingErrorCode, Overflow, Tail, Terminator } from '../../src/framing/index.js'

export interface ModelOptions {
  readonly maxFrameLength?: number
  readonly overflow?: Overflow
  readonly tail?: Tail
  readonly rearmCount?: boolean
  readonly keepTerminator?: boolean
}

export interface ModelFrame {
  readonly data: string
  readonly ending: Ending
  readonly offset: number
  readonly matched: number
}

export interface ModelError {
  readonly code: FramingErrorCode
  readonly limit?: number | undefined
  readonly length?: number | undefined
  readonly offset?: number | undefined
  readonly bytes?: string | undefined
  readonly framesBefore?: number | undefined
}

/** What the bytes from `start` on are, under one terminator. `after` is the terminator in force afterwards. */
export type Step =
  | { readonly kind: 'frame'; readonly frame: ModelFrame; readonly next: number; readonly after: Terminator }
  | { readonly kind: 'discarded'; readonly length: number; readonly next: number; readonly after: Terminator }
  /** `delivered`: in pieces, bytes of the frame that come before the error. */
  | { readonly kind: 'error'; readonly error: ModelError; readonly delivered: number }
  /** More input is needed. `delivered`: in pieces, bytes of the frame that come now. `isOver`: what else there is of it is going. */
  | { readonly kind: 'more'; readonly isOver: boolean; readonly delivered: number }
  /** The input is over. `dropped`: bytes of a tail that nobody gets. */
  | { readonly kind: 'end'; readonly dropped: number }

export interface ModelResult {
  readonly frames: readonly ModelFrame[]
  /** Piecewise only: the bytes of an unfinished frame that have been delivered. */
  readonly partial: string
  readonly error: ModelError | null
  /** Content bytes of each frame that was thrown away. */
  readonly discarded: readonly number[]
  /** What `takeUnread()` gives at the end; null where the contract leaves it open. */
  readonly unread: string | null
}

/** A terminator with all it leaves out filled in. */
interface Rule {
  readonly until: readonly string[] | number | null
  readonly limit: number
  readonly overflow: Overflow
}

interface Match {
  readonly start: number
  readonly end: number
  readonly matched: number
}

const DEFAULT_MAX_FRAME_LENGTH = 1024 * 1024

const SHORT_LENGTH = 16

export function latin1(bytes: Uint8Array): string {
  if (bytes.length <= SHORT_LENGTH) {
    let text = ''
    for (const byte of bytes) text += String.fromCharCode(byte)
    return text
  }
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1')
}

function isRule(terminator: Terminator): terminator is FrameRule {
  return typeof terminator === 'object' && terminator !== null && 'until' in terminator
}

function delimiterText(delimiter: Delimiter): string {
  return typeof delimiter === 'string' ? Buffer.from(delimiter, 'utf8').toString('latin1') : latin1(delimiter)
}

function normalise(terminator: Terminator, options: ModelOptions): Rule {
  const rule: FrameRule = isRule(terminator) ? terminator : { until: terminator }
  const { until } = rule
  return {
    until:
      typeof until === 'number' || until === null
        ? until
        : typeof until === 'string' || until instanceof Uint8Array
          ? [delimiterText(until)]
          : until.map(delimiterText),
    limit: rule.maxFrameLength ?? options.maxFrameLength ?? DEFAULT_MAX_FRAME_LENGTH,
    overflow: rule.overflow ?? options.overflow ?? 'error',
  }
}

/** The match that ends first; of those that end together, the longest; of equal ones, the first in the list. */
export function firstMatch(text: string, start: number, delimiters: readonly string[]): Match | null {
  for (let end = start + 1; end <= text.length; end += 1) {
    let best: Match | null = null
    delimiters.forEach((delimiter, matched) => {
      const from = end - delimiter.length
      if (from < start || text.slice(from, end) !== delimiter) return
      if (best === null || from < best.start) best = { start: from, end, matched }
    })
    if (best !== null) return best
  }
  return null
}

/** Length of the longest end of `rest` that a delimiter may still begin with. */
export function heldBack(rest: string, delimiters: readonly string[]): number {
  for (let length = rest.length; length > 0; length -= 1) {
    const end = rest.slice(rest.length - length)
    if (delimiters.some((delimiter) => delimiter.length > length && delimiter.startsWith(end))) return length
  }
  return 0
}

export interface StepInput {
  /** All bytes received. */
  readonly text: string
  /** Whether they are all there will ever be. */
  readonly ended: boolean
  /** Where the frame begins. */
  readonly start: number
  readonly terminator: Terminator
  readonly framesBefore: number
  readonly piecewise?: boolean
}

export function step(input: StepInput, options: ModelOptions): Step {
  const rule = normalise(input.terminator, options)
  const { text, start } = input
  if (rule.until === null && start < text.length) return frameStep(input, text.slice(start), 'piece', text.length, null)
  if (rule.until === null) return input.ended ? { kind: 'end', dropped: 0 } : { kind: 'more', isOver: false, delivered: 0 }
  if (rule.until === 0) return frameStep(input, '', 'count', start, null)
  const { until } = rule
  return outcome(input, rule, typeof until === 'number' ? counted(input, rule, until, options) : delimited(input, rule, until, options))
}

function frameStep({ start }: StepInput, data: string, ending: Ending, next: number, after: Terminator, matched = 0): Step {
  return { kind: 'frame', frame: { data, ending, offset: start, matched }, next, after }
}

/** What is known of a frame. */
interface Facts {
  /** Its content, as far as it is there. */
  readonly content: string
  /** How much of that is content for certain. */
  readonly sure: number
  /** Where it and its delimiter end; null: that is not known. */
  readonly next: number | null
  readonly ending: Ending
  readonly matched: number
  /** Its content and the delimiter, if that is kept. */
  readonly whole: string
  readonly isOver: boolean
  /** What an error says of its length. */
  readonly tooLong: number
  /** Bytes that come in pieces before an error. */
  readonly beforeError: number
  readonly after: Terminator
  readonly tail: Tail
}

function counted({ text, start, terminator, piecewise }: StepInput, rule: Rule, count: number, options: ModelOptions): Facts {
  const content = text.slice(start, start + count)
  return {
    content,
    sure: content.length,
    next: content.length === count ? start + count : null,
    ending: 'count',
    matched: 0,
    whole: content,
    // In pieces nothing of a frame is held, so a count is its own limit there.
    isOver: count > rule.limit && piecewise !== true,
    tooLong: count,
    beforeError: 0,
    after: options.rearmCount === false ? null : terminator,
    tail: options.tail ?? 'error',
  }
}

function delimited({ text, start, ended, terminator }: StepInput, rule: Rule, delimiters: readonly string[], options: ModelOptions): Facts {
  const match = firstMatch(text, start, delimiters)
  const content = text.slice(start, match?.start)
  const sure = match !== null || ended ? content.length : content.length - heldBack(content, delimiters)
  return {
    content,
    sure,
    next: match?.end ?? null,
    ending: 'terminator',
    matched: match?.matched ?? 0,
    whole: options.keepTerminator === true ? text.slice(start, match?.end) : content,
    isOver: sure > rule.limit,
    tooLong: rule.limit + 1,
    beforeError: rule.limit,
    after: terminator,
    tail: options.tail ?? 'emit',
  }
}

function outcome(input: StepInput, rule: Rule, facts: Facts): Step {
  const { content, next, isOver, after, sure } = facts
  const limit = isOver ? rule.limit : Infinity
  const over = isOver ? tooLong(input, rule, facts) : null
  if (over !== null) return over
  if (next !== null) {
    return isOver
      ? frameStep(input, content.slice(0, limit), 'truncated', next, after, facts.matched)
      : frameStep(input, facts.whole, facts.ending, next, after, facts.matched)
  }
  return input.ended ? atEnd(input, content, limit, facts.tail) : { kind: 'more', isOver, delivered: Math.min(limit, sure) }
}

/** The frame is too long: an error, or a discard that has ended; null: it goes on, or is truncated. */
function tooLong({ text, start, ended, framesBefore }: StepInput, { limit, overflow }: Rule, facts: Facts): Step | null {
  const { content, next, after } = facts
  if (overflow === 'error') {
    const error = { code: 'ERR_FRAME_TOO_LONG', limit, length: facts.tooLong, offset: start, framesBefore } as const
    return { kind: 'error', error, delivered: facts.beforeError }
  }
  const hasEnded = next !== null || (ended && content !== '')
  return overflow === 'discard' && hasEnded ? { kind: 'discarded', length: content.length, next: next ?? text.length, after } : null
}

/** The input ended inside a frame that holds `rest`, of which at most `limit` bytes may be delivered. */
function atEnd(input: StepInput, rest: string, limit: number, tail: Tail): Step {
  if (rest === '') return { kind: 'end', dropped: 0 }
  if (tail === 'drop') return { kind: 'end', dropped: rest.length }
  const isOver = rest.length > limit
  const bytes = isOver ? rest.slice(0, limit) : rest
  if (tail === 'emit') return frameStep(input, bytes, isOver ? 'truncated' : 'eof', input.text.length, input.terminator)
  const { start: offset, framesBefore } = input
  return { kind: 'error', error: { code: 'ERR_FRAME_INCOMPLETE', length: rest.length, offset, bytes, framesBefore }, delivered: 0 }
}

/**
 * All of `text` under a script: `script[i]` rules frame i and the last one stays (`null` is not left again).
 */
export function runModel(
  text: string,
  script: readonly Terminator[],
  options: ModelOptions = {},
  { ended = true, piecewise = false }: { ended?: boolean; piecewise?: boolean } = {},
): ModelResult {
  const frames: ModelFrame[] = []
  const discarded: number[] = []
  let start = 0
  let index = 0
  let terminator = script[0] as Terminator
  for (;;) {
    // Bytes under `null` are no frames: how many pieces they come in is the cut's doing.
    const framesBefore = frames.filter(({ ending }) => ending !== 'piece').length
    const result = step({ text, ended, start, terminator, framesBefore, piecewise }, options)
    if (result.kind !== 'frame' && result.kind !== 'discarded') {
      return { frames, discarded, ...leftover(result, text.slice(start), piecewise) }
    }
    start = result.next
    terminator = result.after
    if (result.kind === 'discarded') {
      discarded.push(result.length)
    } else {
      frames.push(result.frame)
      const isLast = result.frame.ending === 'piece' || index + 1 === script.length
      if (!isLast) terminator = script[(index += 1)] as Terminator
    }
  }
}

/** How it all ends: what was delivered of an unfinished frame, the error, what `takeUnread()` gives. */
function leftover(
  result: Extract<Step, { kind: 'error' | 'more' | 'end' }>,
  rest: string,
  piecewise: boolean,
): Pick<ModelResult, 'partial' | 'error' | 'unread'> {
  if (result.kind === 'end') return { partial: '', error: null, unread: result.dropped > 0 ? null : '' }
  const partial = piecewise ? rest.slice(0, result.delivered) : ''
  const unread = rest.slice(partial.length)
  if (result.kind === 'more') return { partial, error: null, unread: result.isOver ? null : unread }
  return { partial, error: result.error, unread: result.error.code === 'ERR_FRAME_INCOMPLETE' ? null : unread }
}
