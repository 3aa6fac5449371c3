/** Ways of cutting an input, as the positions between its chunks: in order, and twice where a chunk is empty. */
import { outOfRange } from '../errors.js'
import { checkBytes } from '../framing/checks.js'
import { chunksOf } from './guarded-chunks.js'

export type Positions = readonly number[]

/** Longest input of which `everyCut` gives all cuts: 524,288 of them. */
const MAX_LENGTH = 20
/** Longest input that the verifier cuts in every way: 2,048 of them. */
const EXHAUSTIVE_LENGTH = 12
/** Longest input that is cut in two, and gets empty chunks, at every position. */
const TWO_WAY_LENGTH = 1024
/** Bytes that random cuts may feed in all. */
const RANDOM_BYTES = 4 * 1024 * 1024

/**
 * Every way of cutting `bytes` into chunks that are not empty: 2^(n-1) lists of chunks, in a fixed order that begins
 * with the whole input and ends with single bytes. No bytes have one cut: no chunk.
 *
 * Each list is made anew when it is asked for. Its chunks are views of one buffer, with bytes around each of them that
 * look like the ends of frames: code that forgets a view's offset or reads past its end finds something there. They
 * are of the class of `bytes`: `Buffer`s for a `Buffer`.
 *
 * Throws a `TypeError` for what is no bytes, and a `RangeError` for more than 20 bytes, since each more doubles the cuts: take `verifyDecoder`, which cuts
 * long inputs at random, or a shorter input.
 *
 * @example
 * ```ts
 * import { everyCut } from 'asynchat/testing'
 *
 * for (const chunks of everyCut(Buffer.from('abc'))) console.log(chunks.join(' + '))
 * ```
 * ```text
 * abc
 * a + bc
 * ab + c
 * a + b + c
 * ```
 */
export function everyCut(bytes: Uint8Array): IterableIterator<Uint8Array[]> {
  checkBytes('bytes', bytes)
  if (bytes.length > MAX_LENGTH)
    throw outOfRange('bytes.length', `at most ${MAX_LENGTH}: each more doubles the cuts`, bytes.length)
  return chunkLists(bytes)
}

function* chunkLists(bytes: Uint8Array): Generator<Uint8Array[]> {
  for (const positions of everyPositions(bytes.length)) yield [...chunksOf(bytes, positions).chunks]
}

/** Whole first, single bytes second; then every cut of a short input, and of a long one many. */
export function* manyCuts(length: number, randomCuts: number, random: () => number): Generator<Positions> {
  yield []
  if (length === 1) yield [0, 1]
  if (length < 2) return
  yield singleBytes(length)
  if (length <= EXHAUSTIVE_LENGTH) {
    yield* [...everyPositions(length)].slice(1, -1)
  } else if (length <= TWO_WAY_LENGTH) {
    for (let position = 1; position < length; position++) yield [position]
  }
  if (length <= TWO_WAY_LENGTH) yield [0, ...singleBytes(length).flatMap((position) => [position, position]), length]
  if (length <= EXHAUSTIVE_LENGTH) return
  const count = Math.min(randomCuts, Math.max(8, Math.floor(RANDOM_BYTES / length)))
  for (let made = 0; made < count; made++) yield randomPositions(length, random)
}

export function singleBytes(length: number): Positions {
  return Array.from({ length: Math.max(0, length - 1) }, (_, index) => index + 1)
}

/** Numbers from 0 to below 1, the same ones for the same seed (mulberry32). */
export function randomFrom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

function* everyPositions(length: number): Generator<Positions> {
  const last = 2 ** Math.max(0, length - 1)
  for (let mask = 0; mask < last; mask++)
    yield singleBytes(length).filter((position) => (mask & (1 << (position - 1))) !== 0)
}

/** Few cuts more often than many. */
function randomPositions(length: number, random: () => number): Positions {
  const count = 1 + Math.floor(random() ** 3 * Math.min(length, 256))
  return Array.from({ length: count }, () => 1 + Math.floor(random() * (length - 1))).toSorted(
    (left, right) => left - right,
  )
}
