/**
 * Git's packet lines.
 *
 *     pkt-line  = data-pkt / flush-pkt / delim-pkt / response-end-pkt
 *     data-pkt  = pkt-len *OCTET            at most 65516 of them
 *     pkt-len   = 4HEXDIG                   of the whole packet, itself included
 *     flush-pkt = "0000"    delim-pkt = "0001"    response-end-pkt = "0002"
 *
 * Specifications: gitprotocol-common(5), "pkt-line Format"; gitprotocol-v2(5), "Packet-Line Framing". "0003" is nothing,
 * "0004" an empty packet, which is not to be sent. More than "fff0" (65520) is too long.
 */
import { malformedBytes, outOfRange } from '../errors.js'
import { checkOneOf, checkOptions } from '../framing/checks.js'
import type { EncodedChunk, SteppedCodec } from '../framing/codec.js'
import { parseLength } from '../framing/parse.js'
import { checkPayloadLength, payloadBytes } from './text.js'

/** What {@link pktLine} reads. */
export type Packet =
  /** Some bytes. */
  | { readonly type: 'data'; readonly data: Uint8Array }
  /** The end of a message. */
  | { readonly type: 'flush' }
  /** The end of a section of it. */
  | { readonly type: 'delim' }
  /** The end of a response, over a connection that has no state. */
  | { readonly type: 'response-end' }

/** What {@link pktLine} writes: a string is sent as UTF-8. */
export type PacketToSend = Exclude<Packet, { type: 'data' }> | { readonly type: 'data'; readonly data: Uint8Array | string }

const LENGTH_DIGITS = 4
const MAX_PACKET_BYTES = 65_520
const MAX_DATA_BYTES = MAX_PACKET_BYTES - LENGTH_DIGITS

/** Packets that are nothing but their length. */
const SPECIAL: readonly Packet['type'][] = ['flush', 'delim', 'response-end']

/**
 * Git's packet lines, as `{ type, data? }`. A line feed at the end of the data is part of it.
 *
 * Errors: `ERR_FRAME_MALFORMED` for a length that is not four hexadecimal digits (of either case), and for `0003`;
 * `ERR_FRAME_TOO_LONG` for one above 65520. The encoder refuses data that is empty or has more than 65516 bytes.
 *
 * @example
 * ```ts
 * import { MessageScanner, pktLine } from 'asynchat/framing'
 *
 * const scanner = new MessageScanner(pktLine())
 * scanner.write(new TextEncoder().encode('0009done\n0000'))
 * for (let packet; (packet = scanner.read()) !== null; ) console.log(packet.type)
 * ```
 * ```text
 * data
 * flush
 * ```
 */
export function pktLine(): SteppedCodec<Packet, PacketToSend> {
  return {
    name: 'pktLine',

    *decode() {
      const digits = yield LENGTH_DIGITS
      const length = parseLength(digits, { radix: 16, leadingZeros: true, max: MAX_PACKET_BYTES })
      const special = SPECIAL[length]
      if (special !== undefined) return { type: special } as Packet
      if (length < LENGTH_DIGITS) throw malformedBytes('the length of a packet', digits)
      return { type: 'data', data: yield { until: length - LENGTH_DIGITS, maxFrameLength: MAX_DATA_BYTES } }
    },

    encode(packet: PacketToSend): EncodedChunk | EncodedChunk[] {
      const { type } = checkOptions('message', packet)
      checkOneOf('message.type', type, ['data', ...SPECIAL])
      if (packet.type !== 'data') return lengthOf(SPECIAL.indexOf(type))
      const data = payloadBytes('message.data', packet.data)
      if (data.length === 0) throw outOfRange('message.data', 'of at least 1 byte', 0)
      checkPayloadLength(data.length, MAX_DATA_BYTES)
      return [lengthOf(LENGTH_DIGITS + data.length), data]
    },
  }
}

function lengthOf(value: number): string {
  return value.toString(16).padStart(LENGTH_DIGITS, '0')
}
