/** Reading whole frames: one step of `FrameScanner.read()`. Hot: test/bench, all rows. */
import { readOverlong, readOverlongCount, skipOn } from './overlong-frames.js'
import { AGAIN, type ScanState } from './scan-state.js'

/** The next frame; null when more input is needed. */
export function readFrame(state: ScanState): Uint8Array | null {
  let frame: Uint8Array | null
  do frame = step(state)
  while (frame === AGAIN)
  if (frame === null) state.ending = null
  return frame
}

function step(state: ScanState): Uint8Array | null {
  if (state.phase !== 'framing') return stepOutOfFrame(state)
  if (state.rule.delimiters !== null) return readDelimited(state)
  return state.rule.count === -1 ? readPassing(state) : readCounted(state)
}

/** A step while no frame is read: one is skipped, or one failed. */
export function stepOutOfFrame(state: ScanState): Uint8Array | null {
  if (state.error !== null) throw state.error
  return skipOn(state)
}

function readDelimited(state: ScanState): Uint8Array | null {
  const { input, search, limit } = state
  while (input.next()) {
    const end = search.find(input)
    if (end !== -1) {
      const length = input.heldLength + end - input.at - search.matchLength
      if (length > limit) return readOverlong(state, length, search.matchLength)
      return state.deliver(length, search.matchLength, 'terminator')
    }
    input.hold()
    // What may still become the delimiter is not content yet.
    const length = input.heldLength - search.partialLength
    if (length > limit) return readOverlong(state, length, -1)
  }
  if (!state.ended) return null
  return input.heldLength > limit ? readOverlong(state, input.heldLength, -1) : state.deliverTail()
}

function readCounted(state: ScanState): Uint8Array | null {
  const { input, limit } = state
  const { count } = state.rule
  if (count === 0) return state.deliverEmpty()
  const isOverlong = count > limit
  const wanted = isOverlong ? wantedOfOverlong(state) : count
  while (input.heldLength + input.restLength < wanted) {
    input.hold()
    if (!input.next()) return state.ended ? state.deliverTail() : null
  }
  return isOverlong ? readOverlongCount(state) : state.deliverCount(count)
}

/** Bytes to have before a count above the limit is dealt with. */
function wantedOfOverlong({ overflow, limit }: ScanState): number {
  // One byte past the limit makes a frame a truncated one, and not one that the end of input cut.
  if (overflow === 'truncate') return limit + 1
  // A discard begins with a byte: without any, at the end of input, it would end and begin for ever.
  return overflow === 'discard' ? 1 : 0
}

/** Bytes under `null`, as they came, at most `maxLength`: no frames. */
export function readPassing(state: ScanState, maxLength: number = Infinity): Uint8Array | null {
  const { input } = state
  if (!input.next()) return null
  state.ending = 'piece'
  state.offset = input.offset
  state.matched = 0
  return input.take(Math.min(input.restLength, maxLength))
}
