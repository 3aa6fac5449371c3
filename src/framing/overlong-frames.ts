/**
 * Frames that are longer than their limit: what becomes of them, by `overflow`.
 *
 * Skipping goes on over any number of reads until the frame's end is known; then the truncated frame is delivered, or
 * the discard reported. The search goes on through the skipped bytes, so a delimiter that a chunk border cuts is found
 * and the good frame after it in the same chunk too. Only what is seen of a delimiter is held meanwhile.
 *
 * The functions answer as a step of `read()` does: a frame, null when more input is needed, AGAIN.
 */
import { frameIncomplete } from '../errors.js'
import { AGAIN, type ScanState, type Skip } from './scan-state.js'
import type { Rule } from './terminator.js'

/**
 * The frame at hand has `length` bytes of content, past its limit. It was ended by the `delimiterLength` bytes after
 * them, or goes on, or was cut by the end of input (-1).
 */
export function readOverlong(state: ScanState, length: number, delimiterLength: number): Uint8Array | null {
  if (state.blocks()) return null
  const skip = beginSkip(state, state.limit + 1, -1)
  drop(state, skip, length - (skip.kept?.length ?? 0))
  if (delimiterLength === -1) {
    state.input.hold()
    return skipOn(state)
  }
  state.input.drop(delimiterLength)
  return endSkip(state, skip, state.search.matched)
}

/** A count above the limit. More bytes than a truncated frame keeps are at hand. */
export function readOverlongCount(state: ScanState): Uint8Array | null {
  if (state.blocks()) return null
  const { count } = state.rule
  const skip = beginSkip(state, count, count)
  if (skip.kept !== null) skip.left -= skip.kept.length
  return skipOn(state)
}

/** Skips what is at hand. */
export function skipOn(state: ScanState): Uint8Array | null {
  const skip = state.skip as Skip
  const isAtEnd = skip.left === -1 ? skipToDelimiter(state, skip) : skipCount(state, skip)
  if (isAtEnd) return endSkip(state, skip, skip.left === -1 ? state.search.matched : 0)
  return state.ended ? endSkipCut(state, skip) : null
}

/** Another terminator was set: what is skipped up to it, or no further. */
export function redirectSkip(state: ScanState, skip: Skip, rule: Rule): void {
  skip.rule = null
  if (rule.delimiters === null) {
    drop(state, skip, state.input.heldLength)
    skip.left = 0
  } else {
    skip.left = -1
    state.lookAgain()
  }
}

/** All unread bytes were taken: there is nothing to skip any more, but a discard is still to be reported. */
export function abandonSkip(state: ScanState, skip: Skip): void {
  skip.left = 0
  skip.rule = null
  if (state.phase === 'skipping' && skip.kept === null) return
  if (state.phase === 'skipping') state.phase = 'framing'
  state.skip = null
}

function beginSkip(state: ScanState, length: number, left: number): Skip {
  if (state.overflow === 'error') state.failTooLong(length)
  const offset = state.input.offset - state.delivered
  const kept = state.overflow === 'truncate' ? state.input.take(state.limit - state.delivered) : null
  state.phase = 'skipping'
  state.skip = { offset, isWhole: state.delivered === 0, rule: state.rule, discarded: 0, left, kept }
  state.delivered = 0
  return state.skip
}

function skipToDelimiter(state: ScanState, skip: Skip): boolean {
  const { input, search } = state
  while (input.next()) {
    const end = search.find(input)
    if (end !== -1) {
      drop(state, skip, input.heldLength + end - input.at - search.matchLength)
      input.drop(search.matchLength)
      return true
    }
    drop(state, skip, input.heldLength + input.restLength - search.partialLength)
    input.hold()
  }
  return false
}

function skipCount(state: ScanState, skip: Skip): boolean {
  const { input } = state
  while (skip.left > 0 && (input.heldLength > 0 || input.next())) {
    const count = Math.min(skip.left, input.heldLength + input.restLength)
    skip.left -= count
    drop(state, skip, count)
  }
  return skip.left === 0
}

function drop(state: ScanState, skip: Skip, count: number): void {
  state.input.drop(count)
  skip.discarded += count
}

/** The skipped frame's end is known. */
function endSkip(state: ScanState, skip: Skip, matched: number): Uint8Array {
  state.phase = 'framing'
  state.skip = null
  if (skip.rule !== null && skip.rule.count > 0) state.endCount()
  if (skip.kept === null) {
    // Last, with nothing under way: the callback may set a terminator, take the rest, write.
    state.options.onOverflow?.(skip.discarded)
    return AGAIN
  }
  state.ending = 'truncated'
  state.offset = skip.offset
  state.matched = matched
  state.frames++
  return skip.kept
}

/** The input ended inside a skipped frame. Its tail is what was kept of it; of a discarded one there is none. */
function endSkipCut(state: ScanState, skip: Skip): Uint8Array | null {
  drop(state, skip, state.input.heldLength)
  if (skip.left === -1) state.search.restart()
  if (skip.kept === null || state.tail === 'emit') return endSkip(state, skip, 0)
  if (state.tail === 'error') {
    state.fail(frameIncomplete(skip.kept, skip.kept.length + skip.discarded, skip.offset, state.frames))
  }
  state.phase = 'framing'
  state.skip = null
  return null
}
