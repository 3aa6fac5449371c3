/**
 * Reads one message of RESP out of what is at hand: see resp.ts for the format.
 *
 * Owns: the place in the chunk, and what the message has so far. Rules: it never waits. What it needs, it says; what it
 * has not used of the chunk is `rest`. Whatever is not whole and plainly right in the chunk is asked for by itself, so
 * that errors are those of a line or of a count, however the input is cut. Hot: all of it.
 */
import { FramingError, malformedBytes } from '../errors.js'
import { NO_BYTES, classOf } from '../framing/bytes.js'
import { type Extent, NULL } from '../framing/codec.js'
import { parseLength } from '../framing/parse.js'
import { ARRAY, ATTRIBUTES, MAP, PUSH, RespBuilder, type RespLimits, SET } from './resp-builder.js'
import { RespError, type RespMessage, type RespPush, RespStreamed, type RespValue, RespVerbatim } from './resp-values.js'
import { decodeUtf8, shortAscii } from './text.js'

export interface RespReaderOptions extends RespLimits {
  readonly protocol: 2 | 3
  readonly encoding: 'utf8' | null
  readonly maxLength: number
  readonly maxLineLength: number
  readonly streamAbove: number
}

/** What a message needs to go on. */
export type Need =
  /** Nothing: it is complete. */
  | 'nothing'
  /** What is there. */
  | 'chunk'
  /** A line, whole. */
  | 'line'
  /** `length` bytes and CR LF. */
  | 'bytes'
  /** `length` bytes in pieces, and CR LF. */
  | 'pieces'

const CR = 0x0d
const LF = 0x0a
const MINUS = 0x2d
const ZERO = 0x30
const END_LENGTH = 2
const FORMAT_LENGTH = 3
/** Numbers of so many digits are exact. */
const EXACT_DIGITS = 15

const SIMPLE = 0x2b
const ERROR = 0x2d
const INTEGER = 0x3a
const BULK = 0x24
const NULL_TYPE = 0x5f
const BOOLEAN = 0x23
const DOUBLE = 0x2c
const BIG = 0x28
const BULK_ERROR = 0x21
const VERBATIM = 0x3d

type Kind = 'value' | 'bytes' | 'values'

const KINDS_OF_2: readonly (readonly [number, Kind])[] = [
  [SIMPLE, 'value'],
  [ERROR, 'value'],
  [INTEGER, 'value'],
  [BULK, 'bytes'],
  [ARRAY, 'values'],
]
const KINDS_OF_3: readonly (readonly [number, Kind])[] = [
  [NULL_TYPE, 'value'],
  [BOOLEAN, 'value'],
  [DOUBLE, 'value'],
  [BIG, 'value'],
  [BULK_ERROR, 'bytes'],
  [VERBATIM, 'bytes'],
  [MAP, 'values'],
  [SET, 'values'],
  [PUSH, 'values'],
  [ATTRIBUTES, 'values'],
]

function kindsOf(...lists: readonly (readonly (readonly [number, Kind])[])[]): (Kind | undefined)[] {
  const kinds: (Kind | undefined)[] = Array.from({ length: 256 })
  for (const [type, kind] of lists.flat()) kinds[type] = kind
  return kinds
}

const KINDS = { 2: kindsOf(KINDS_OF_2), 3: kindsOf(KINDS_OF_2, KINDS_OF_3) }

const INTEGER_FORMAT = /^[+-]?[0-9]+$/
const DOUBLE_FORMAT = /^[+-]?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?$/
const NOT_FINITE: ReadonlyMap<string, number> = new Map([['inf', Infinity], ['-inf', -Infinity], ['nan', Number.NaN]])
const INT64_BITS = 64

export class RespReader {
  /** Of what it needs in bytes or pieces. */
  length = 0
  readonly #options: RespReaderOptions
  readonly #builder: RespBuilder
  readonly #kinds: readonly (Kind | undefined)[]
  #chunk: Uint8Array = NO_BYTES
  #at = 0
  /** The type of the value whose bytes are needed. */
  #type = 0
  /** Bytes of the message so far, those that its lengths declare included. */
  #total = 0

  constructor(options: RespReaderOptions) {
    this.#options = options
    this.#builder = new RespBuilder(options)
    this.#kinds = KINDS[options.protocol]
  }

  /** The message, when nothing is needed. */
  get message(): RespValue | RespPush {
    return this.#builder.message
  }

  /** Takes what is left of the chunk. */
  takeRest(): Uint8Array {
    const rest = this.#at === this.#chunk.length ? NO_BYTES : this.#chunk.subarray(this.#at)
    this.#chunk = NO_BYTES
    this.#at = 0
    return rest
  }

  /**
   * The message that begins at `at`, if all of it is in the chunk, and right; else undefined. The reader is as new
   * afterwards.
   */
  readWhole(chunk: Uint8Array, at: number, extent: Extent): RespMessage | undefined {
    this.#chunk = chunk
    this.#at = at
    let need: Need = 'chunk'
    try {
      need = this.#walk()
    } catch {
      // Read again in steps, it will say the same.
    }
    const { message } = this.#builder
    extent.length = this.#at - at
    this.#chunk = NO_BYTES
    this.#at = 0
    this.#total = 0
    this.#builder.reset()
    if (need !== 'nothing') return undefined
    return message === null ? NULL : message
  }

  /** What is at hand; nothing: the input has ended. */
  read(chunk: Uint8Array): Need {
    if (chunk.length === 0) return 'line'
    this.#chunk = chunk
    this.#at = 0
    return this.#walk()
  }

  readLine(line: Uint8Array): Need {
    return this.#readFirstLine(line, 0, line.length)
  }

  /** `length` bytes, and CR LF after them. */
  readBytes(bytes: Uint8Array): Need {
    return this.#readBytes(bytes, 0) ? 'nothing' : 'chunk'
  }

  /** All pieces are delivered, and this was behind them. */
  endPieces(end: Uint8Array): Need {
    checkEnd(end, 0)
    return this.#builder.add(new RespStreamed(this.length)) ? 'nothing' : 'chunk'
  }

  #walk(): Need {
    const chunk = this.#chunk
    while (this.#at < chunk.length) {
      const end = lineEnd(chunk, this.#at, this.#options.maxLineLength)
      if (end === -1) return 'line'
      const from = this.#at
      this.#at = end + END_LENGTH
      const need = this.#readFirstLine(chunk, from, end)
      if (need === 'nothing' || need === 'pieces') return need
      if (need === 'bytes') {
        const start = this.#at
        const length = this.length + END_LENGTH
        if (chunk.length - start < length) return 'bytes'
        this.#at = start + length
        if (this.#readBytes(chunk, start)) return 'nothing'
      }
    }
    return 'chunk'
  }

  /** The line that a value begins with. */
  #readFirstLine(line: Uint8Array, from: number, to: number): Need {
    const type = line[from] as number
    const kind = from === to ? undefined : this.#kinds[type]
    this.#count(to - from + END_LENGTH)
    if (kind === 'bytes') return this.#readLength(line, from, to, type)
    if (kind === 'values') return this.#readCount(line, from, to, type) ? 'nothing' : 'chunk'
    if (kind === undefined) throw malformedBytes(`a value of RESP${this.#options.protocol}`, line.subarray(from, to))
    return this.#builder.add(valueIn(line.subarray(from + 1, to), type)) ? 'nothing' : 'chunk'
  }

  #readCount(line: Uint8Array, from: number, to: number, type: number): boolean {
    if (type === PUSH && !this.#builder.isAtTop) throw malformedBytes('a push at the top only', line.subarray(from, to))
    if (type === ARRAY && isMinusOne(line, from, to)) return this.#builder.add(null)
    const count = lengthIn(line, from + 1, to, Number.MAX_SAFE_INTEGER)
    return this.#builder.open(type, type === MAP || type === ATTRIBUTES ? count * 2 : count)
  }

  #readLength(line: Uint8Array, from: number, to: number, type: number): Need {
    const { maxLength, streamAbove } = this.#options
    if (type === BULK && isMinusOne(line, from, to)) return this.#builder.add(null) ? 'nothing' : 'chunk'
    this.#type = type
    const mayStream = type === BULK && streamAbove !== Infinity
    this.length = lengthIn(line, from + 1, to, mayStream ? Number.MAX_SAFE_INTEGER : maxLength)
    if (mayStream && this.length > streamAbove) return 'pieces'
    this.#count(this.length + END_LENGTH)
    return 'bytes'
  }

  /** True: the message is complete. */
  #readBytes(bytes: Uint8Array, from: number): boolean {
    const to = from + this.length
    checkEnd(bytes, to)
    if (this.#type === BULK) return this.#builder.add(this.#options.encoding === null ? viewOf(bytes, from, this.length) : textIn(bytes, from, to))
    const text = textIn(bytes, from, to)
    return this.#builder.add(this.#type === VERBATIM ? verbatimIn(text, bytes.subarray(from, to)) : new RespError(text))
  }

  #count(length: number): void {
    const { maxLength } = this.#options
    this.#total += length
    if (this.#total > maxLength) throw tooLong(maxLength, this.#total)
  }
}

/** Where the CR LF of the line is; -1: not in the chunk, or something is wrong with the line. */
function lineEnd(chunk: Uint8Array, from: number, maxLength: number): number {
  const last = Math.min(chunk.length - 1, from + maxLength + 1)
  for (let at = from; at < last; at++) {
    const byte = chunk[at]
    if (byte === CR) return chunk[at + 1] === LF ? at : -1
    if (byte === LF) return -1
  }
  return -1
}

function lengthIn(line: Uint8Array, from: number, to: number, max: number): number {
  let length = 0
  for (let at = from; at < to; at++) {
    const digit = (line[at] as number) - ZERO
    if (digit < 0 || digit > 9) return parseLength(line.subarray(from, to), { max })
    length = length * 10 + digit
  }
  const isPlain = to > from && to - from <= EXACT_DIGITS && (line[from] !== ZERO || to - from === 1) && length <= max
  return isPlain ? length : parseLength(line.subarray(from, to), { max })
}

function isMinusOne(line: Uint8Array, from: number, to: number): boolean {
  return to - from === 3 && line[from + 1] === MINUS && line[from + 2] === ZERO + 1
}

function valueIn(content: Uint8Array, type: number): RespValue {
  const text = textIn(content, 0, content.length)
  switch (type) {
    case SIMPLE:
      return text
    case ERROR:
      return new RespError(text)
    case INTEGER:
      return integerIn(text, content)
    case DOUBLE:
      return doubleIn(text, content)
    case BIG:
      return bigIn(text, content)
    case BOOLEAN:
      if (text !== 't' && text !== 'f') throw malformedBytes('t or f', content)
      return text === 't'
    default:
      if (text !== '') throw malformedBytes('nothing after the null', content)
      return null
  }
}

function integerIn(text: string, content: Uint8Array): number | bigint {
  if (!INTEGER_FORMAT.test(text)) throw malformedBytes('an integer', content)
  const number = Number(text)
  if (Number.isSafeInteger(number)) return number === 0 ? 0 : number
  const integer = bigIn(text, content)
  if (BigInt.asIntN(INT64_BITS, integer) !== integer) throw malformedBytes('an integer of 64 bits', content)
  return integer
}

function bigIn(text: string, content: Uint8Array): bigint {
  if (!INTEGER_FORMAT.test(text)) throw malformedBytes('a big number', content)
  // BigInt takes no plus.
  return text.startsWith('-') ? -BigInt(text.slice(1)) : BigInt(text.replace('+', ''))
}

function doubleIn(text: string, content: Uint8Array): number {
  const notFinite = NOT_FINITE.get(text)
  if (notFinite !== undefined) return notFinite
  if (!DOUBLE_FORMAT.test(text)) throw malformedBytes('a double', content)
  return Number(text)
}

function verbatimIn(text: string, content: Uint8Array): RespVerbatim {
  const format = text.slice(0, FORMAT_LENGTH)
  if (text[FORMAT_LENGTH] !== ':' || content[FORMAT_LENGTH] !== INTEGER) throw malformedBytes('a format of three bytes and a colon', content)
  return new RespVerbatim(format, text.slice(FORMAT_LENGTH + 1))
}

function textIn(bytes: Uint8Array, from: number, to: number): string {
  return shortAscii(bytes, from, to) ?? decodeUtf8(bytes.subarray(from, to))
}

/** As `subarray`, which costs a third more. */
function viewOf(bytes: Uint8Array, from: number, length: number): Uint8Array {
  return new (classOf(bytes))(bytes.buffer, bytes.byteOffset + from, length)
}

function checkEnd(bytes: Uint8Array, at: number): void {
  if (bytes[at] !== CR || bytes[at + 1] !== LF) throw malformedBytes('"\\r\\n" after the bytes', bytes.subarray(at, at + END_LENGTH))
}

function tooLong(limit: number, length: number): FramingError {
  return new FramingError('ERR_FRAME_TOO_LONG', `Message is too long: the limit is ${limit} bytes, it has at least ${length}`, { limit, length })
}
