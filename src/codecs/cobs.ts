/**
 * Consistent Overhead Byte Stuffing.
 *
 *     packet = 1*block %x00
 *     block  = code 0*254byte      none of them 0
 *     code   = n + 1               n bytes follow, and then a 0 that is not sent: not for code FF, and not in the last block
 *
 * Specification: S. Cheshire, M. Baker, "Consistent Overhead Byte Stuffing", IEEE/ACM Transactions on Networking 7(2),
 * 1999, section IV. The only zeros on the line are ends, so a receiver is in step again after any of them. One byte in
 * 254 is added at most.
 */
import { malformedBytes } from '../errors.js'
import { classOf } from '../framing/bytes.js'
import { checkBytes, checkLimit, checkOptions } from '../framing/checks.js'
import type { FrameCodec } from '../framing/codec.js'
import { checkPayloadLength } from './text.js'

/** Options of {@link cobs}. */
export interface CobsOptions {
  /** The longest packet in bytes, as it is sent, its zero not counted. @defaultValue the `maxFrameLength` of who reads, 1 MiB */
  readonly maxLength?: number
}

/** The code of a block that no zero follows. */
const FULL = 0xff

/**
 * COBS packets, as bytes. Zeros on the line with nothing between them are no packets: a sender may begin with one.
 *
 * Errors: `ERR_FRAME_MALFORMED` for a block that is cut. The packet is unread then: after `takeUnread()` and `setCodec()`, go on behind its end.
 *
 * @example
 * ```ts
 * import { MessageScanner, cobs } from 'asynchat/framing'
 *
 * const scanner = new MessageScanner(cobs())
 * scanner.write(Uint8Array.of(3, 11, 22, 2, 33, 0))
 * console.log(scanner.read()?.join(' '))
 * ```
 * ```text
 * 11 22 0 33
 * ```
 */
export function cobs(options: CobsOptions = {}): FrameCodec<Uint8Array> {
  const { maxLength } = checkOptions('options', options)
  if (maxLength !== undefined) checkLimit('options.maxLength', maxLength)
  const zero = Uint8Array.of(0)
  return {
    name: 'cobs',
    terminator: maxLength === undefined ? zero : { until: zero, maxFrameLength: maxLength },
    parse: (frame) => (frame.length === 0 ? undefined : unstuffed(frame)),
    encode(packet) {
      checkBytes('message', packet)
      const bytes = stuffed(packet)
      checkPayloadLength(bytes.length - 1, maxLength ?? Infinity)
      return bytes
    },
  }
}

function unstuffed(frame: Uint8Array): Uint8Array {
  const bytes = new (classOf(frame))(frame.length)
  let length = 0
  for (let at = 0; at < frame.length; ) {
    const code = frame[at] as number
    const next = at + code
    if (next > frame.length) throw malformedBytes(`a block of ${code} bytes`, frame.subarray(at))
    bytes.set(frame.subarray(at + 1, next), length)
    length += code - 1
    // The zero after the block, which new memory holds already.
    if (code !== FULL && next < frame.length) length++
    at = next
  }
  return bytes.subarray(0, length)
}

/** The packet and the zero that ends it. */
function stuffed(packet: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(packet.length + Math.ceil(packet.length / (FULL - 1)) + 2)
  let codeAt = 0
  let length = 1
  packet.forEach((byte, index) => {
    if (byte !== 0) bytes[length++] = byte
    const code = length - codeAt
    // A last block that is full needs none after it.
    if (byte !== 0 && (code < FULL || index === packet.length - 1)) return
    bytes[codeAt] = code
    codeAt = length++
  })
  bytes[codeAt] = length - codeAt
  return bytes.subarray(0, length + 1)
}
