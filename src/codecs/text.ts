/** Text in frames, strictly: what several codecs read and write alike. */
import { invalidType, malformedBytes, outOfRange } from '../errors.js'
import { isBytes } from '../framing/bytes.js'

const encoder = new TextEncoder()
const strictDecoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
const lenientDecoder = new TextDecoder('utf-8', { ignoreBOM: true })

/** A byte order mark stays, as any other character. Not UTF-8: `ERR_FRAME_MALFORMED`, or U+FFFD where `strict` is false. */
export function decodeUtf8(bytes: Uint8Array, strict = true): string {
  if (!strict) return lenientDecoder.decode(bytes)
  try {
    return strictDecoder.decode(bytes)
  } catch (cause) {
    throw Object.assign(malformedBytes('UTF-8', bytes), { cause })
  }
}

const SHORT_LENGTH = 24

/** A short text in ASCII, which is made faster here than by a decoder; null for what is not. */
export function shortAscii(bytes: Uint8Array, from: number, to: number): string | null {
  if (to - from > SHORT_LENGTH) return null
  let text = ''
  for (let at = from; at < to; at++) {
    const byte = bytes[at] as number
    if (byte > 0x7f) return null
    text += String.fromCharCode(byte)
  }
  return text
}

export function encodeUtf8(text: string): Uint8Array {
  return encoder.encode(text)
}

/** One character a byte. For short texts: names, numbers. */
export function decodeLatin1(bytes: Uint8Array): string {
  let text = ''
  for (const byte of bytes) text += String.fromCharCode(byte)
  return text
}

/** The bytes of a payload that may be text. Throws a `TypeError` for anything else. */
export function payloadBytes(name: string, payload: unknown): Uint8Array {
  if (typeof payload === 'string') return encodeUtf8(payload)
  if (isBytes(payload)) return payload
  throw invalidType(name, 'a string or Uint8Array', payload)
}

/** Throws where a payload is longer than its receiver takes. */
export function checkPayloadLength(length: number, maxLength: number): void {
  if (length > maxLength) throw outOfRange('message.length', `at most ${maxLength} bytes`, length)
}
