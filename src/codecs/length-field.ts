/**
 * Messages that have their length in a binary field in front.
 *
 *     +--------+--------+-------------------------+
 *     | offset | width  |                         |
 *     | bytes  | bytes: | value + adjustment bytes|
 *     |        | value  |                         |
 *     +--------+--------+-------------------------+
 *     |<-strip->|<----------- message ------------>|
 *
 * The value is unsigned, in either byte order. `adjustment` is for fields that count more or less than what follows
 * them: with -4 a field of four bytes counts itself too, with 2 it leaves out two bytes of header behind it. The names
 * are those of Netty's LengthFieldBasedFrameDecoder, so its examples (and those of tokio, which has them from there) can be taken over.
 *
 * A value that is too large is an error before anything is kept for it: nothing is allocated by a declared length.
 */
import { lengthTooLong, malformed, outOfRange } from '../errors.js'
import { classOf, copyOf } from '../framing/bytes.js'
import { checkBytes, checkInteger, checkLimit, checkOneOf, checkOptions } from '../framing/checks.js'
import type { Extent, SteppedCodec } from '../framing/codec.js'
import { checkPayloadLength } from './text.js'

/** Options of {@link lengthField}. */
export interface LengthFieldOptions {
  /** Bytes before the field. @defaultValue 0 */
  readonly offset?: number
  /** Bytes of the field, 1 to 8. @defaultValue 4 */
  readonly width?: number
  /** Which byte of the field comes first, the most significant one or the least. @defaultValue 'big' */
  readonly byteOrder?: 'big' | 'little'
  /** Bytes that follow the field, less its value. @defaultValue 0 */
  readonly adjustment?: number
  /** Bytes at the beginning that are no part of the message. @defaultValue offset + width */
  readonly strip?: number
  /** The longest message in bytes, what is stripped not counted. @defaultValue 8 MiB */
  readonly maxLength?: number
}

const DEFAULT_MAX_BYTES = 8 * 1024 * 1024

/**
 * Bytes, with their length in front.
 *
 * Errors: `ERR_FRAME_TOO_LONG` for a value that makes the message longer than `maxLength`, or that no number holds exactly
 * (above 2^53 - 1); `ERR_FRAME_MALFORMED` for one that makes it end inside its header, or inside what is stripped.
 *
 * The encoder puts the field in front. Where there is more to the header than that (`offset` > 0, or `strip` is not just
 * the field), it takes the whole frame, header and all, and fills in the field in a copy. It refuses a message whose length
 * the field cannot say.
 *
 * @example
 * ```ts
 * import { MessageScanner, lengthField } from 'asynchat/framing'
 *
 * const scanner = new MessageScanner(lengthField({ width: 2 }))
 * scanner.write(Uint8Array.of(0, 3, 7, 8, 9, 0, 1, 5))
 * for (let message; (message = scanner.read()) !== null; ) console.log(message.join(' '))
 * ```
 * ```text
 * 7 8 9
 * 5
 * ```
 */
export function lengthField(options: LengthFieldOptions = {}): SteppedCodec<Uint8Array> {
  const { offset, headerLength, adjustment, strip, maxLength, isBig } = checkedOptions(options)
  /** Of all frames that can be: one that ends before its header, or in what is stripped, cannot. */
  const leastTotal = Math.max(headerLength, strip)
  const mostTotal = strip + maxLength
  const headerRule = { until: headerLength, maxFrameLength: headerLength }

  function valueAt(bytes: Uint8Array, at: number): number {
    let value = 0
    // Eight bytes may be more than a number holds exactly: such a value stays too large, however it is rounded.
    if (isBig) for (let index = at + offset; index < at + headerLength; index++) value = value * 256 + (bytes[index] as number)
    else for (let index = at + headerLength - 1; index >= at + offset; index--) value = value * 256 + (bytes[index] as number)
    return value
  }

  function totalAt(bytes: Uint8Array, at: number): number {
    const value = valueAt(bytes, at)
    if (value > Number.MAX_SAFE_INTEGER) throw lengthTooLong(maxLength, value)
    const total = headerLength + value + adjustment
    if (total < leastTotal) throw malformed(new RangeError(`a length of ${value} ends the message inside its header`))
    if (total > mostTotal) throw lengthTooLong(maxLength, total - strip)
    return total
  }

  return {
    name: 'lengthField',

    *decode() {
      const header = yield headerRule
      const total = totalAt(header, 0)
      const rest = yield { until: total - headerLength, maxFrameLength: Infinity }
      return strip < headerLength ? joined(header.subarray(strip), rest) : rest.subarray(strip - headerLength)
    },

    locate(chunk: Uint8Array, at: number, extent: Extent): boolean {
      if (chunk.length - at < headerLength) return false
      const value = valueAt(chunk, at)
      const total = headerLength + value + adjustment
      if (value > Number.MAX_SAFE_INTEGER || total < leastTotal || total > mostTotal) return false
      extent.before = strip
      extent.length = total - strip
      extent.after = 0
      return true
    },

    encode(message: Uint8Array): Uint8Array | [Uint8Array, Uint8Array] {
      checkBytes('message', message)
      if (offset === 0 && strip === headerLength) {
        checkPayloadLength(message.length, maxLength)
        return [fieldOf(message.length - adjustment), message]
      }
      if (message.length < leastTotal) throw outOfRange('message.length', `at least ${leastTotal} bytes: the whole frame`, message.length)
      checkPayloadLength(message.length - strip, maxLength)
      const frame = copyOf(message)
      frame.set(fieldOf(message.length - headerLength - adjustment), offset)
      return frame
    },
  }

  function fieldOf(value: number): Uint8Array {
    const width = headerLength - offset
    const most = Math.min(256 ** width - 1, Number.MAX_SAFE_INTEGER)
    if (value < 0 || value > most) throw outOfRange('length of message', `such that its field is from 0 to ${most}`, value)
    const field = new Uint8Array(width)
    let left = value
    for (let index = 0; index < width; index++) {
      field[isBig ? width - 1 - index : index] = left % 256
      left = Math.floor(left / 256)
    }
    return field
  }
}

function checkedOptions(options: LengthFieldOptions) {
  const { offset = 0, width = 4, byteOrder = 'big', adjustment = 0, maxLength = DEFAULT_MAX_BYTES } = checkOptions('options', options)
  checkInteger('options.offset', offset, 0)
  checkInteger('options.width', width, 1, 8)
  checkInteger('options.adjustment', adjustment, Number.MIN_SAFE_INTEGER)
  const headerLength = offset + width
  const { strip = headerLength } = options
  checkInteger('options.strip', strip, 0)
  checkLimit('options.maxLength', maxLength)
  const isBig = checkOneOf('options.byteOrder', byteOrder, ['big', 'little']) === 'big'
  return { offset, headerLength, adjustment, strip, maxLength, isBig }
}

function joined(header: Uint8Array, rest: Uint8Array): Uint8Array {
  const whole = new (classOf(rest))(header.length + rest.length)
  whole.set(header)
  whole.set(rest, header.length)
  return whole
}
