/**
 * Messages with a header of named fields, and a body as long as its Content-Length says.
 *
 *     message = 1*( field CR LF ) CR LF body
 *     field   = name ":" SP value
 *     name    = 1*tchar                       RFC 9110 5.6.2; in either case
 *     value   = *( SP / HTAB / VCHAR )
 *
 * Specifications: Language Server Protocol 3.17, "Base Protocol", "Header Part"; Debug Adapter Protocol, "Base
 * protocol"; both after RFC 9112 2 and 5. Content-Length is required, is there once, and is digits only: two readers that
 * find different ones in the same bytes (RFC 9112 6.3, "request smuggling") see different messages.
 */
import { FramingError, invalidType, malformedBytes, outOfRange } from '../errors.js'
import { checkBoolean, checkLimit, checkOptions } from '../framing/checks.js'
import type { SteppedCodec } from '../framing/codec.js'
import { parseLength } from '../framing/parse.js'
import type { Terminator } from '../framing/terminator.js'
import { checkPayloadLength, decodeLatin1, encodeUtf8, payloadBytes } from './text.js'

/** Options of {@link headers}. */
export interface HeadersOptions {
  /** The longest header in bytes: all its lines with their ends. @defaultValue 8192 */
  readonly maxHeaderLength?: number
  /** The longest body in bytes. @defaultValue 8 MiB */
  readonly maxLength?: number
  /**
   * Exactly one space after a colon, none at the end of a line, as the specifications say. False: any number of spaces
   * and tabs there, none too. @defaultValue true
   */
  readonly strict?: boolean
}

/** What {@link headers} reads. */
export interface HeadersMessage {
  /** The fields by name, in lower case; Content-Length is one of them. */
  readonly headers: Map<string, string>
  readonly body: Uint8Array
}

/** What {@link headers} writes. */
export interface HeadersToSend {
  /** Other fields than Content-Length, which is put before them. If that is among them it has to be right. */
  readonly headers?: Iterable<readonly [name: string, value: string]> | undefined
  /** A string is sent as UTF-8. */
  readonly body: Uint8Array | string
}

const DEFAULT_MAX_HEADER_BYTES = 8192
const DEFAULT_MAX_BYTES = 8 * 1024 * 1024
const CONTENT_LENGTH = 'content-length'
const END_LENGTH = 2
const NAME = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/
const VALUE = /^[\t\x20-\x7e]*$/
const PADDING = /^[\t ]+|[\t ]+$/g

/**
 * Header fields and a body: the base protocol of LSP and DAP.
 *
 * Errors: `ERR_FRAME_TOO_LONG` for a header or a body above its limit; `ERR_FRAME_MALFORMED` for a line that is no field, a
 * name that comes twice, a Content-Length that is missing or is no length.
 *
 * @example
 * ```ts
 * import { MessageScanner, headers } from 'asynchat/framing'
 *
 * const scanner = new MessageScanner(headers())
 * scanner.write(new TextEncoder().encode('Content-Length: 2\r\nX-Trace: on\r\n\r\n{}'))
 * const message = scanner.read()
 * console.log(message?.headers.get('x-trace'), new TextDecoder().decode(message?.body))
 * ```
 * ```text
 * on {}
 * ```
 */
export function headers(options: HeadersOptions = {}): SteppedCodec<HeadersMessage, HeadersToSend> {
  const { maxHeaderLength = DEFAULT_MAX_HEADER_BYTES, maxLength = DEFAULT_MAX_BYTES, strict = true } = checkOptions('options', options)
  checkLimit('options.maxHeaderLength', maxHeaderLength)
  checkLimit('options.maxLength', maxLength)
  checkBoolean('options.strict', strict)
  const max = Math.min(maxLength, Number.MAX_SAFE_INTEGER)
  const line = { until: '\r\n', maxFrameLength: maxHeaderLength }

  function* readHeader(): Generator<Terminator, Map<string, string>, Uint8Array> {
    const fields = new Map<string, string>()
    let length = 0
    for (;;) {
      const bytes = yield line
      length += bytes.length + END_LENGTH
      if (length > maxHeaderLength) throw headerTooLong(maxHeaderLength, length)
      if (bytes.length === 0) return fields
      const [name, value] = fieldIn(bytes, strict)
      if (fields.has(name)) throw malformedBytes(`only one ${name}`, bytes)
      fields.set(name, value)
    }
  }

  return {
    name: 'headers',

    *decode() {
      const fields = yield* readHeader()
      const length = parseLength(encodeUtf8(fields.get(CONTENT_LENGTH) ?? ''), { max })
      const body = yield { until: length, maxFrameLength: Infinity }
      return { headers: fields, body }
    },

    encode(message: HeadersToSend): [string, Uint8Array] {
      const given = checkOptions('message', message)
      const body = payloadBytes('message.body', given.body)
      checkPayloadLength(body.length, max)
      const header = `Content-Length: ${body.length}\r\n${fieldLines(given.headers ?? [], body.length)}\r\n`
      if (header.length > maxHeaderLength) throw outOfRange('message.headers', `at most ${maxHeaderLength} bytes`, header.length)
      return [header, body]
    },
  }
}

function fieldIn(bytes: Uint8Array, strict: boolean): [name: string, value: string] {
  const text = decodeLatin1(bytes)
  const colon = text.indexOf(':')
  const name = text.slice(0, Math.max(0, colon))
  const after = text.slice(colon + 1)
  const value = after.replaceAll(PADDING, '')
  const isPadded = strict && after !== ` ${value}`
  if (!NAME.test(name) || !VALUE.test(value) || isPadded) throw malformedBytes('a header field "Name: value"', bytes)
  return [name.toLowerCase(), value]
}

function fieldLines(fields: Iterable<readonly [string, string]>, length: number): string {
  const names = new Set<string>()
  let text = ''
  for (const [name, value] of fields) {
    const key = checkField(name, value)
    if (names.has(key)) throw invalidType('message.headers', `with only one ${key}`, value)
    names.add(key)
    if (key !== CONTENT_LENGTH) text += `${name}: ${value}\r\n`
    else if (value !== String(length)) throw outOfRange('message.headers', `with a Content-Length of ${length}, or none`, value)
  }
  return text
}

function checkField(name: string, value: string): string {
  if (typeof name !== 'string' || !NAME.test(name)) throw invalidType('message.headers', 'with names that are tokens', name)
  const isValue = typeof value === 'string' && VALUE.test(value) && value === value.replaceAll(PADDING, '')
  if (!isValue) throw invalidType('message.headers', 'with values of visible ASCII, without spaces around them', value)
  return name.toLowerCase()
}

function headerTooLong(limit: number, length: number): FramingError {
  return new FramingError('ERR_FRAME_TOO_LONG', `Header is too long: the limit is ${limit} bytes, it has at least ${length}`, { limit, length })
}
