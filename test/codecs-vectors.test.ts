/**
 * Other toolkits' cases (`test/vectors/framing.json`, described in its README), run through the codecs.
 *
 * Run are the cases of the framers that are codecs, and those of `switch` and `predicate` as generators. The fields map so:
 *
 * | field | here |
 * |---|---|
 * | `lineEndings: lenient-lf`, `lf-only` | `lines` with `ending` `'crlf-or-lf'`, `'lf'`; `strict: false`, since upstream's bare CR is data |
 * | `stripDelimiter: false` | upstream's frames are compared without their ends |
 * | `maxFrameLength`, `maxCounts` | `maxLength`: of lines the content; of `length` what is delivered, so `frame` is less what is stripped, and `field` more by what the field leaves out |
 * | `lengthField…`, `lengthAdjustment`, `initialBytesToStrip`, `byteOrder` | `offset`, `width`, `adjustment`, `strip`, `byteOrder`; encoding, upstream's adjustment has the other sign, and a length that includes its field is one of minus the width |
 * | `overflow` | nothing: an error of a codec is final. Compared are the frames before the first one, and that |
 * | `overflow: stop` | `takeUnread()` after the error gives all bytes from the bad frame on, as upstream keeps them |
 * | `cobs` | a bad packet is read: the codec is set anew after each error |
 * | `final: drop`, `emit`, `error` | `end()` is not called; `tail: 'emit'`; `tail: 'error'`, whose `bytes` are `expect.tail` |
 * | `tailExcludesHeader` | upstream has consumed the header of the message that is not whole; here all of it is unread |
| `terminators[i]` | yielded for message i; `skip`: no message; `cycle`, `clearAfterFrame`: see `scripted` |
 * | `predicate` | see `words` and `tokens` |
 *
 * A case with `rechunk: any` runs as given, whole, byte by byte, and at every cut when it has 12 bytes or fewer, else at
 * every single one. The others run with the chunks given.
 */

import t from 'tap'
import { cobs, dotBlock, lengthField, lines, netstring, slip } from '../src/codecs/index.js'
import { EndOfInput, FramingError, MessageScanner } from '../src/framing/index.js'
import type { Codec, CodecSource, FramingErrorCode } from '../src/framing/index.js'
import { cutsOf, encode } from './support/codecs.js'
import { guarded } from './support/cuts.js'
import { latin1 } from './support/model.js'
import { type SwitchItem, type Vector as SharedVector, bytesIn, readVectors, terminatorOf, textIn } from './support/vectors.js'

/** Options of the framers that are run. */
interface Options {
  readonly lineEndings?: 'lenient-lf' | 'lf-only' | 'strict-crlf'
  readonly maxCounts?: string
  readonly overflow?: string
  readonly final?: string
  readonly lengthFieldOffset?: number
  readonly lengthFieldLength?: number
  readonly lengthAdjustment?: number
  readonly lengthIncludesLengthFieldLength?: boolean
  readonly initialBytesToStrip?: number
  readonly tailExcludesHeader?: 'strip'
  readonly byteOrder?: 'big' | 'little'
  readonly predicate?: string
}

type Vector = SharedVector<Options>

const FRAMERS = new Set(['lines', 'length', 'netstring', 'dot', 'slip', 'cobs', 'switch', 'predicate'])
const SMUGGLED = 'a bare LF ends a line of the block upstream: here none ever does (SMTP smuggling)'

const leftOut: Readonly<Record<string, string>> = {
  'netty-033': 'upstream rule depends on chunking: a CR counts against the limit until its LF is there',
  'mina-010': 'upstream strips every CR before the LF; here at most one is a part of the end',
  'mina-011': 'upstream strips every CR before the LF; here at most one is a part of the end',
  'go-002': 'upstream strips a CR at the end of input, which no LF follows; here that is data',
  'go-011': SMUGGLED,
  'go-012': SMUGGLED,
  'go-013': SMUGGLED,
  'go-015': 'upstream makes CR LF of each LF; here the encoder refuses a bare LF',
}

/** Errors that have another code here, and why. */
const otherCodes: Readonly<Record<string, readonly [code: FramingErrorCode, reason: string]>> = {
  'netty-055': ['ERR_FRAME_TOO_LONG', 'the field is unsigned: not -1, but 2^64 - 1'],
  'twisted-028': ['ERR_FRAME_TOO_LONG', 'more bytes before the colon than a length has digits, whatever they are'],
  'twisted-034': ['ERR_FRAME_TOO_LONG', 'more bytes before the colon than a length has digits, whatever they are'],
}

const inScope = readVectors<Options>().filter(({ framer }) => FRAMERS.has(framer))


/** Each message is a frame of the script's next terminator. What the end of input cuts is a message with `final: emit`. */
function scripted({ options }: Vector): () => Codec<Uint8Array, never> {
  const script = options.terminators as readonly SwitchItem[]
  return () => {
    let index = 0
    return {
      *decode() {
        const item = script[index] as SwitchItem
        const isLast = index === script.length - 1
        if (!isLast || options.cycle === true) index = isLast ? 0 : index + 1
        try {
          const frame = yield terminatorOf(item)
          return item.skip === true ? undefined : frame
        } catch (error) {
          if (options.final === 'emit' && error instanceof EndOfInput) return error.bytes
          throw error
        }
      },
      encode: neverEncodes,
    }
  }
}

/** What is between white space. */
const words: Codec<Uint8Array, never> = {
  terminator: [' ', '\t', '\n', '\v', '\f', '\r'],
  tail: 'emit',
  parse: (word) => (word.length === 0 ? undefined : word),
  encode: neverEncodes,
}

/** What is between commas, after the last one too: what is there at the end of input is a token, and be it empty. */
const tokens: Codec<Uint8Array, never> = {
  *decode(ctx) {
    try {
      for (;;) ctx.emit(yield ',')
    } catch (error) {
      if (error instanceof EndOfInput) return error.bytes
      throw error
    }
  },
  encode: neverEncodes,
}

function neverEncodes(): never {
  throw new Error('These codecs only read')
}

const codecs: Readonly<Record<string, (vector: Vector) => CodecSource<Uint8Array, any>>> = {
  lines: ({ options: { lineEndings, maxFrameLength, maxCounts, final } }) =>
    lines({
      ending: lineEndings === 'lf-only' ? 'lf' : 'crlf-or-lf',
      strict: false,
      encoding: null,
      maxLength: (maxFrameLength ?? Infinity) - (maxCounts === 'content+delimiter' ? 1 : 0),
      tail: final?.startsWith('emit') === true ? 'emit' : 'error',
    }),
  length: lengthCodec,
  netstring: ({ options }) => netstring({ maxLength: options.maxFrameLength ?? Infinity }),
  dot: () => dotBlock({ strict: false }),
  slip: () => slip(),
  cobs: () => cobs(),
  switch: scripted,
  predicate: ({ options }) => (options.predicate === 'ascii-space' ? words : tokens),
}

function lengthCodec({ options, direction }: Vector): Codec<Uint8Array> {
  const { lengthFieldOffset: offset = 0, lengthFieldLength: width = 4, lengthAdjustment = 0, byteOrder = 'big', maxFrameLength, maxCounts } = options
  if (direction === 'encode') {
    const included = options.lengthIncludesLengthFieldLength === true ? width : 0
    return lengthField({ width, byteOrder, adjustment: -lengthAdjustment - included, maxLength: maxFrameLength ?? Infinity })
  }
  const strip = options.initialBytesToStrip as number
  const counted = maxCounts === 'frame' ? -strip : offset + width + lengthAdjustment - strip
  return lengthField({ offset, width, byteOrder, adjustment: lengthAdjustment, strip, maxLength: (maxFrameLength ?? Infinity) + counted })
}

interface Result {
  readonly frames: readonly string[]
  readonly errors: readonly (readonly [code: string, framesBefore: number])[]
  /** What `takeUnread()` gives, or the bytes of the message that the end of input cut. */
  readonly tail: string
  readonly cleared: readonly string[]
}

/** What a codec makes of these chunks, up to the first error; of COBS packets, after it too. */
function run(vector: Vector, chunks: readonly Uint8Array[], isEnded: boolean): Result {
  const codec = (codecs[vector.framer] as (vector: Vector) => CodecSource<Uint8Array, any>)(vector)
  const scanner = new MessageScanner<Uint8Array>(codec)
  const frames: string[] = []
  const errors: [string, number][] = []
  const cleared: string[] = []
  const drain = (): void => {
    for (let frame; (frame = scanner.read()) !== null; ) {
      frames.push(latin1(frame))
      if (vector.options.clearAfterFrame === true) cleared.push(latin1(scanner.takeUnread()))
    }
  }
  /** Whether there is no going on. */
  const step = (action: () => void): boolean => {
    try {
      action()
      drain()
      return false
    } catch (error) {
      if (!(error instanceof FramingError)) throw error
      errors.push([error.code, frames.length])
      if (error.code === 'ERR_FRAME_INCOMPLETE') tail = latin1(error.bytes as Uint8Array)
      if (vector.framer !== 'cobs') return true
      // The bad packet is unread: what comes after its end is looked at anew.
      const unread = scanner.takeUnread()
      scanner.setCodec(codec)
      scanner.pushBack(unread.subarray(unread.indexOf(0) + 1))
      return step(() => {})
    }
  }
  let tail: string | null = null
  let index = 0
  while (index < chunks.length && !step(() => scanner.write(chunks[index] as Uint8Array))) index++
  for (const rest of chunks.slice(index + 1)) scanner.write(rest)
  if (isEnded && errors.length === 0) step(() => scanner.end())
  return { frames, errors, tail: tail ?? latin1(scanner.takeUnread()), cleared }
}

const INCOMPLETE = new Set(['LeftOverBytesError', 'bytes remaining on stream', 'ErrUnexpectedEOF'])
const MALFORMED = new Set(['CorruptedFrameException', 'NetstringParseError(malformed)', 'DecodeError'])

function codeOf({ id }: Vector, name: string): FramingErrorCode {
  const other = otherCodes[id]
  if (other !== undefined) return other[0]
  if (INCOMPLETE.has(name)) return 'ERR_FRAME_INCOMPLETE'
  return MALFORMED.has(name) ? 'ERR_FRAME_MALFORMED' : 'ERR_FRAME_TOO_LONG'
}

interface Expected {
  readonly frames: readonly string[]
  readonly errors: readonly unknown[]
  /** Null: upstream went on after an error and consumed it, there is nothing to compare. */
  readonly tail: string | null
}

/** What a vector expects, in our words, up to the first error that is final here. */
function expectedOf(vector: Vector): Expected {
  const { options, expect, framer } = vector
  const all = expect.errors ?? []
  const [first] = all
  const isFinal = framer !== 'cobs' && first !== undefined
  const tail = expect.tail === null ? '' : textIn(expect.tail)
  return {
    frames: expect.frames.slice(0, isFinal ? first.framesBefore : undefined).map((frame) => withoutEnd(textIn(frame), options.stripDelimiter)),
    errors: all.slice(0, isFinal ? 1 : undefined).map(({ name, framesBefore }) => [codeOf(vector, name), framesBefore]),
    tail: first === undefined || keepsTail(vector, first.name) ? tail : null,
  }
}

/** Whether upstream says what is left after this error. */
function keepsTail(vector: Vector, name: string): boolean {
  return vector.expect.tail !== null && (vector.options.overflow === 'stop' || codeOf(vector, name) === 'ERR_FRAME_INCOMPLETE')
}

/** The first thing that is not as the vector wants it with these chunks, in words, or null. */
function difference(vector: Vector, chunks: readonly Uint8Array[]): string | null {
  const { options, expect, eof } = vector
  const isEnded = eof && options.final !== 'drop'
  const result = run(vector, chunks, isEnded)
  const { frames, errors, tail } = expectedOf(vector)
  const isHeaderRead = options.tailExcludesHeader !== undefined && errors.length === 0 && !isEnded
  const left = result.tail.slice(isHeaderRead ? options.initialBytesToStrip : 0)
  const seen = JSON.stringify([result.frames, result.errors, tail === null ? null : left, result.cleared])
  const wanted = JSON.stringify([frames, errors, tail, expect.cleared?.map(textIn) ?? []])
  return seen === wanted ? null : `${JSON.stringify(chunks.map(latin1))}\n  got    ${seen}\n  wanted ${wanted}`
}

function withoutEnd(frame: string, isStripped: boolean | undefined): string {
  return isStripped === false ? frame.replace(/\r?\n$/, '') : frame
}

function* chunksOf(vector: Vector): Generator<readonly Uint8Array[]> {
  yield vector.chunks.map((chunk) => guarded(bytesIn(chunk)))
  if (vector.rechunk === 'any') yield* cutsOf(Buffer.concat(vector.chunks.map(bytesIn)))
}

/** What the encoder writes for each payload; a refusal ends it. */
function encodedAll(vector: Vector): { readonly frames: readonly string[]; readonly isRefused: boolean } {
  const codec = (codecs[vector.framer] as (vector: Vector) => Codec<Uint8Array>)(vector)
  const frames: string[] = []
  for (const chunk of vector.chunks) {
    try {
      frames.push(latin1(encode(codec, bytesIn(chunk))))
    } catch (error) {
      if (error instanceof RangeError) return { frames, isRefused: true }
      throw error
    }
  }
  return { frames, isRefused: false }
}

t.test('codecs: give the messages, errors and leftovers that other toolkits do', async (t) => {
  const run = inScope.filter(({ id }) => leftOut[id] === undefined)
  for (const vector of run.filter(({ direction }) => direction !== 'encode')) {
    let found: string | null = null
    let cuts = 0
    for (const chunks of chunksOf(vector)) {
      found ??= difference(vector, chunks)
      cuts++
    }
    t.equal(found, null, `${vector.id}, ${cuts} cuts`)
  }
  for (const vector of run.filter(({ direction }) => direction === 'encode')) {
    t.same(encodedAll(vector), { frames: vector.expect.frames.map(textIn), isRefused: vector.expect.error !== null }, vector.id)
  }
  t.same([...run.map(({ id }) => id), ...Object.keys(leftOut)].toSorted(), inScope.map(({ id }) => id).toSorted(), 'each case is run or left out for a reason')
})

t.test('codecs: every code that is another one here is a code that comes', (t) => {
  for (const id of Object.keys(otherCodes)) {
    const vector = inScope.find((each) => each.id === id) as Vector
    const [error] = run(vector, vector.chunks.map(bytesIn), false).errors
    t.equal(error?.[0], otherCodes[id]?.[0], id)
  }
  t.end()
})
