/**
 * JSON values, one a line.
 *
 *     line  = value LF          RFC 8259, in UTF-8, without a byte order mark; no LF in it, which JSON can always do
 *
 * Specifications: jsonlines.org; NDJSON 1.0.0 3; JSON-RPC over stdio (MCP). White space around a value is JSON's own, so
 * a CR before the LF is nothing. U+2028 and U+2029 are characters in strings as any other, and end no line.
 */
import { invalidType, malformed } from '../errors.js'
import { checkBoolean, checkLimit, checkOneOf, checkOptions } from '../framing/checks.js'
import { type FrameCodec, NULL } from '../framing/codec.js'
import { checkPayloadLength, decodeUtf8, encodeUtf8 } from './text.js'

/** Options of {@link jsonLines}. */
export interface JsonLinesOptions {
  /** The longest line in bytes. @defaultValue the `maxFrameLength` of who reads, 1 MiB */
  readonly maxLength?: number
  /** Take no notice of lines with nothing but white space; NDJSON leaves that open. @defaultValue false */
  readonly skipBlank?: boolean
  /** What becomes of a last line that nothing ends: an error, since 12 may be the beginning of 123, or a value. @defaultValue 'error' */
  readonly tail?: 'error' | 'emit'
}

const BLANK = /^[ \t\r]*$/

/**
 * JSON values, one a line. The value `null` is {@link NULL}.
 *
 * Errors: `ERR_FRAME_MALFORMED` for a line that is no JSON (its `cause` is the `SyntaxError`) or no UTF-8, and for a blank
 * one. The line is unread then: after `takeUnread()` and `setCodec()`, go on behind its end. The encoder refuses what is no JSON: `undefined`,
 * a function, a symbol; and as `JSON.stringify` does, a bigint and what contains itself.
 *
 * @example
 * ```ts
 * import { MessageScanner, NULL, jsonLines } from 'asynchat/framing'
 *
 * const scanner = new MessageScanner(jsonLines())
 * scanner.write(new TextEncoder().encode('{"a":[1,2]}\nnull\n'))
 * console.log(scanner.read(), scanner.read() === NULL)
 * ```
 * ```text
 * { a: [ 1, 2 ] } true
 * ```
 */
export function jsonLines<T = unknown>(options: JsonLinesOptions = {}): FrameCodec<T | typeof NULL> {
  const { maxLength, skipBlank = false, tail = 'error' } = checkOptions('options', options)
  if (maxLength !== undefined) checkLimit('options.maxLength', maxLength)
  checkBoolean('options.skipBlank', skipBlank)
  checkOneOf('options.tail', tail, ['error', 'emit'])
  return {
    name: 'jsonLines',
    terminator: maxLength === undefined ? '\n' : { until: '\n', maxFrameLength: maxLength },
    tail,

    parse(frame) {
      const text = decodeUtf8(frame)
      if (skipBlank && BLANK.test(text)) return undefined
      const value = parseJson(text)
      return value === null ? NULL : (value as T)
    },

    encode(value) {
      const text = JSON.stringify(value === NULL ? null : value)
      if (text === undefined) throw invalidType('message', 'a value that JSON has', value)
      if (maxLength !== undefined) checkPayloadLength(encodeUtf8(text).length, maxLength)
      return `${text}\n`
    },
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw malformed(cause)
  }
}
