/**
 * The chunked transfer coding of HTTP/1.1: a body whose length is not known when it begins.
 *
 *     chunked-body = *chunk last-chunk trailer-section CRLF
 *     chunk        = chunk-size [ chunk-ext ] CRLF chunk-data CRLF
 *     chunk-size   = 1*HEXDIG
 *     last-chunk   = "0" [ chunk-ext ] CRLF
 *     chunk-ext    = *( ";" name [ "=" ( token / quoted-string ) ] )
 *     trailer      = *( name ":" OWS value OWS CRLF )
 *
 * Specification: RFC 9112 7.1; RFC 9110 5.5, 5.6 and 6.5. What two servers in a row read differently here lets one smuggle
 * requests past the other (CVE-2022-32214, CVE-2025-22871, CVE-2025-58056), so every line ends with CR LF, sizes are
 * hexadecimal digits without zeros in front, and nothing is around them. An extension could go on for ever while no byte
 * of the body comes (CVE-2024-22019), so all of them together have a limit, as the trailers have.
 */
import { FramingError, invalidType, lengthTooLong, malformedBytes, outOfRange } from '../errors.js'
import { checkBoolean, checkBytes, checkLimit, checkOneOf, checkOptions } from '../framing/checks.js'
import type { DecodeContext, EncodedChunk, SteppedCodec } from '../framing/codec.js'
import { parseLength } from '../framing/parse.js'
import type { Terminator } from '../framing/terminator.js'
import { crlfLine, crlfRule } from './crlf.js'
import { decodeLatin1 } from './text.js'

/** Options of {@link httpChunked}. */
export interface HttpChunkedOptions {
  /** Extensions of chunks: checked and passed over, as RFC 9112 7.1.1 asks of who knows none, or malformed. @defaultValue 'ignore' */
  readonly extensions?: 'ignore' | 'refuse'
  /** Accept spaces and tabs around the `;` and `=` of extensions: "bad white space", RFC 9110 5.6.3. @defaultValue false */
  readonly badWhitespace?: boolean
  /** Accept sizes with zeros in front, and `000` as the last one. @defaultValue false */
  readonly leadingZeros?: boolean
  /** The longest body in bytes. None of it is kept. @defaultValue Infinity */
  readonly maxLength?: number
  /** All extensions of a body together, in bytes. @defaultValue 16,384 */
  readonly maxExtensionLength?: number
  /** All trailers together, in bytes with their line ends. @defaultValue 16,384 */
  readonly maxTrailerLength?: number
}

/** What {@link httpChunked} reads and writes. */
export type HttpChunk =
  /** Some of the body: on reading what is at hand, on writing a chunk. Not empty. */
  | { readonly type: 'data'; readonly data: Uint8Array }
  /** The end of the body. Names as they came; the same may come more than once. */
  | { readonly type: 'end'; readonly trailers?: readonly (readonly [name: string, value: string])[] }

const DEFAULT_MAX_EXTENSION_BYTES = 16_384
const DEFAULT_MAX_TRAILER_BYTES = 16_384
const HEX = 16
const END_LENGTH = 2
/** Digits of the largest size, and then some: of a line that is too long only this much is read. */
const MAX_SIZE_DIGITS = 512

const TOKEN = "[!#$%&'*+\\-.^_`|~0-9A-Za-z]+"
const QUOTED = '"(?:[\\t \\x21\\x23-\\x5b\\x5d-\\x7e\\x80-\\xff]|\\\\[\\t \\x21-\\x7e\\x80-\\xff])*"'
const extensionFormat = (space: string): RegExp => new RegExp(`^(?:${space};${space}${TOKEN}(?:${space}=${space}(?:${TOKEN}|${QUOTED}))?)*$`)
const STRICT_EXTENSIONS = extensionFormat('')
const EXTENSIONS = extensionFormat('[\\t ]*')
const NAME = new RegExp(`^${TOKEN}$`)
const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/
const AROUND = /^[\t ]+|[\t ]+$/g
/** Fields that would change how the message is read, or where it goes: RFC 9110 6.5.1. */
const NO_TRAILERS: ReadonlySet<string> = new Set(['content-length', 'transfer-encoding', 'trailer', 'host', 'content-encoding', 'content-type', 'content-range'])

const SIZE_END = 0x21

/**
 * A body in HTTP's chunked coding: its bytes in pieces as they come, each a `data`, then `end`. Nothing is buffered; the
 * pieces are not the chunks. Set the codec of the next message when `end` is read. A body that the end of input cuts is
 * `ERR_FRAME_INCOMPLETE`.
 *
 * Errors: `ERR_FRAME_MALFORMED`; `ERR_FRAME_TOO_LONG` for what is above a limit. The encoder refuses a chunk without
 * bytes, which would be the end, and trailers that are no fields, or that a trailer must not be.
 *
 * @example
 * ```ts
 * import { MessageScanner, httpChunked } from 'asynchat/framing'
 *
 * const scanner = new MessageScanner(httpChunked())
 * scanner.write(new TextEncoder().encode('5\r\nhello\r\n0\r\nDigest: none\r\n\r\n'))
 * for (let chunk; (chunk = scanner.read()) !== null; ) console.log(chunk.type, chunk.type === 'data' ? chunk.data.length : chunk.trailers)
 * ```
 * ```text
 * data 5
 * end [ [ 'Digest', 'none' ] ]
 * ```
 */
export function httpChunked(options: HttpChunkedOptions = {}): SteppedCodec<HttpChunk> {
  const checked = checkHttpChunkedOptions(options)
  const { maxLength, maxTrailerLength, maxExtensionLength } = checked
  const sizeLine = crlfRule(MAX_SIZE_DIGITS + maxExtensionLength)
  const trailerLine = crlfRule(maxTrailerLength)
  const dataEnd = { until: END_LENGTH, maxFrameLength: Infinity }

  return {
    name: 'httpChunked',

    *decode(ctx: DecodeContext<HttpChunk>) {
      const sizes = new SizeReader(checked)
      for (let size; (size = sizes.read(crlfLine(yield sizeLine, ctx.matched))) > 0; ) {
        const data: Terminator = { until: size, pieces: true, maxFrameLength: Infinity }
        do ctx.emit({ type: 'data', data: yield data })
        while (ctx.ending === null)
        const end = yield dataEnd
        if (end[0] !== 0x0d || end[1] !== 0x0a) throw malformedBytes('"\\r\\n" after the chunk', end)
      }
      const trailers: [string, string][] = []
      for (let line, length = 0; (line = crlfLine(yield trailerLine, ctx.matched)).length > 0; ) {
        length += line.length + END_LENGTH
        if (length > maxTrailerLength) throw tooLong('Trailers are', maxTrailerLength, length)
        trailers.push(trailerIn(line))
      }
      return { type: 'end', trailers }
    },

    encode(message): EncodedChunk | EncodedChunk[] {
      const { type } = checkOptions('message', message)
      if (checkOneOf('message.type', type, ['data', 'end']) === 'end') return lastChunk((message as { trailers?: readonly [string, string][] }).trailers ?? [], maxTrailerLength)
      const { data } = message as { data: Uint8Array }
      const { length } = checkBytes('message.data', data)
      if (length === 0 || length > maxLength) throw outOfRange('message.data', `of 1 to ${maxLength} bytes`, length)
      return [`${length.toString(HEX)}\r\n`, data, '\r\n']
    },
  }
}

type CheckedOptions = Required<HttpChunkedOptions>

function checkHttpChunkedOptions(options: HttpChunkedOptions): CheckedOptions {
  const { extensions = 'ignore', badWhitespace = false, leadingZeros = false, maxLength = Infinity, ...limits } = checkOptions('options', options)
  const { maxExtensionLength = DEFAULT_MAX_EXTENSION_BYTES, maxTrailerLength = DEFAULT_MAX_TRAILER_BYTES } = limits
  return {
    extensions: checkOneOf('options.extensions', extensions, ['ignore', 'refuse']),
    badWhitespace: checkBoolean('options.badWhitespace', badWhitespace),
    leadingZeros: checkBoolean('options.leadingZeros', leadingZeros),
    maxLength: checkLimit('options.maxLength', maxLength),
    maxExtensionLength: checkLimit('options.maxExtensionLength', maxExtensionLength),
    maxTrailerLength: checkLimit('options.maxTrailerLength', maxTrailerLength),
  }
}

/** Reads the first lines of the chunks of a body, and adds up what its limits are about. */
class SizeReader {
  readonly #options: CheckedOptions
  #length = 0
  #extensionLength = 0

  constructor(options: CheckedOptions) {
    this.#options = options
  }

  /** The size of the chunk; 0: it is the last. */
  read(line: Uint8Array): number {
    const { leadingZeros, maxLength, maxExtensionLength } = this.#options
    const end = this.#sizeEnd(line)
    const max = Math.min(maxLength, Number.MAX_SAFE_INTEGER)
    const size = parseLength(line.subarray(0, end), { radix: HEX, leadingZeros, max })
    this.#length += size
    if (this.#length > max) throw lengthTooLong(max, this.#length)
    this.#extensionLength += line.length - end
    if (this.#extensionLength > maxExtensionLength) throw tooLong('Extensions are', maxExtensionLength, this.#extensionLength)
    if (end < line.length) this.#checkExtensions(line.subarray(end))
    return size
  }

  /** Where the digits end. */
  #sizeEnd(line: Uint8Array): number {
    const at = line.indexOf(0x3b)
    if (at === -1) return line.length
    let end = at
    if (this.#options.badWhitespace) while (end > 0 && (line[end - 1] as number) < SIZE_END) end--
    return end
  }

  #checkExtensions(bytes: Uint8Array): void {
    const { extensions, badWhitespace } = this.#options
    if (extensions === 'refuse') throw malformedBytes('a chunk without extensions', bytes)
    const format = badWhitespace ? EXTENSIONS : STRICT_EXTENSIONS
    if (!format.test(decodeLatin1(bytes))) throw malformedBytes('extensions ;name=value', bytes)
  }
}

function trailerIn(line: Uint8Array): [name: string, value: string] {
  const text = decodeLatin1(line)
  const colon = text.indexOf(':')
  const name = text.slice(0, Math.max(0, colon))
  const value = text.slice(colon + 1).replaceAll(AROUND, '')
  if (!NAME.test(name) || !VALUE.test(value)) throw malformedBytes('a trailer "Name: value"', line)
  return [name, value]
}

function lastChunk(trailers: Iterable<readonly [string, string]>, maxLength: number): Uint8Array {
  let text = ''
  for (const [name, value] of trailers) {
    if (typeof name !== 'string' || !NAME.test(name) || NO_TRAILERS.has(name.toLowerCase())) throw invalidType('message.trailers', 'with names that trailers may have', name)
    const isValue = typeof value === 'string' && VALUE.test(value) && value === value.replaceAll(AROUND, '')
    if (!isValue) throw invalidType('message.trailers', 'with values of visible characters, without spaces around them', value)
    text += `${name}: ${value}\r\n`
  }
  if (text.length > maxLength) throw outOfRange('message.trailers', `of at most ${maxLength} bytes`, text.length)
  // A character a byte: what is above ASCII is not UTF-8 here.
  return Uint8Array.from(`0\r\n${text}\r\n`, (character) => character.charCodeAt(0))
}

function tooLong(what: string, limit: number, length: number): FramingError {
  return new FramingError('ERR_FRAME_TOO_LONG', `${what} too long: the limit is ${limit} bytes, they have at least ${length}`, { limit, length })
}
