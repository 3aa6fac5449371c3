/**
 * Ways of cutting one input into chunks.
 *
 * Each chunk is a view into a larger buffer, with delimiter-like bytes on both sides of it: code that forgets a
 * view's offset or looks past its end finds something there.
 */

import fc from 'fast-check'

const GUARD = Buffer.from('\r\n\r\naab|ab||abaaab,;')

/** A copy of `bytes[start, end)` as a view with guard bytes around it. */
export function guarded(bytes: Uint8Array, start = 0, end: number = bytes.length): Uint8Array {
  const length = end - start
  const around = new Uint8Array(GUARD.length * 2 + length)
  around.set(GUARD)
  around.set(bytes.subarray(start, end), GUARD.length)
  around.set(GUARD, GUARD.length + length)
  return around.subarray(GUARD.length, GUARD.length + length)
}

/** The chunks between the given positions, which are sorted and inside the input; a position given twice makes an empty chunk. */
export function cutAt(bytes: Uint8Array, positions: readonly number[]): Uint8Array[] {
  const ends = [...positions, bytes.length]
  return ends.map((end, index) => guarded(bytes, index === 0 ? 0 : ends[index - 1], end))
}

export function byteByByte(bytes: Uint8Array): Uint8Array[] {
  return Array.from(bytes, (_, index) => guarded(bytes, index, index + 1))
}

/** Chunks of `size` bytes, the last one shorter; plain views, for inputs too long to copy. */
export function inChunksOf(bytes: Uint8Array, size: number): Uint8Array[] {
  return Array.from({ length: Math.ceil(bytes.length / size) }, (_, index) => bytes.subarray(index * size, (index + 1) * size))
}

export const EVERY_CUT_MAX_LENGTH = 12

/** All 2^(n-1) ways of cutting at most 12 bytes (the one way, no chunk at all, of cutting none). */
export function* everyCut(bytes: Uint8Array): Generator<Uint8Array[]> {
  const { length } = bytes
  if (length > EVERY_CUT_MAX_LENGTH) throw new RangeError(`everyCut: ${length} bytes are too many`)
  if (length === 0) {
    yield []
    return
  }
  // Every part of the input once: the cuts share them.
  const parts = Array.from({ length }, (_, start) =>
    Array.from({ length: length - start }, (_unused, index) => guarded(bytes, start, start + index + 1)),
  )
  for (let mask = 0; mask < 2 ** (length - 1); mask += 1) {
    const chunks: Uint8Array[] = []
    let start = 0
    for (let end = 1; end <= length; end += 1) {
      if (end < length && (mask & (1 << (end - 1))) === 0) continue
      chunks.push((parts[start] as Uint8Array[])[end - start - 1] as Uint8Array)
      start = end
    }
    yield chunks
  }
}

/** Any way of cutting `bytes`, empty chunks included. */
export function randomCuts(bytes: Uint8Array): fc.Arbitrary<Uint8Array[]> {
  return fc
    .array(fc.nat({ max: bytes.length }), { maxLength: bytes.length + 2 })
    .map((positions) => cutAt(bytes, positions.toSorted((a, b) => a - b)))
}
