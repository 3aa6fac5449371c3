/**
 * Blocks of lines that a line with a dot ends.
 *
 *     block    = *line "." CR LF
 *     line     = ["."] text CR LF      the dot is put before a line that begins with one, and taken away again
 *
 * Specifications: RFC 5321 4.1.1.4 and 4.5.2 (SMTP DATA), RFC 1939 3 (POP3), RFC 3977 3.1.1 (NNTP).
 *
 * Only CR LF "." CR LF ends a block, or "." CR LF at its very beginning. A receiver that took LF "." LF for the end as
 * well would find commands in the middle of a mail (SMTP smuggling: CVE-2023-51764, CVE-2023-51765, CVE-2023-51766, CVE-2024-27305).
 */
import { invalidType, malformedBytes } from '../errors.js'
import { classOf, sameBytes } from '../framing/bytes.js'
import { checkBoolean, checkLimit, checkOptions } from '../framing/checks.js'
import type { DecodeContext, SteppedCodec } from '../framing/codec.js'
import { checkPayloadLength, encodeUtf8, payloadBytes } from './text.js'

const CR = 0x0d
const LF = 0x0a
const DOT = 0x2e
const DOT_LINE = encodeUtf8('.\r\n')
const END = encodeUtf8('\r\n')
const END_LENGTH = END.length
const SHOWN_BEFORE = 10

/** Options of {@link dotBlock}. */
export interface DotBlockOptions {
  /** The longest block in bytes, as it is sent, the CR LF "." CR LF at its end not counted. @defaultValue 8 MiB */
  readonly maxLength?: number
  /**
   * Refuse a CR without LF and a LF without CR, read or written, and to write a block whose last line has no end.
   * False: the former are a part of the line, the latter is given an end. @defaultValue true
   */
  readonly strict?: boolean
}

const DEFAULT_MAX_BYTES = 8 * 1024 * 1024

/**
 * Blocks that end with a line of one dot, as bytes: their lines with their CR LFs, the dots taken out. An empty block is
 * no bytes. A string that is written is sent as UTF-8.
 *
 * Errors: `ERR_FRAME_TOO_LONG`, and `ERR_FRAME_MALFORMED` for a bare CR or LF, when the block ends.
 *
 * @example
 * ```ts
 * import { MessageScanner, dotBlock } from 'asynchat/framing'
 *
 * const scanner = new MessageScanner(dotBlock())
 * scanner.write(new TextEncoder().encode('Hello\r\n..dotted\r\n.\r\n'))
 * console.log(JSON.stringify(new TextDecoder().decode(scanner.read() ?? undefined)))
 * ```
 * ```text
 * "Hello\r\n.dotted\r\n"
 * ```
 */
export function dotBlock(options: DotBlockOptions = {}): SteppedCodec<Uint8Array, Uint8Array | string> {
  const { maxLength = DEFAULT_MAX_BYTES, strict = true } = checkOptions('options', options)
  checkLimit('options.maxLength', maxLength)
  checkBoolean('options.strict', strict)
  // The end of the last line is a part of what ends the block.
  const lines = { until: '\r\n.\r\n', maxFrameLength: maxLength }

  return {
    name: 'dotBlock',

    *decode(ctx: DecodeContext<Uint8Array>) {
      const start = yield DOT_LINE.length
      if (sameBytes(start, DOT_LINE)) return new (classOf(start))(0)
      ctx.pushBack(start)
      return unstuffed(yield lines, strict)
    },

    encode(message: Uint8Array | string): [Uint8Array, string] {
      const block = stuffed(payloadBytes('message', message), strict)
      checkPayloadLength(block.length - END_LENGTH, maxLength)
      return [block, '.\r\n']
    },
  }
}

/** The lines, without the dots before those that began with one, and with the end of the last one. */
function unstuffed(lines: Uint8Array, strict: boolean): Uint8Array {
  const bare = strict ? bareAt(lines) : -1
  if (bare !== -1) throw malformedBytes('no CR without LF and no LF without CR', lines.subarray(Math.max(0, bare - SHOWN_BEFORE)))
  const dots = lineDots(lines)
  const bytes = new (classOf(lines))(lines.length - dots.length + END_LENGTH)
  let from = 0
  dots.forEach((at, index) => {
    bytes.set(lines.subarray(from, at), from - index)
    from = at + 1
  })
  bytes.set(lines.subarray(from), from - dots.length)
  bytes.set(END, bytes.length - END_LENGTH)
  return bytes
}

/** The lines, with a dot before each that begins with one. */
function stuffed(lines: Uint8Array, strict: boolean): Uint8Array {
  if (lines.length === 0) return lines
  const isEnded = lines.at(-2) === CR && lines.at(-1) === LF
  if (strict && (!isEnded || bareAt(lines) !== -1)) throw invalidType('message', 'lines that end with CR LF, without any other CR or LF', lines)
  const dots = lineDots(lines)
  const bytes = new Uint8Array(lines.length + dots.length + (isEnded ? 0 : END_LENGTH))
  bytes.set(END, bytes.length - END_LENGTH)
  let from = 0
  dots.forEach((at, index) => {
    bytes.set(lines.subarray(from, at), from + index)
    bytes[at + index] = DOT
    from = at
  })
  bytes.set(lines.subarray(from), from + dots.length)
  return bytes
}

/** Where lines begin with a dot. */
function lineDots(lines: Uint8Array): number[] {
  const dots: number[] = []
  for (let at = lines.indexOf(DOT); at !== -1; at = lines.indexOf(DOT, at + 1)) {
    if (at === 0 || (lines[at - 1] === LF && lines[at - 2] === CR)) dots.push(at)
  }
  return dots
}

/** Where the first LF without a CR is, or else the first CR without a LF; -1: none. */
function bareAt(lines: Uint8Array): number {
  for (let at = lines.indexOf(LF); at !== -1; at = lines.indexOf(LF, at + 1)) if (lines[at - 1] !== CR) return at
  for (let at = lines.indexOf(CR); at !== -1; at = lines.indexOf(CR, at + 1)) if (lines[at + 1] !== LF) return at
  return -1
}
