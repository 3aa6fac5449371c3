/**
 * Netstrings.
 *
 *     netstring = length ":" body ","
 *     length    = "0" / ( %x31-39 *DIGIT )      bytes of the body, in decimal, without leading zeros
 *
 * Specification: D. J. Bernstein, "Netstrings", 1997 (used by SCGI, QMTP and others).
 */
import { checkBytes, checkLimit, checkOptions } from '../framing/checks.js'
import type { Extent, SteppedCodec } from '../framing/codec.js'
import { expectBytes, parseLength } from '../framing/parse.js'
import type { FrameRule } from '../framing/terminator.js'
import { checkPayloadLength } from './text.js'

/** Options of {@link netstring}. */
export interface NetstringOptions {
  /** The longest body in bytes. Its length has at most as many digits as this number. @defaultValue 8 MiB */
  readonly maxLength?: number
}

const ZERO = 0x30
const COLON = 0x3a
const COMMA = 0x2c
const DEFAULT_MAX_BYTES = 8 * 1024 * 1024

/**
 * Netstrings, as bytes.
 *
 * Errors: `ERR_FRAME_TOO_LONG` for a length above `maxLength`, and for more digits (or other bytes before the colon) than
 * it has; `ERR_FRAME_MALFORMED` for a length that is none, and for a body that no comma follows.
 *
 * @example
 * ```ts
 * import { MessageScanner, netstring } from 'asynchat/framing'
 *
 * const scanner = new MessageScanner(netstring())
 * scanner.write(new TextEncoder().encode('5:hello,0:,'))
 * for (let body; (body = scanner.read()) !== null; ) console.log(body.length)
 * ```
 * ```text
 * 5
 * 0
 * ```
 */
export function netstring(options: NetstringOptions = {}): SteppedCodec<Uint8Array> {
  const { maxLength = DEFAULT_MAX_BYTES } = checkOptions('options', options)
  checkLimit('options.maxLength', maxLength)
  const max = Math.min(maxLength, Number.MAX_SAFE_INTEGER)
  const digits: FrameRule = { until: ':', maxFrameLength: String(max).length }
  return {
    name: 'netstring',

    *decode() {
      const length = parseLength(yield digits, { max })
      const body = yield { until: length, maxFrameLength: Infinity }
      expectBytes(yield 1, ',')
      return body
    },

    locate(chunk: Uint8Array, at: number, extent: Extent): boolean {
      let colon = at
      let length = 0
      for (let digit; length <= max && (digit = (chunk[colon] ?? COLON) - ZERO) >= 0 && digit < 10; colon++) length = length * 10 + digit
      const isLength = colon > at && length <= max && (chunk[at] !== ZERO || colon === at + 1)
      if (!isLength || chunk[colon] !== COLON || chunk[colon + 1 + length] !== COMMA) return false
      extent.before = colon + 1 - at
      extent.length = length
      extent.after = 1
      return true
    },

    encode(body: Uint8Array): [string, Uint8Array, string] {
      checkBytes('message', body)
      checkPayloadLength(body.length, max)
      return [`${body.length}:`, body, ',']
    },
  }
}
