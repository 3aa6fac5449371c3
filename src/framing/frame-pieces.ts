/**
 * Reading frames in pieces, as they arrive: one step of `FrameScanner.readPiece()`.
 *
 * A piece is delivered as soon as its bytes are known to be content: all that was looked at, less what may be the
 * beginning of a delimiter. So a frame of any length passes while at most delimiter length - 1 bytes are held.
 *
 * asynchat: this is how `handle_read` calls `collect_incoming_data` and `found_terminator`.
 */
import { readOverlong } from './overlong-frames.js'
import { AGAIN, type ScanState } from './scan-state.js'
import { discardInPieces } from './terminator.js'
import { readPassing, stepOutOfFrame } from './whole-frames.js'

/** The next piece; null when more input is needed. `state.ending` is null while the frame goes on. */
export function readPiece(state: ScanState): Uint8Array | null {
  if (state.overflow === 'discard' && state.rule.delimiters !== null) throw discardInPieces('overflow')
  let piece: Uint8Array | null
  do piece = step(state)
  while (piece === AGAIN)
  if (piece === null) state.ending = null
  return piece
}

function step(state: ScanState): Uint8Array | null {
  if (state.phase !== 'framing') return stepOutOfFrame(state)
  if (state.rule.delimiters !== null) return readDelimited(state)
  return state.rule.count === -1 ? readPassing(state, state.maxPieceLength) : readCounted(state)
}

function readDelimited(state: ScanState): Uint8Array | null {
  const { input, search } = state
  while (searchChunk(state)) {
    const isComplete = state.foundAt !== -1
    const length = contentLength(state)
    const room = state.limit - state.delivered
    // Held bytes go out by themselves: joining them with the chunk would copy it.
    const atHand = input.heldLength === 0 ? length : Math.min(length, input.heldLength)
    const ready = Math.min(atHand, room, state.maxPieceLength)
    const isLast = isComplete && ready === length
    if (ready > 0 && (!isLast || state.endsApart)) return deliverPiece(state, ready)
    state.searched = -1
    if (length > room) return readOverlong(state, length, isComplete ? search.matchLength : -1)
    if (isLast) return state.deliver(length, search.matchLength, 'terminator')
    input.hold()
  }
  return state.ended ? readTail(state) : null
}

/** Searches the chunk, unless it was: what was found is delivered in several pieces. False: there is none. */
function searchChunk(state: ScanState): boolean {
  const { input } = state
  if (!input.next()) return false
  if (state.searched !== input.serial) state.foundAt = state.search.find(input)
  state.searched = input.serial
  return true
}

/** Bytes at hand that are content for certain: up to the delimiter, or to what may be the beginning of one. */
function contentLength(state: ScanState): number {
  const { input, search, foundAt } = state
  if (foundAt === -1) return input.heldLength + input.restLength - search.partialLength
  return input.heldLength + foundAt - input.at - search.matchLength
}

function readTail(state: ScanState): Uint8Array | null {
  const length = state.input.heldLength
  const room = state.limit - state.delivered
  const ready = Math.min(length, room, state.maxPieceLength)
  if (ready === length) return state.deliverTail()
  return ready > 0 ? deliverPiece(state, ready) : readOverlong(state, length, -1)
}

/** In pieces nothing of a count is held, so a count is its own limit. */
function readCounted(state: ScanState): Uint8Array | null {
  const { input, delivered } = state
  const { count } = state.rule
  if (count === 0) return state.deliverEmpty()
  if (delivered === count) return state.deliverCount(0)
  if (input.heldLength === 0 && !input.next()) return state.ended ? state.deliverTail() : null
  const length = Math.min(count - delivered, input.heldLength + input.restLength, state.maxPieceLength)
  const isLast = length === count - delivered && !state.endsApart
  return isLast ? state.deliverCount(length) : deliverPiece(state, length)
}

/** Bytes that end the frame whose content was all delivered: of a delimiter, none of a count; -1: its end is not there. */
export function knownEndLength(state: ScanState): number {
  const { input, rule, delivered, foundAt, phase } = state
  if (phase !== 'framing' || delivered === 0) return -1
  if (rule.delimiters === null) return delivered === rule.count ? 0 : -1
  if (state.searched !== input.serial || foundAt === -1 || contentLength(state) > 0) return -1
  return state.search.matchLength
}

/** Delivers the next `length` bytes as a piece of a frame that goes on. */
function deliverPiece(state: ScanState, length: number): Uint8Array {
  const { input } = state
  state.ending = null
  state.offset = input.offset - state.delivered
  state.matched = 0
  state.delivered += length
  return input.take(length)
}
