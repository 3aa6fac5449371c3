/**
 * Syslog messages over TCP.
 *
 *     octet counting    frame = length SP message          length = NONZERO-DIGIT *DIGIT        RFC 6587 3.4.1
 *     non-transparent   frame = message trailer            trailer = LF, by agreement another   RFC 6587 3.4.2
 *
 * A frame that begins with a digit counts its octets, one that begins with "<", as every message does, ends with a LF:
 * each frame for itself. Messages have other rules, RFC 5424 and RFC 3164: here they are bytes.
 *
 * Non-transparent framing is what its name says: a message with a LF in it is two. So where the peer is known to count
 * octets (RFC 5425, over TLS), fix it: then nobody can begin a frame of the other kind.
 */
import { invalidType, malformedBytes } from '../errors.js'
import { checkBoolean, checkLimit, checkOneOf, checkOptions } from '../framing/checks.js'
import { type DecodeContext, type Decoding, EndOfInput, type EncodedChunk, type SteppedCodec } from '../framing/codec.js'
import { parseLength } from '../framing/parse.js'
import { checkPayloadLength, payloadBytes } from './text.js'

/** Options of {@link syslog}. */
export interface SyslogOptions {
  /** How frames are read: told apart one by one, or all alike. Written they are counted, unless this is `'trailer'`. @defaultValue 'auto' */
  readonly framing?: 'auto' | 'octet-counting' | 'trailer'
  /** What ends a message that is not counted: LF; NUL or CR LF by agreement. @defaultValue 'lf' */
  readonly trailer?: 'lf' | 'nul' | 'crlf'
  /** Pass over messages without a byte between two trailers. @defaultValue false */
  readonly skipBlank?: boolean
  /** What becomes of a last message that no trailer ends: an error, or a message. @defaultValue 'error' */
  readonly tail?: 'error' | 'emit'
  /** The longest message in bytes. @defaultValue 65,536 */
  readonly maxLength?: number
}

const DEFAULT_MAX_BYTES = 65_536
const TRAILERS = { lf: '\n', nul: '\0', crlf: '\r\n' } as const
const LESS_THAN = 0x3c
const DIGIT_0 = 0x30
const DIGIT_9 = 0x39

/**
 * Syslog messages, as bytes. A string that is written is sent as UTF-8.
 *
 * Errors: `ERR_FRAME_MALFORMED` for a frame that begins with neither a digit nor `<`, a length that is none, a message
 * without a byte; `ERR_FRAME_TOO_LONG`. The encoder refuses a message without a byte, one that holds its trailer, and
 * under `'auto'` nothing else: it counts.
 *
 * @example
 * ```ts
 * import { MessageScanner, syslog } from 'asynchat/framing'
 *
 * const scanner = new MessageScanner(syslog())
 * scanner.write(new TextEncoder().encode('15 <34>1 - - - - -<13>su failed\n'))
 * for (let message; (message = scanner.read()) !== null; ) console.log(new TextDecoder().decode(message))
 * ```
 * ```text
 * <34>1 - - - - -
 * <13>su failed
 * ```
 */
export function syslog(options: SyslogOptions = {}): SteppedCodec<Uint8Array, Uint8Array | string> {
  const { framing = 'auto', trailer = 'lf', skipBlank = false, tail = 'error', maxLength = DEFAULT_MAX_BYTES } = checkOptions('options', options)
  checkOneOf('options.framing', framing, ['auto', 'octet-counting', 'trailer'])
  checkOneOf('options.trailer', trailer, ['lf', 'nul', 'crlf'])
  checkBoolean('options.skipBlank', skipBlank)
  checkOneOf('options.tail', tail, ['error', 'emit'])
  checkLimit('options.maxLength', maxLength)
  const max = Math.min(maxLength, Number.MAX_SAFE_INTEGER)
  const end = TRAILERS[trailer]
  const lengthRule = { until: ' ', maxFrameLength: String(max).length }
  const messageRule = { until: end, maxFrameLength: maxLength }

  function* counted(): Decoding<Uint8Array> {
    const digits = yield lengthRule
    const length = parseLength(digits, { max })
    if (length === 0) throw malformedBytes('a length above 0', digits)
    return yield { until: length, maxFrameLength: Infinity }
  }

  function* ended(): Decoding<Uint8Array> {
    try {
      const message = yield messageRule
      if (message.length > 0 || skipBlank) return message.length > 0 ? message : undefined
      throw malformedBytes('a message before the trailer', message)
    } catch (error) {
      if (tail === 'emit' && error instanceof EndOfInput) return error.bytes
      throw error
    }
  }

  return {
    name: 'syslog',

    *decode(ctx: DecodeContext<Uint8Array>) {
      if (framing === 'octet-counting') return yield* counted()
      if (framing === 'trailer') return yield* ended()
      const first = yield 1
      ctx.pushBack(first)
      const byte = first[0] as number
      if (byte >= DIGIT_0 && byte <= DIGIT_9) return yield* counted()
      const isBlank = skipBlank && byte === end.charCodeAt(0)
      if (byte !== LESS_THAN && !isBlank) throw malformedBytes('a length, or "<"', first)
      const message = yield* ended()
      if (isBlank && message !== undefined) throw malformedBytes('a length, or "<"', message)
      return message
    },

    encode(given): EncodedChunk | EncodedChunk[] {
      const message = payloadBytes('message', given)
      if (message.length === 0) throw invalidType('message', 'of at least 1 byte', given)
      checkPayloadLength(message.length, maxLength)
      if (framing !== 'trailer') return [`${message.length} `, message]
      if (holds(message, end)) throw invalidType('message', `without ${trailer.toUpperCase()} in it, which would end it`, given)
      return [message, end]
    },
  }
}

function holds(message: Uint8Array, end: string): boolean {
  const last = end.charCodeAt(end.length - 1)
  if (end.length === 1) return message.includes(last)
  for (let at = message.indexOf(last); at !== -1; at = message.indexOf(last, at + 1)) if (message[at - 1] === end.charCodeAt(0)) return true
  return false
}
