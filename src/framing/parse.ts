/** Strict readings of what frames hold: for codecs. Each failure is an `ERR_FRAME_MALFORMED`. */
import { lengthTooLong, malformedBytes } from '../errors.js'
import { sameBytes } from './bytes.js'

/** How {@link parseLength} reads. */
export interface ParseLengthOptions {
  /** 10, or 16 (digits of either case). @defaultValue 10 */
  readonly radix?: 10 | 16
  /** The largest that is accepted; a larger one is `ERR_FRAME_TOO_LONG`, as is what is above the default. @defaultValue Number.MAX_SAFE_INTEGER */
  readonly max?: number
  /** Zeros before the first other digit. @defaultValue false */
  readonly leadingZeros?: boolean
}

const encoder = new TextEncoder()

/**
 * A length as a peer writes it: digits and nothing else. No sign, no space, not empty, no zeros in front of it: what two
 * readers read differently hides one message in another.
 */
export function parseLength(frame: Uint8Array, options: ParseLengthOptions = {}): number {
  const { radix = 10, max = Number.MAX_SAFE_INTEGER, leadingZeros = false } = options
  const isPadded = frame.length > 1 && frame[0] === 0x30
  if (frame.length === 0 || (isPadded && !leadingZeros)) throw malformedBytes('a length', frame)
  let length = 0
  for (let index = 0; index < frame.length; index++) {
    const digit = digitOf(frame[index] as number)
    if (digit >= radix) throw malformedBytes('a length', frame)
    // Past what is exact it only has to stay too large.
    length = length * radix + digit
  }
  const most = Math.min(max, Number.MAX_SAFE_INTEGER)
  if (length > most) throw lengthTooLong(most, length)
  return length
}

/** Throws unless the frame is exactly these bytes. */
export function expectBytes(frame: Uint8Array, literal: string | Uint8Array): void {
  if (typeof literal !== 'string') {
    if (!sameBytes(frame, literal)) throw malformedBytes('other bytes', frame)
  } else if (!isAsciiText(frame, literal) && !sameBytes(frame, encoder.encode(literal))) {
    throw malformedBytes(JSON.stringify(literal), frame)
  }
}

/** Is it this text, and ASCII? As nearly always: encoding the text costs more than all the rest. */
function isAsciiText(bytes: Uint8Array, text: string): boolean {
  if (bytes.length !== text.length) return false
  for (let index = 0; index < text.length; index++) if (bytes[index] !== text.charCodeAt(index) || text.charCodeAt(index) > MAX_ASCII) return false
  return true
}

const MAX_ASCII = 0x7f

function digitOf(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30
  const letter = (byte | 0x20) - 0x61
  return letter >= 0 && letter < 26 ? letter + 10 : Infinity
}
