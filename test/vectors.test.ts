/**
 * Other toolkits' cases (`test/vectors/framing.json`, described in its README), run through `FrameScanner`.
 *
 * Run are the cases of the framers `delimiter`, `fixed` and `switch`, decoding. The fields map so:
 *
 * | field | here |
 * |---|---|
 * | `delimiters` | one: the terminator; several: the array of them, without those that can never win (see `winners`) |
 * | `match` | nothing: earliest end, longest on a tie. Earliest start is the same rule where delimiters cannot overlap (asserted) |
 * | `stripDelimiter: false` | `keepTerminator: true` |
 * | `maxFrameLength`, `maxCounts: content` | `maxFrameLength` (null: `Infinity`) |
 * | `maxCounts: content+delimiter` | `maxFrameLength` less the delimiter's length: content + delimiter <= max says the same |
 * | `overflow: discard` | `'discard'`; each upstream error is one call of `onOverflow`, at the end of the discard; `failFast: true` tells of a discard still under way, which is told here by `end()` |
 * | `overflow: close`, `keep`, `stop` | `'error'`; each upstream error is `ERR_FRAME_TOO_LONG`, `framesBefore` as given |
 * | `overflow: truncate` | `'truncate'`, where no frame is over the limit |
 * | `limitSlack`, `errorStopsChunk` | nothing: they move the moment of an error, not the frames |
 * | `final`, `eof` | `tail`, `end()` |
 * | `expect.error` of `final: error` | `ERR_FRAME_INCOMPLETE`, whose `bytes` are `expect.tail` |
 * | `expect.errorData`, `expect.tail` | what `takeUnread()` gives (`overflow: stop`: upstream drops it, nothing to compare) |
 * | `frameLength` | the terminator, a count |
 * | `terminators[i]` | set after frame i - 1 (`delimiter`, `count`, `none`: null); `skip`: the frame is read and dropped |
 * | `cycle`, `clearAfterFrame` | the script starts again; `takeUnread()` after each frame is `expect.cleared` |
 *
 * Frames under `none` are joined; where upstream leaves those bytes unread (`expect.tail`) nothing is read either.
 *
 * A case with `rechunk: any` runs as given, whole, byte by byte, and at every cut when it has 12 bytes or fewer,
 * else at every single cut and 50 random ones. The others run with the chunks given.
 */

import t from 'tap'
import { FrameScanner, FramingError } from '../src/framing/index.js'
import type { FrameScannerOptions, Overflow, Tail } from '../src/framing/index.js'
import { byteByByte, cutAt, EVERY_CUT_MAX_LENGTH, everyCut, guarded } from './support/cuts.js'
import { latin1 } from './support/model.js'
import { type SwitchItem, type Vector as SharedVector, readVectors, terminatorOf, textIn } from './support/vectors.js'

/** Options of the framers that are run. */
interface Options {
  readonly delimiters?: readonly string[]
  readonly match?: 'earliest-start' | 'earliest-end'
  readonly maxCounts?: 'content' | 'content+delimiter'
  readonly failFast?: boolean
  readonly overflow?: 'discard' | 'close' | 'keep' | 'stop' | 'truncate'
  readonly final?: Tail
  readonly frameLength?: number
}

type Vector = SharedVector<Options>

const REGEX = 'regular expressions are no terminators here (DESIGN 10)'
const CHUNKED = 'upstream rule depends on chunking'

const leftOut: Readonly<Record<string, string>> = {
  'netty-011': `${CHUNKED}: CRLF beats CR only when both bytes are in one chunk; such a set is refused here`,
  'netty-012': `${CHUNKED}: the other half of netty-011`,
  'netty-013': `${CHUNKED}: of BC and ABCD the one that starts first wins only within a chunk; such a set is refused here`,
  'netty-018': `${CHUNKED}: a partial delimiter counts against the limit`,
  'netty-020': `${CHUNKED}: a delimiter cut by the discard is missed`,
  'twisted-011': `${CHUNKED}: a partial delimiter counts against the limit, see its note`,
  'otp-003': 'a line over the limit is delivered in limit-sized cuts, its rest as frames: no overflow policy here does that',
  'tornado-005': REGEX,
  'tornado-006': REGEX,
  'tornado-007': REGEX,
  'tornado-008': REGEX,
  'h11-003': REGEX,
  'h11-004': REGEX,
  'eventmachine-007': REGEX,
  'tokio-021': 'encodes',
}

const vectors = readVectors<Options>()
const inScope = vectors.filter(({ framer }) => ['delimiter', 'fixed', 'switch'].includes(framer))

function bytesOf(text: string): Uint8Array {
  return Buffer.from(text, 'latin1')
}

/**
 * A delimiter that begins with one listed before it never wins: the list CR, LF, CRLF is the list CR, LF.
 * (This package refuses the first list instead of ignoring an entry.)
 */
function winners(delimiters: readonly string[]): readonly string[] {
  return delimiters.filter((delimiter, index) => !delimiters.slice(0, index).some((earlier) => delimiter.startsWith(earlier)))
}

/** Whether the earliest start is the earliest end: no two delimiters share a byte. */
function cannotOverlap(delimiters: readonly string[]): boolean {
  return delimiters.every((one, index) => delimiters.slice(index + 1).every((other) => !Array.from(one).some((byte) => other.includes(byte))))
}

interface Setting {
  readonly options: FrameScannerOptions
  readonly script: readonly SwitchItem[]
}

const OVERFLOWS: Readonly<Record<string, Overflow>> = {
  discard: 'discard',
  close: 'error',
  keep: 'error',
  stop: 'error',
  truncate: 'truncate',
}

function settingOf({ framer, options }: Vector): Setting {
  const tail = options.final === undefined ? {} : { tail: options.final }
  if (framer === 'fixed') return { options: { ...tail }, script: [{ count: options.frameLength as number }] }
  if (framer === 'switch') return { options: { ...tail }, script: options.terminators as readonly SwitchItem[] }
  const delimiters = winners((options.delimiters as readonly string[]).map(textIn))
  const limit = options.maxFrameLength ?? Infinity
  const counted = options.maxCounts === 'content+delimiter' ? (delimiters[0] as string).length : 0
  const only = delimiters[0] as string
  return {
    options: {
      ...tail,
      terminator: delimiters.length === 1 ? bytesOf(only) : delimiters.map(bytesOf),
      maxFrameLength: limit - counted,
      overflow: OVERFLOWS[options.overflow ?? 'keep'] as Overflow,
      keepTerminator: options.stripDelimiter === false,
    },
    script: [],
  }
}

interface Result {
  readonly frames: readonly string[]
  readonly errors: readonly { readonly code: string; readonly framesBefore: number | undefined }[]
  readonly errorBytes: string | null
  readonly unread: string
  readonly cleared: readonly string[]
}

/** Runs a vector's chunks. `isEnded`: whether `end()` comes; without it, `unread` is the tail. */
function run(vector: Vector, { options, script }: Setting, chunks: readonly Uint8Array[], isEnded: boolean): Result {
  const errors: { code: string; framesBefore: number | undefined }[] = []
  const first = script[0]
  const scanner = new FrameScanner({
    ...options,
    ...(first === undefined ? {} : { terminator: terminatorOf(first) }),
    onOverflow: () => errors.push({ code: 'ERR_FRAME_TOO_LONG', framesBefore: reader.frames.length }),
  })
  const reader = new ScriptReader(vector, script, scanner)
  let errorBytes: string | null = null
  try {
    for (const chunk of chunks) {
      scanner.write(chunk)
      reader.drain()
    }
    if (isEnded) {
      scanner.end()
      reader.drain()
    }
  } catch (error) {
    if (!(error instanceof FramingError)) throw error
    errors.push({ code: error.code, framesBefore: error.framesBefore })
    errorBytes = error.bytes === undefined ? null : latin1(error.bytes)
    for (const chunk of chunks.slice(reader.chunksRead + 1)) scanner.write(chunk)
  }
  const { frames, cleared } = reader
  return { frames, errors, errorBytes, unread: latin1(scanner.takeUnread()), cleared }
}

class ScriptReader {
  chunksRead = 0
  readonly frames: string[] = []
  readonly cleared: string[] = []
  readonly #vector: Vector
  readonly #script: readonly SwitchItem[]
  readonly #scanner: FrameScanner
  #index = 0
  #isJoining = false

  constructor(vector: Vector, script: readonly SwitchItem[], scanner: FrameScanner) {
    this.#vector = vector
    this.#script = script
    this.#scanner = scanner
  }

  drain(): void {
    for (;;) {
      const item = this.#script[this.#index]
      // Upstream's reader stops here: what follows is its tail.
      if (item?.none === true && this.#vector.options.final !== 'emit') break
      const data = this.#scanner.read()
      if (data === null) break
      this.#deliver(latin1(data), item)
      if (this.#vector.options.clearAfterFrame === true) this.cleared.push(latin1(this.#scanner.takeUnread()))
      this.#advance(item)
    }
    this.chunksRead += 1
  }

  #deliver(data: string, item: SwitchItem | undefined): void {
    const isPassing = item?.none === true
    if (isPassing && this.#isJoining) this.frames[this.frames.length - 1] += data
    else if (item?.skip !== true) this.frames.push(data)
    this.#isJoining = isPassing
  }

  #advance(item: SwitchItem | undefined): void {
    if (item === undefined || item.none === true) return
    const isLast = this.#index === this.#script.length - 1
    if (isLast && this.#vector.options.cycle !== true) return
    this.#index = isLast ? 0 : this.#index + 1
    this.#scanner.setTerminator(terminatorOf(this.#script[this.#index] as SwitchItem))
  }
}

/** What a vector expects, in our words. */
function expectedOf({ options, expect, eof }: Vector): { readonly frames: readonly string[]; readonly errors: readonly unknown[]; readonly tail: string | null } {
  const code = expect.error !== null && options.final === 'error' && eof ? 'ERR_FRAME_INCOMPLETE' : 'ERR_FRAME_TOO_LONG'
  const tail = expect.errorData?.map(textIn).join('') ?? (expect.tail === null ? '' : textIn(expect.tail))
  return {
    frames: expect.frames.map(textIn),
    errors: (expect.errors ?? []).map(({ framesBefore }) => ({ code, framesBefore })),
    tail: options.overflow === 'stop' && expect.error !== null ? null : tail,
  }
}

/** The first thing that is not as the vector wants it with these chunks, in words, or null. */
function difference(vector: Vector, setting: Setting, chunks: readonly Uint8Array[]): string | null {
  const expected = expectedOf(vector)
  const result = run(vector, setting, chunks, vector.eof)
  const isToldEarly = vector.options.overflow === 'discard' && vector.options.failFast === true
  const { errors } = isToldEarly ? run(vector, setting, chunks, true) : result
  const isLostAtEnd = vector.eof && expected.errors.length === 0
  const tail = isLostAtEnd ? tailWithoutEnd(vector, setting, chunks) : (result.errorBytes ?? result.unread)
  const seen = JSON.stringify([result.frames, errors, expected.tail === null ? null : tail, result.cleared])
  const wanted = JSON.stringify([expected.frames, expected.errors, expected.tail, vector.expect.cleared?.map(textIn) ?? []])
  return seen === wanted ? null : `${JSON.stringify(chunks.map(latin1))}\n  got    ${seen}\n  wanted ${wanted}`
}

/** The bytes that are there when the end of input comes, less those it delivers. */
function tailWithoutEnd(vector: Vector, setting: Setting, chunks: readonly Uint8Array[]): string {
  const { unread, frames } = run(vector, setting, chunks, false)
  const delivered = vector.expect.frames.slice(frames.length).map(textIn).join('')
  return unread.startsWith(delivered) ? unread.slice(delivered.length) : unread
}

const RANDOM_CUTS = 50

/** Deterministic, so that a failure comes back: the minimal standard generator. */
function randomFrom(seed: number): () => number {
  let state = seed
  return () => {
    state = (state * 48_271) % 2_147_483_647
    return state / 2_147_483_647
  }
}

function* cutsOf(vector: Vector): Generator<readonly Uint8Array[]> {
  yield vector.chunks.map((chunk) => guarded(Buffer.from(chunk, 'base64')))
  if (vector.rechunk !== 'any') return
  const bytes = Buffer.concat(vector.chunks.map((chunk) => Buffer.from(chunk, 'base64')))
  yield [guarded(bytes)]
  yield byteByByte(bytes)
  if (bytes.length <= EVERY_CUT_MAX_LENGTH) {
    yield* everyCut(bytes)
    return
  }
  for (let position = 1; position < bytes.length; position += 1) yield cutAt(bytes, [position])
  const random = randomFrom(bytes.length)
  for (let count = 0; count < RANDOM_CUTS; count += 1) {
    const positions = Array.from({ length: 1 + Math.floor(random() * 8) }, () => Math.floor(random() * bytes.length))
    yield cutAt(bytes, positions.toSorted((a, b) => a - b))
  }
}

t.test('FrameScanner: gives the frames, errors and leftovers that other toolkits do', async (t) => {
  const run = inScope.filter(({ id }) => leftOut[id] === undefined)
  for (const vector of run) {
    const setting = settingOf(vector)
    let found: string | null = null
    let cuts = 0
    for (const chunks of cutsOf(vector)) {
      found ??= difference(vector, setting, chunks)
      cuts += 1
    }
    t.equal(found, null, `${vector.id}, ${cuts} cuts`)
  }
  t.same([...run.map(({ id }) => id), ...Object.keys(leftOut)].toSorted(), inScope.map(({ id }) => id).toSorted(), 'each case is run or left out for a reason')
})

t.test('FrameScanner: the match rule of every case that is run is its own', async (t) => {
  for (const { id, options, framer } of inScope) {
    if (framer !== 'delimiter' || leftOut[id] !== undefined || options.match !== 'earliest-start') continue
    t.ok(cannotOverlap(winners((options.delimiters as readonly string[]).map(textIn))), id)
  }
})

t.test('FrameScanner: leaves to codecs only the framers that are codecs', async (t) => {
  const others = new Set(vectors.filter((vector) => !inScope.includes(vector)).map(({ framer }) => framer))
  t.same([...others].toSorted(), ['cobs', 'dot', 'length', 'lines', 'netstring', 'predicate', 'slip'])
})
