/**
 * Lines of text.
 *
 *     line    = *octet end
 *     end     = CR LF          'crlf'         RFC 5321 2.3.8, RFC 9112 2.2, RFC 3912
 *             / LF             'lf'           POSIX, "line"
 *             / CR LF / LF     'crlf-or-lf'   what RFC 9112 2.2 lets a recipient accept
 *             / CR LF / LF / CR  'universal'  text files of any system
 *
 * Two programs that disagree on where a line ends can be made to see different messages in the same bytes: this is how
 * mails and requests are smuggled (CVE-2023-51764, CVE-2024-27305, CVE-2022-32214). So there is no default ending, and
 * a CR or LF that is no end is an error, unless `strict` is false: then it is a part of the line.
 */
import { invalidType, malformedBytes } from '../errors.js'
import { checkBoolean, checkBytes, checkLimit, checkOneOf, checkOptions } from '../framing/checks.js'
import type { DecodeContext, FrameCodec } from '../framing/codec.js'
import type { Terminator } from '../framing/terminator.js'
import { checkPayloadLength, decodeUtf8, encodeUtf8 } from './text.js'

const CR = 0x0d
const LF = 0x0a

/** What ends a line, see {@link lines}. */
export type LineEnding =
  /** CR LF and nothing else. */
  | 'crlf'
  /** LF; a CR is a character as any other. */
  | 'lf'
  /** CR LF, or LF alone. */
  | 'crlf-or-lf'
  /** CR LF, LF alone, or CR alone. */
  | 'universal'

/** Options of {@link lines}. */
export interface LinesOptions {
  /** What ends a line. There is no default: to choose it is to know the protocol. */
  readonly ending: LineEnding
  /**
   * Refuse a CR or LF that is no ending, and bytes that are no UTF-8. False: the first are a part of the line, the
   * second become U+FFFD; no other line than before ends there. @defaultValue true
   */
  readonly strict?: boolean
  /** How bytes are text; null: lines are bytes. @defaultValue 'utf8' */
  readonly encoding?: 'utf8' | null
  /** The longest line in bytes, its end not counted. @defaultValue the `maxFrameLength` of who reads, 1 MiB */
  readonly maxLength?: number
  /** What becomes of a last line that nothing ends: an error, or a line. @defaultValue 'error' */
  readonly tail?: 'error' | 'emit'
}

/**
 * Lines, as strings, or as bytes with `encoding: null`.
 *
 * Under `'universal'` a CR ends its line at once, and a LF that comes right after it is the rest of that end: a line is
 * never held back for a byte that may not come. A codec that is set between the two reads that LF.
 *
 * The encoder sends CR LF under `'crlf'` and `'crlf-or-lf'`, LF under the others. It refuses a line that holds a CR or LF
 * (under `'lf'`: a LF); with `strict: false` only one that would be read as two.
 *
 * @example
 * ```ts
 * import { MessageScanner, lines } from 'asynchat/framing'
 *
 * const scanner = new MessageScanner(lines({ ending: 'crlf' }))
 * scanner.write(new TextEncoder().encode('HELO there\r\nQUIT\r\n'))
 * console.log(scanner.read(), scanner.read(), scanner.read())
 * ```
 * ```text
 * HELO there QUIT null
 * ```
 */
export function lines(options: LinesOptions & { readonly encoding: null }): FrameCodec<Uint8Array>
export function lines(options: LinesOptions & { readonly encoding?: 'utf8' }): FrameCodec<string>
export function lines(options: LinesOptions): FrameCodec<string> | FrameCodec<Uint8Array>
export function lines(options: LinesOptions): FrameCodec<string> | FrameCodec<Uint8Array> {
  const { ending, strict = true, encoding = 'utf8', maxLength, tail = 'error' } = checkOptions('options', options)
  checkOneOf('options.ending', ending, ENDINGS)
  checkBoolean('options.strict', strict)
  if (encoding !== null) checkOneOf('options.encoding', encoding, ['utf8'])
  if (maxLength !== undefined) checkLimit('options.maxLength', maxLength)
  checkOneOf('options.tail', tail, ['error', 'emit'])
  const framing = { name: 'lines', terminator: limited(terminatorOf(ending, strict), maxLength), tail }
  const end = ending === 'crlf' || ending === 'crlf-or-lf' ? '\r\n' : '\n'
  const forbidden = forbiddenIn(ending, strict)
  const line = lineReader(ending, strict)
  const refusesCr = strict && end === '\r\n'
  if (encoding === null) {
    return {
      ...framing,
      parse(frame: Uint8Array, ctx: DecodeContext<Uint8Array>) {
        const bytes = line(frame, ctx)
        if (refusesCr && frame.includes(CR)) throw bare('CR', frame)
        return bytes
      },
      encode: bytesEncoder(end, forbidden, maxLength),
    }
  }
  return {
    ...framing,
    parse(frame: Uint8Array, ctx: DecodeContext<string>) {
      const bytes = line(frame, ctx)
      if (bytes === undefined) return undefined
      const text = decodeUtf8(bytes, strict)
      // Faster than to look for it in the bytes.
      if (refusesCr && text.includes('\r')) throw bare('CR', frame)
      return text
    },
    encode: textEncoder(end, forbidden, maxLength),
  }
}

const ENDINGS: readonly LineEnding[] = ['crlf', 'lf', 'crlf-or-lf', 'universal']

function terminatorOf(ending: LineEnding, strict: boolean): string | readonly string[] {
  if (ending === 'lf') return '\n'
  if (ending === 'universal') return ['\r', '\n']
  // Strict, a bare LF is to be seen when it comes, not at the CR LF after it, which may never come.
  return ending === 'crlf' && !strict ? '\r\n' : ['\r\n', '\n']
}

function limited(until: string | readonly string[], maxLength: number | undefined): Terminator {
  return maxLength === undefined ? until : { until, maxFrameLength: maxLength }
}

type Reader = (frame: Uint8Array, ctx: DecodeContext<never>) => Uint8Array | undefined

/** The line that a frame is, whatever CRs are in it; undefined: it is the rest of the end of the last one. */
function lineReader(ending: LineEnding, strict: boolean): Reader {
  if (ending === 'universal') return universalLine
  if (ending !== 'crlf' || !strict) return (frame) => frame
  return (frame, ctx) => {
    if (ctx.matched === 1) throw bare('LF', frame)
    return frame
  }
}

function bare(byte: 'CR' | 'LF', frame: Uint8Array): Error {
  return malformedBytes(`a line without bare ${byte}`, frame)
}

/** For each stream, where the CR was followed that ended its last line: a LF right there is no line. */
const afterCr = new WeakMap<DecodeContext<never>, number>()

const universalLine: Reader = (frame, ctx) => {
  if (ctx.ending !== 'terminator') return frame
  const isLf = ctx.matched === 1
  if (isLf && frame.length === 0 && afterCr.get(ctx) === ctx.offset) return undefined
  if (!isLf) afterCr.set(ctx, ctx.offset + frame.length + 1)
  return frame
}

/** What a line must not hold: it would be read as two, or, when strict, as none. */
type Forbidden = 'LF' | 'CR LF' | 'CR or LF'

function forbiddenIn(ending: LineEnding, strict: boolean): Forbidden {
  if (ending === 'lf' || (ending === 'crlf-or-lf' && !strict)) return 'LF'
  return ending === 'crlf' && !strict ? 'CR LF' : 'CR or LF'
}

const PATTERNS: Readonly<Record<Forbidden, RegExp>> = { LF: /\n/, 'CR LF': /\r\n/, 'CR or LF': /[\r\n]/ }

function textEncoder(end: string, forbidden: Forbidden, maxLength: number | undefined): (line: string) => string {
  const pattern = PATTERNS[forbidden]
  return (line) => {
    if (typeof line !== 'string') throw invalidType('message', 'a string', line)
    if (pattern.test(line)) throw holdsItsEnd(forbidden, line)
    if (maxLength !== undefined) checkPayloadLength(encodeUtf8(line).length, maxLength)
    return line + end
  }
}

function bytesEncoder(end: string, forbidden: Forbidden, maxLength = Infinity): (line: Uint8Array) => [Uint8Array, string] {
  return (line) => {
    checkBytes('message', line)
    if (holds(line, forbidden)) throw holdsItsEnd(forbidden, line)
    checkPayloadLength(line.length, maxLength)
    return [line, end]
  }
}

function holds(line: Uint8Array, forbidden: Forbidden): boolean {
  if (forbidden === 'CR or LF' && line.includes(CR)) return true
  let at = line.indexOf(LF)
  if (forbidden === 'CR LF') while (at !== -1 && line[at - 1] !== CR) at = line.indexOf(LF, at + 1)
  return at !== -1
}

function holdsItsEnd(forbidden: Forbidden, line: unknown): TypeError {
  return invalidType('message', `a line without ${forbidden} in it`, line)
}
