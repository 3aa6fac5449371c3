/**
 * Messages that have their length as a varint in front: protobuf's delimited messages, libp2p, many others.
 *
 *     message = length body
 *     length  = *7group last      each seven bits of the length, the least significant first (LEB128)
 *     7group  = %x80-FF           there is more
 *     last    = %x00-7F           this is the last one
 *
 * Specification: Protocol Buffers, "Encoding", Base 128 Varints. A varint has at most ten bytes there. It is overlong
 * when its last group is 0, and not the only one: the same length in fewer bytes is the same length. Encoders do not
 * write those, so they are refused, unless `overlong` is true.
 */
import { lengthTooLong, malformedBytes } from '../errors.js'
import { checkBoolean, checkBytes, checkLimit, checkOptions } from '../framing/checks.js'
import type { Extent, SteppedCodec } from '../framing/codec.js'
import { checkPayloadLength } from './text.js'

/** Options of {@link varintLength}. */
export interface VarintLengthOptions {
  /** The longest message in bytes. @defaultValue 8 MiB */
  readonly maxLength?: number
  /** Accept lengths that have more bytes than they need, ten at most. @defaultValue false */
  readonly overlong?: boolean
}

const DEFAULT_MAX_BYTES = 8 * 1024 * 1024
const MAX_VARINT_BYTES = 10
const MORE = 0x80
const ONE = { until: 1, maxFrameLength: 1 }

/**
 * Bytes, with their length as a varint in front.
 *
 * Errors: `ERR_FRAME_TOO_LONG` for a length above `maxLength`, at the byte that makes it so; `ERR_FRAME_MALFORMED` for a
 * varint that is overlong.
 *
 * @example
 * ```ts
 * import { MessageScanner, varintLength } from 'asynchat/framing'
 *
 * const scanner = new MessageScanner(varintLength())
 * scanner.write(Uint8Array.of(0x02, 8, 9, 0xac, 0x02))
 * console.log(scanner.read()?.join(' '), scanner.read(), scanner.bufferedLength)
 * ```
 * ```text
 * 8 9 null 2
 * ```
 */
export function varintLength(options: VarintLengthOptions = {}): SteppedCodec<Uint8Array> {
  const { maxLength = DEFAULT_MAX_BYTES, overlong = false } = checkOptions('options', options)
  checkLimit('options.maxLength', maxLength)
  checkBoolean('options.overlong', overlong)
  const longest = Math.min(maxLength, Number.MAX_SAFE_INTEGER)

  return {
    name: 'varintLength',

    *decode() {
      let length = 0
      let byte = MORE
      for (let count = 1; byte >= MORE; count++) {
        const group = yield ONE
        byte = group[0] as number
        if (count > 1 && isOverlong(byte, count, overlong)) throw malformedBytes('a varint that is not overlong', group)
        length += (byte % MORE) * MORE ** (count - 1)
        // Past what is exact it only has to stay too large.
        if (length > longest) throw lengthTooLong(maxLength, length)
      }
      return yield { until: length, maxFrameLength: Infinity }
    },

    /** Of one or two bytes: nearly all that there are. */
    locate(chunk: Uint8Array, at: number, extent: Extent): boolean {
      const first = chunk[at] as number
      const second = first < MORE ? 0 : (chunk[at + 1] ?? MORE)
      const isLong = first >= MORE
      if (isLong && (second === 0 || second >= MORE)) return false
      const length = (first % MORE) + second * MORE
      if (length > longest) return false
      extent.before = isLong ? 2 : 1
      extent.length = length
      extent.after = 0
      return true
    },

    encode(message: Uint8Array): [Uint8Array, Uint8Array] {
      checkBytes('message', message)
      checkPayloadLength(message.length, longest)
      return [varint(message.length), message]
    },
  }
}

function isOverlong(byte: number, count: number, isAccepted: boolean): boolean {
  return isAccepted ? count === MAX_VARINT_BYTES && byte >= MORE : byte === 0
}

function varint(value: number): Uint8Array {
  const groups: number[] = []
  let left = value
  for (; left >= MORE; left = Math.floor(left / MORE)) groups.push((left % MORE) + MORE)
  return Uint8Array.of(...groups, left)
}
