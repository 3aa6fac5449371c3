/**
 * JSON text sequences.
 *
 *     sequence      = *( 1*RS possible-JSON )        RS = %x1E, a byte that no JSON text holds
 *     possible-JSON = 1*( not RS )                   to be read as JSON, or reported and passed over
 *     as written    = RS JSON-text LF
 *
 * Specification: RFC 7464 2. The LF tells a text that is whole from one that was cut, by a writer that died in the middle
 * of it: `12` may be the beginning of `123`. So a number, `true`, `false` and `null` have to be followed by white space
 * (2.4), while a string, an array and an object end themselves.
 *
 * A text may have LFs in it, where JSON has white space. A message is delivered when its text is whole and a LF came,
 * and does not wait for the RS of the next: which LF that is, is told by counting brackets, so each byte is looked at once.
 */
import { FramingError, invalidType, malformed, malformedBytes } from '../errors.js'
import { checkLimit, checkOneOf, checkOptions } from '../framing/checks.js'
import { type DecodeContext, EndOfInput, NULL, type SteppedCodec } from '../framing/codec.js'
import { checkPayloadLength, decodeUtf8, encodeUtf8 } from './text.js'

/** Options of {@link jsonSeq}. */
export interface JsonSeqOptions {
  /** The longest text in bytes. @defaultValue 1 MiB */
  readonly maxLength?: number
  /** What becomes of a text that is no JSON, or was cut: an error, nothing, or a {@link JsonSeqFailure}. @defaultValue 'error' */
  readonly invalid?: 'error' | 'skip' | 'deliver'
}

/** A text that is no JSON, or was cut. */
export class JsonSeqFailure {
  readonly bytes: Uint8Array
  readonly error: FramingError

  constructor(bytes: Uint8Array, error: FramingError) {
    this.bytes = bytes
    this.error = error
  }
}

const DEFAULT_MAX_BYTES = 1024 * 1024
const RS = 0x1e
const RS_BYTES = Uint8Array.of(RS)
const LF_BYTES = Uint8Array.of(0x0a)
const BLANK = /^[ \t\r\n]*$/
const NEEDS_SPACE = /^[ \t\r\n]*(?:[-0-9][^ \t\r\n]*|true|false|null)$/
const QUOTE = 0x22
const BACKSLASH = 0x5c

/**
 * JSON values in RFC 7464's sequences. The value `null` is {@link NULL}.
 *
 * Errors: `ERR_FRAME_MALFORMED` for a text that is no JSON or was cut, unless `invalid` says otherwise, and for bytes
 * before the first RS; `ERR_FRAME_TOO_LONG`. Empty texts are nothing. The encoder refuses what is no JSON.
 *
 * @example
 * ```ts
 * import { MessageScanner, jsonSeq } from 'asynchat/framing'
 *
 * const scanner = new MessageScanner(jsonSeq({ invalid: 'skip' }))
 * scanner.write(new TextEncoder().encode('\x1e{"a":1}\n\x1e{"cut":\x1e[2]\n'))
 * console.log(scanner.read(), scanner.read())
 * ```
 * ```text
 * { a: 1 } [ 2 ]
 * ```
 */
export function jsonSeq<T = unknown>(options: JsonSeqOptions = {}): SteppedCodec<T | typeof NULL | JsonSeqFailure, T | typeof NULL> {
  const { maxLength = DEFAULT_MAX_BYTES, invalid = 'error' } = checkOptions('options', options)
  checkLimit('options.maxLength', maxLength)
  checkOneOf('options.invalid', invalid, ['error', 'skip', 'deliver'])
  const part = { until: ['\n', '\x1e'], maxFrameLength: maxLength }
  const first = { until: 1, maxFrameLength: 1 }

  function valueOf(bytes: Uint8Array, isStray: boolean, isEnded: boolean): T | typeof NULL | JsonSeqFailure | undefined {
    try {
      if (isStray) throw malformedBytes('the record separator before a text', bytes)
      return parsed(bytes, isEnded) as T | typeof NULL | undefined
    } catch (error) {
      if (invalid === 'error') throw error
      return invalid === 'skip' ? undefined : new JsonSeqFailure(bytes, error as FramingError)
    }
  }

  return {
    name: 'jsonSeq',

    *decode(ctx: DecodeContext<T | typeof NULL | JsonSeqFailure>) {
      const before = yield first
      const isStray = before[0] !== RS
      if (isStray && BLANK.test(String.fromCharCode(before[0] as number))) return undefined
      if (isStray && invalid === 'error') throw malformedBytes('the record separator before a text', before)
      const text = new TextParts(maxLength, isStray)
      if (isStray) text.add(before)
      try {
        // What is left of a text that was none is none either, up to the next one.
        do {
          text.add(yield part)
          if (ctx.matched === 1) {
            ctx.pushBack(RS_BYTES)
            return valueOf(text.take(), isStray, false)
          }
          text.add(LF_BYTES)
        } while (!text.isComplete)
        return valueOf(text.take(), false, true)
      } catch (error) {
        if (!(error instanceof EndOfInput)) throw error
        text.add(error.bytes)
        return valueOf(text.take(), isStray, false)
      }
    },

    encode(value) {
      const text = JSON.stringify(value === NULL ? null : value)
      if (text === undefined) throw invalidType('message', 'a value that JSON has', value)
      // One more byte is the LF, which a reader counts.
      checkPayloadLength(encodeUtf8(text).length + 1, maxLength)
      return `\x1e${text}\n`
    },
  }
}

/** The parts of a text, and whether a JSON value is whole in them. */
class TextParts {
  readonly #maxLength: number
  readonly #isStray: boolean
  readonly #parts: Uint8Array[] = []
  #length = 0
  #depth = 0
  #isInString = false
  #isEscaped = false
  #hasBegun = false

  /** `isStray`: a value is never whole. */
  constructor(maxLength: number, isStray: boolean) {
    this.#maxLength = maxLength
    this.#isStray = isStray
  }

  /** Something is there, and no string, array or object is open. */
  get isComplete(): boolean {
    return !this.#isStray && this.#hasBegun && this.#depth <= 0 && !this.#isInString
  }

  add(bytes: Uint8Array): void {
    this.#length += bytes.length
    if (this.#length > this.#maxLength) throw tooLong(this.#maxLength, this.#length)
    this.#parts.push(bytes)
    for (const byte of bytes) this.#look(byte)
  }

  take(): Uint8Array {
    const all = new Uint8Array(this.#length)
    let at = 0
    for (const part of this.#parts) {
      all.set(part, at)
      at += part.length
    }
    return all
  }

  #look(byte: number): void {
    if (this.#isInString) {
      if (this.#isEscaped) this.#isEscaped = false
      else if (byte === BACKSLASH) this.#isEscaped = true
      else if (byte === QUOTE) this.#isInString = false
      return
    }
    if (byte > 0x20) this.#hasBegun = true
    if (byte === QUOTE) this.#isInString = true
    else this.#depth += DEPTH_CHANGE[byte] as number
  }
}

/** Of brackets and braces. */
const DEPTH_CHANGE = Int8Array.from({ length: 256 }, (_, byte) => (byte === 0x5b || byte === 0x7b ? 1 : byte === 0x5d || byte === 0x7d ? -1 : 0))

/** Undefined: there is no text. */
function parsed(bytes: Uint8Array, isEnded: boolean): unknown {
  const text = decodeUtf8(bytes)
  if (BLANK.test(text)) return undefined
  if (!isEnded && NEEDS_SPACE.test(text)) throw malformedBytes('white space after the value: it may be cut', bytes)
  try {
    const value: unknown = JSON.parse(text)
    return value === null ? NULL : value
  } catch (cause) {
    throw malformed(cause)
  }
}

function tooLong(limit: number, length: number): FramingError {
  return new FramingError('ERR_FRAME_TOO_LONG', `Text is too long: the limit is ${limit} bytes, it has at least ${length}`, { limit, length })
}
