/**
 * STOMP 1.2 frames, and the heart-beats between them.
 *
 *     frame   = command EOL *( header EOL ) EOL *OCTET NUL *EOL
 *     header  = name ":" value                 in UTF-8; neither has a CR, LF or ":" in it, but as
 *     escape  = "\r" / "\n" / "\c" / "\\"      CR, LF, ":" and "\"; any other is an error
 *     EOL     = [CR] LF
 *
 * Specification: stomp.github.io, "STOMP Protocol Specification, Version 1.2": "Augmented BNF", "Value Encoding", "Body",
 * "Standard Headers", "Heart-beating". CONNECT and CONNECTED know no escapes, as in STOMP 1.0, so that their values may
 * have colons. With `content-length` the body is so many bytes and then NUL, else it ends with the first NUL. Of a header
 * that comes again the first counts, but two lengths that differ are malformed: two readers would read two bodies.
 */
import { FramingError, invalidType, malformedBytes, outOfRange } from '../errors.js'
import { checkBoolean, checkLimit, checkOptions } from '../framing/checks.js'
import { NO_BYTES } from '../framing/bytes.js'
import type { Decoding, EncodedChunk, SteppedCodec } from '../framing/codec.js'
import { expectBytes, parseLength } from '../framing/parse.js'
import { checkPayloadLength, decodeUtf8, encodeUtf8, payloadBytes } from './text.js'

/** Options of {@link stomp}. */
export interface StompOptions {
  /** Deliver heart-beats as {@link HEARTBEAT}. @defaultValue false */
  readonly heartbeats?: boolean
  /** Accept commands that STOMP 1.2 does not have, with a body or without. @defaultValue false */
  readonly anyCommand?: boolean
  /** Accept values with a `:` in them that is not escaped. @defaultValue false */
  readonly rawColons?: boolean
  /** The command and all headers in bytes, with their line ends. @defaultValue 16,384 */
  readonly maxHeaderLength?: number
  /** The longest body in bytes. @defaultValue 8 MiB */
  readonly maxLength?: number
}

/** A frame as it is read. */
export interface StompFrame {
  readonly command: string
  /** The first of each name. */
  readonly headers: ReadonlyMap<string, string>
  readonly body: Uint8Array
}

/** A frame to be written. */
export interface StompFrameToSend {
  readonly command: string
  /** Without `content-length`, which is written where there is a body; if it is among them it has to be right. */
  readonly headers?: Iterable<readonly [name: string, value: string]> | undefined
  /** A string is sent as UTF-8. */
  readonly body?: Uint8Array | string | undefined
}

/** An EOL between two frames: the peer lives. */
export const HEARTBEAT: unique symbol = Symbol.for('asynchat.HEARTBEAT')

const DEFAULT_MAX_HEADER_BYTES = 16_384
const DEFAULT_MAX_BYTES = 8 * 1024 * 1024
const NUL = '\0'
const CR = 0x0d

const WITH_BODY: ReadonlySet<string> = new Set(['SEND', 'MESSAGE', 'ERROR'])
const WITHOUT_ESCAPES: ReadonlySet<string> = new Set(['CONNECT', 'CONNECTED'])
const WITH_NEITHER = ['STOMP', 'SUBSCRIBE', 'UNSUBSCRIBE', 'ACK', 'NACK', 'BEGIN', 'COMMIT', 'ABORT', 'DISCONNECT', 'RECEIPT']
const COMMANDS: ReadonlySet<string> = new Set([...WITH_BODY, ...WITHOUT_ESCAPES, ...WITH_NEITHER])
const ANY_COMMAND = /^[^\0\r\n:\\]+$/
const CONTENT_LENGTH = 'content-length'
const WRONG_IN_LINE = /[\0\r]/
const ESCAPED: ReadonlyMap<string, string> = new Map([['\\r', '\r'], ['\\n', '\n'], ['\\c', ':'], ['\\\\', '\\']])
const ESCAPES: ReadonlyMap<string, string> = new Map(Array.from(ESCAPED, ([escape, meant]) => [meant, escape]))
/** What cannot be said without escapes; a colon only in a name. */
const UNSAYABLE = /[\0\r\n]/

/**
 * STOMP 1.2 frames as `{ command, headers, body }`.
 *
 * Errors: `ERR_FRAME_MALFORMED` for an unknown command, a line that is no header, an escape that is none, a length that is
 * none, a body where none may be (other frames than SEND, MESSAGE, ERROR), bytes between the body and its NUL;
 * `ERR_FRAME_TOO_LONG`. The encoder refuses what would be malformed.
 *
 * @example
 * ```ts
 * import { MessageScanner, stomp } from 'asynchat/framing'
 *
 * const scanner = new MessageScanner(stomp())
 * scanner.write(new TextEncoder().encode('\nSEND\ndestination:/queue/a\\cb\n\nhello\0'))
 * const frame = scanner.read()
 * if (typeof frame === 'object') console.log(frame?.command, frame?.headers.get('destination'), frame?.body.length)
 * ```
 * ```text
 * SEND /queue/a:b 5
 * ```
 */
export function stomp(options: StompOptions = {}): SteppedCodec<StompFrame | typeof HEARTBEAT, StompFrameToSend | typeof HEARTBEAT> {
  const checked = checkStompOptions(options)
  const { heartbeats, anyCommand, maxHeaderLength, maxLength } = checked
  const max = Math.min(maxLength, Number.MAX_SAFE_INTEGER)
  const line = { until: '\n', maxFrameLength: maxHeaderLength }
  const bodyToNul = { until: NUL, maxFrameLength: maxLength }
  const nul = { until: 1, maxFrameLength: 1 }

  function* readBody(length: number | undefined): Decoding<Uint8Array> {
    if (length === undefined) return yield bodyToNul
    const body = length === 0 ? NO_BYTES : yield { until: length, maxFrameLength: Infinity }
    expectBytes(yield nul, NUL)
    return body
  }

  return {
    name: 'stomp',

    *decode() {
      const first = yield line
      const command = lineIn(first)
      if (command === '') return heartbeats ? HEARTBEAT : undefined
      checkCommand(command, anyCommand)
      const headers = new Map<string, string>()
      for (let length = first.length + 1; ; ) {
        const bytes = yield line
        length += bytes.length + 1
        if (length > maxHeaderLength) throw tooLong(maxHeaderLength, length)
        const text = lineIn(bytes)
        if (text === '') break
        addHeader(headers, headerIn(text, bytes, WITHOUT_ESCAPES.has(command), checked.rawColons), bytes)
      }
      const declared = headers.get(CONTENT_LENGTH)
      const body = (yield* readBody(declared === undefined ? undefined : parseLength(encodeUtf8(declared), { max }))) as Uint8Array
      if (body.length > 0 && COMMANDS.has(command) && !WITH_BODY.has(command)) throw malformedBytes(`no body in ${command}`, body)
      return { command, headers, body }
    },

    encode(message): EncodedChunk | EncodedChunk[] {
      if (message === HEARTBEAT) return '\n'
      const { command, headers = [], body: given = NO_BYTES } = checkOptions('message', message)
      const isCommand = typeof command === 'string' && (COMMANDS.has(command) || (anyCommand && ANY_COMMAND.test(command)))
      if (!isCommand) throw invalidType('message.command', 'a command of STOMP 1.2', command)
      const body = payloadBytes('message.body', given)
      if (body.length > 0 && COMMANDS.has(command) && !WITH_BODY.has(command)) throw invalidType('message.body', `empty in ${command}`, given)
      checkPayloadLength(body.length, max)
      const header = encodeUtf8(`${command}\n${headerLines(headers, command, body.length)}\n`)
      if (header.length > maxHeaderLength) throw outOfRange('message.headers', `of at most ${maxHeaderLength} bytes`, header.length)
      return [header, body, NUL]
    },
  }
}

type CheckedOptions = Required<StompOptions>

function checkStompOptions(options: StompOptions): CheckedOptions {
  const { heartbeats = false, anyCommand = false, rawColons = false, maxHeaderLength = DEFAULT_MAX_HEADER_BYTES, maxLength = DEFAULT_MAX_BYTES } =
    checkOptions('options', options)
  return {
    heartbeats: checkBoolean('options.heartbeats', heartbeats),
    anyCommand: checkBoolean('options.anyCommand', anyCommand),
    rawColons: checkBoolean('options.rawColons', rawColons),
    maxHeaderLength: checkLimit('options.maxHeaderLength', maxHeaderLength),
    maxLength: checkLimit('options.maxLength', maxLength),
  }
}

/** Without the CR at its end, one at most. */
function lineIn(bytes: Uint8Array): string {
  const text = decodeUtf8(bytes.at(-1) === CR ? bytes.subarray(0, -1) : bytes)
  if (WRONG_IN_LINE.test(text)) throw malformedBytes('a line without CR or NUL', bytes)
  return text
}

function checkCommand(command: string, anyCommand: boolean): void {
  if (!COMMANDS.has(command) && !(anyCommand && ANY_COMMAND.test(command))) throw malformedBytes('a command of STOMP 1.2', encodeUtf8(command))
}

function headerIn(text: string, bytes: Uint8Array, isPlain: boolean, rawColons: boolean): [name: string, value: string] {
  const colon = text.indexOf(':')
  const name = text.slice(0, Math.max(0, colon))
  const value = text.slice(colon + 1)
  const hasColon = !isPlain && !rawColons && value.includes(':')
  if (name === '' || hasColon) throw malformedBytes('a header "name:value"', bytes)
  return isPlain ? [name, value] : [unescaped(name, bytes), unescaped(value, bytes)]
}

function unescaped(text: string, bytes: Uint8Array): string {
  return text.replaceAll(/\\.?/gs, (escape) => {
    const meant = ESCAPED.get(escape)
    if (meant === undefined) throw malformedBytes('the escapes \\r, \\n, \\c and \\\\ only', bytes)
    return meant
  })
}

function addHeader(headers: Map<string, string>, [name, value]: [string, string], bytes: Uint8Array): void {
  const first = headers.get(name)
  if (first === undefined) headers.set(name, value)
  else if (name === CONTENT_LENGTH && value !== first) throw malformedBytes('only one content-length', bytes)
}

function headerLines(headers: Iterable<readonly [string, string]>, command: string, length: number): string {
  const isPlain = WITHOUT_ESCAPES.has(command)
  let text = ''
  let hasLength = length === 0
  for (const [name, value] of headers) {
    if (typeof name !== 'string' || name === '') throw invalidType('message.headers', 'with names', name)
    if (typeof value !== 'string') throw invalidType('message.headers', 'with values that are strings', value)
    if (name === CONTENT_LENGTH && value !== String(length)) throw outOfRange('message.headers', `with a content-length of ${length}, or none`, value)
    hasLength ||= name === CONTENT_LENGTH
    text += `${escaped(name, isPlain, true)}:${escaped(value, isPlain, false)}\n`
  }
  return hasLength ? text : `${CONTENT_LENGTH}:${length}\n${text}`
}

function escaped(text: string, isPlain: boolean, isName: boolean): string {
  const isUnsayable = isPlain ? UNSAYABLE.test(text) || (isName && text.includes(':')) : text.includes(NUL)
  if (isUnsayable) throw invalidType('message.headers', isPlain ? 'without NUL, CR or LF, and with no colon in a name' : 'without NUL', text)
  return isPlain ? text : text.replaceAll(/[\r\n:\\]/g, (character) => ESCAPES.get(character) as string)
}

function tooLong(limit: number, length: number): FramingError {
  return new FramingError('ERR_FRAME_TOO_LONG', `Header is too long: the limit is ${limit} bytes, it has at least ${length}`, { limit, length })
}
