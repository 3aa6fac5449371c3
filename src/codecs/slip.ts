/**
 * Packets over a serial line.
 *
 *     packet = *byte END
 *     END    = %xC0
 *     byte   = any but C0 and DB / DB DC, which is a C0 / DB DD, which is a DB
 *
 * Specification: RFC 1055. A packet may begin with an END as well, which makes noise on the line before it a packet of its
 * own; so packets of no bytes are none, and two ENDs are as good as one.
 */
import { malformedBytes, outOfRange } from '../errors.js'
import { classOf } from '../framing/bytes.js'
import { checkBoolean, checkBytes, checkLimit, checkOptions } from '../framing/checks.js'
import type { FrameCodec } from '../framing/codec.js'
import { checkPayloadLength } from './text.js'

const END = 0xc0
const ESC = 0xdb
const ESC_END = 0xdc
const ESC_ESC = 0xdd

/** Options of {@link slip}. */
export interface SlipOptions {
  /** The longest packet in bytes, as it is sent, its ENDs not counted. @defaultValue the `maxFrameLength` of who reads, 1 MiB */
  readonly maxLength?: number
  /**
   * Refuse an ESC that neither ESC_END nor ESC_ESC follows. False: it is left out, as in the program of RFC 1055.
   * @defaultValue true
   */
  readonly strict?: boolean
  /** Send an END before each packet too. @defaultValue true */
  readonly leadingEnd?: boolean
}

/**
 * SLIP packets, as bytes. The encoder refuses an empty one, which nobody would see.
 *
 * Errors: `ERR_FRAME_MALFORMED` for a wrong escape. The packet is unread then: after `takeUnread()` and `setCodec()`, go on behind its end.
 *
 * @example
 * ```ts
 * import { MessageScanner, slip } from 'asynchat/framing'
 *
 * const scanner = new MessageScanner(slip())
 * scanner.write(Uint8Array.of(0xc0, 1, 0xdb, 0xdc, 2, 0xc0))
 * console.log(scanner.read()?.join(' '))
 * ```
 * ```text
 * 1 192 2
 * ```
 */
export function slip(options: SlipOptions = {}): FrameCodec<Uint8Array> {
  const { maxLength, strict = true, leadingEnd = true } = checkOptions('options', options)
  if (maxLength !== undefined) checkLimit('options.maxLength', maxLength)
  checkBoolean('options.strict', strict)
  checkBoolean('options.leadingEnd', leadingEnd)
  const end = Uint8Array.of(END)

  return {
    name: 'slip',
    terminator: maxLength === undefined ? end : { until: end, maxFrameLength: maxLength },

    parse(frame) {
      if (frame.length === 0) return undefined
      return frame.includes(ESC) ? unescaped(frame, strict) : frame
    },

    encode(packet) {
      checkBytes('message', packet)
      if (packet.length === 0) throw outOfRange('message.length', 'at least 1: an empty packet is none', 0)
      const bytes = escaped(packet)
      checkPayloadLength(bytes.length, maxLength ?? Infinity)
      return leadingEnd ? [end, bytes, end] : [bytes, end]
    },
  }
}

function unescaped(frame: Uint8Array, strict: boolean): Uint8Array {
  const bytes = new (classOf(frame))(frame.length)
  let length = 0
  for (let index = 0; index < frame.length; index++) {
    const byte = frame[index] as number
    if (byte !== ESC) {
      bytes[length++] = byte
      continue
    }
    const next = frame[++index]
    if (strict && next !== ESC_END && next !== ESC_ESC) throw malformedBytes('an escape DB DC or DB DD', frame.subarray(index - 1))
    if (next !== undefined) bytes[length++] = next === ESC_END ? END : next === ESC_ESC ? ESC : next
  }
  return bytes.subarray(0, length)
}

function escaped(packet: Uint8Array): Uint8Array {
  const specials = packet.reduce((count, byte) => count + (byte === END || byte === ESC ? 1 : 0), 0)
  if (specials === 0) return packet
  const bytes = new Uint8Array(packet.length + specials)
  let length = 0
  for (const byte of packet) {
    if (byte !== END && byte !== ESC) {
      bytes[length++] = byte
      continue
    }
    bytes[length++] = ESC
    bytes[length++] = byte === END ? ESC_END : ESC_ESC
  }
  return bytes
}
