/**
 * The protocol of Redis, RESP2 and RESP3.
 *
 *     value     = type line [ bytes CR LF ]        line = *octet CR LF, without any other CR or LF
 *
 *     "+" text                 simple string       "_"                      null                 (RESP3)
 *     "-" text                 error               "#" ( "t" / "f" )        boolean              (RESP3)
 *     ":" [sign] digits        integer, 64 bits    "," double               inf, -inf, nan too   (RESP3)
 *     "$" length bytes         bulk string         "(" [sign] digits        big number           (RESP3)
 *     "$-1" / "*-1"            null                "!" length bytes         bulk error           (RESP3)
 *     "*" count values         array               "=" length 3octet ":" bytes  verbatim string  (RESP3)
 *                                                  "%" count 2values        map                  (RESP3)
 *                                                  "~" count values         set                  (RESP3)
 *                                                  ">" count values         push, at the top only (RESP3)
 *                                                  "|" count 2values value  attributes of the value (RESP3)
 *
 * Specification: redis.io, "Redis serialization protocol specification"; RESP3.md of antirez/RESP3 for what is only there.
 * Its streamed strings and aggregates (`$?`, `*?`), which no server sends, are malformed. Lengths and counts are digits
 * only; integers may have zeros in front.
 *
 * Theory of operation: `decode` takes what is at hand, walks through it, and gives back what is behind the message. Where
 * a line or a string is not whole in it, it is put back, and yielded for as a line or a count. So a command that came in one chunk
 * costs one step and not one for each of its lines, and one that came byte by byte is looked at once.
 */
import { outOfRange } from '../errors.js'
import { checkCount, checkLimit, checkOneOf, checkOptions } from '../framing/checks.js'
import { type DecodeContext, type Extent, NULL, type SteppedCodec } from '../framing/codec.js'
import { crlfLine, crlfRule } from './crlf.js'
import { ARRAY } from './resp-builder.js'
import { RespCommandReader } from './resp-command.js'
import { RespEncoder, type RespEncoderOptions } from './resp-encoder.js'
import { inlineArguments } from './resp-inline.js'
import { RespReader, type RespReaderOptions } from './resp-reader.js'
import { type RespMessage, RespPiece } from './resp-values.js'
import { decodeUtf8 } from './text.js'

/** Options of {@link resp}. */
export interface RespOptions {
  /** 2: what only RESP3 has is refused, read or written. @defaultValue 3 */
  readonly protocol?: 2 | 3
  /** How bulk strings are read: as text (what is not UTF-8 is malformed), or with null as bytes. @defaultValue null */
  readonly encoding?: 'utf8' | null
  /** How strings are written: bulk, as a client has to, or simple, as a server replies `OK`. @defaultValue 'bulk' */
  readonly strings?: 'bulk' | 'simple'
  /** Read what begins with no `*` as an inline command, as a server does, in a line that so ends. @defaultValue false */
  readonly inline?: 'crlf' | 'crlf-or-lf' | false
  /** Attributes: passed over, as a client should that has no use for them, or kept with their value. @defaultValue 'ignore' */
  readonly attributes?: 'ignore' | 'wrap'
  /** The longest message in bytes, all of it, but for what is streamed. @defaultValue 8 MiB */
  readonly maxLength?: number
  /** The longest line in bytes: a simple string, a number, an inline command. @defaultValue 65,536 */
  readonly maxLineLength?: number
  /** Values in values in values. @defaultValue 32 */
  readonly maxDepth?: number
  /** Values in a message. @defaultValue 1,048,576 */
  readonly maxItems?: number
  /**
   * Bulk strings of more bytes are delivered as they come: each piece is a {@link RespPiece}, all of them before the
   * message, which has a {@link RespStreamed} in their place. No limit is on their length. @defaultValue Infinity
   */
  readonly streamAbove?: number
}

/** What {@link resp} makes. */
export interface RespCodec extends SteppedCodec<RespMessage> {
  encode(message: RespMessage): string | (string | Uint8Array)[]
}

const DEFAULT_MAX_BYTES = 8 * 1024 * 1024
const DEFAULT_MAX_LINE_BYTES = 64 * 1024
const DEFAULT_MAX_DEPTH = 32
const DEFAULT_MAX_ITEM_COUNT = 1024 * 1024

/** What is there. */
const AT_HAND = { until: null, pieces: true, maxFrameLength: Infinity } as const
const END_LENGTH = 2
const LINE_END = { until: END_LENGTH, maxFrameLength: Infinity } as const

/**
 * Redis' RESP: commands and replies as values.
 *
 * | RESP | value |
 * |---|---|
 * | simple string | string |
 * | bulk string | bytes, or string with `encoding: 'utf8'` |
 * | integer, double | number; an integer that a number cannot hold: bigint |
 * | big number | bigint |
 * | error, bulk error | {@link RespError} |
 * | null, in each of its forms | `null`; as a message {@link NULL} |
 * | boolean, array, map, set | boolean, array, `Map`, `Set` |
 * | verbatim string, push, attributes | {@link RespVerbatim}, {@link RespPush}, {@link RespAttributed} |
 *
 * Errors: `ERR_FRAME_MALFORMED`, also for what is nested too deep; `ERR_FRAME_TOO_LONG` for what is above a limit, as soon
 * as it is declared. The encoder refuses what the protocol cannot say.
 *
 * @example
 * ```ts
 * import { MessageScanner, resp } from 'asynchat/framing'
 *
 * const codec = resp({ encoding: 'utf8' })
 * const scanner = new MessageScanner(codec)
 * scanner.write(new TextEncoder().encode('*2\r\n$3\r\nGET\r\n$1\r\nk\r\n+OK\r\n'))
 * console.log(scanner.read(), scanner.read(), JSON.stringify(codec.encode(['GET', 'k'])))
 * ```
 * ```text
 * [ 'GET', 'k' ] OK "*2\r\n$3\r\nGET\r\n$1\r\nk\r\n"
 * ```
 */
export function resp(options: RespOptions = {}): RespCodec {
  const checked = checkRespOptions(options)
  const line = crlfRule(checked.maxLineLength)
  const encoder = new RespEncoder(checked)
  const wholeReader = new RespReader(checked)
  const commandReader = checked.encoding === null ? new RespCommandReader(checked) : null

  return {
    name: 'resp',

    /** Hot. */
    *decode(ctx: DecodeContext<RespMessage>) {
      const chunk = yield AT_HAND
      if (checked.inline !== false && chunk[0] !== ARRAY) {
        ctx.pushBack(chunk)
        return inlineCommand(yield line, ctx.matched, checked)
      }
      const reader = new RespReader(checked)
      for (let need = reader.read(chunk); need !== 'nothing'; ) {
        const rest = reader.takeRest()
        if (rest.length > 0) ctx.pushBack(rest)
        switch (need) {
          case 'chunk':
            need = reader.read(yield AT_HAND)
            break
          case 'line':
            need = reader.readLine(crlfLine(yield line, ctx.matched))
            break
          case 'bytes':
            need = reader.readBytes(yield { until: reader.length + END_LENGTH, maxFrameLength: Infinity })
            break
          case 'pieces': {
            const bytes = { until: reader.length, maxFrameLength: Infinity, pieces: true }
            do ctx.emit(new RespPiece(yield bytes))
            while (ctx.ending === null)
            need = reader.endPieces(yield LINE_END)
            break
          }
        }
      }
      const rest = reader.takeRest()
      if (rest.length > 0) ctx.pushBack(rest)
      const { message } = reader
      return message === null ? NULL : message
    },

    readWhole(chunk: Uint8Array, at: number, extent: Extent): RespMessage | undefined {
      const command = commandReader?.read(chunk, at, extent)
      if (command !== undefined) return command
      return checked.inline !== false && chunk[at] !== ARRAY ? undefined : wholeReader.readWhole(chunk, at, extent)
    },

    encode: (message) => encoder.encode(message),
  }
}

interface CheckedOptions extends RespReaderOptions, RespEncoderOptions {
  readonly inline: 'crlf' | 'crlf-or-lf' | false
}

function checkRespOptions(options: RespOptions): CheckedOptions {
  const { protocol = 3, encoding = null, strings = 'bulk', inline = false, attributes = 'ignore', ...limits } = checkOptions('options', options)
  if (protocol !== 2 && protocol !== 3) throw outOfRange('options.protocol', '2 or 3', protocol)
  if (encoding !== null) checkOneOf('options.encoding', encoding, ['utf8'])
  if (inline !== false) checkOneOf('options.inline', inline, ['crlf', 'crlf-or-lf'])
  return {
    ...checkRespLimits(limits),
    protocol,
    encoding,
    strings: checkOneOf('options.strings', strings, ['bulk', 'simple']),
    inline,
    wraps: checkOneOf('options.attributes', attributes, ['ignore', 'wrap']) === 'wrap',
  }
}

type LimitName = 'maxLength' | 'maxLineLength' | 'maxDepth' | 'maxItems' | 'streamAbove'

function checkRespLimits(limits: Pick<RespOptions, LimitName>): Pick<CheckedOptions, LimitName> {
  const { maxLength = DEFAULT_MAX_BYTES, maxLineLength = DEFAULT_MAX_LINE_BYTES } = limits
  const { maxDepth = DEFAULT_MAX_DEPTH, maxItems = DEFAULT_MAX_ITEM_COUNT, streamAbove = Infinity } = limits
  return {
    maxLength: checkLimit('options.maxLength', maxLength),
    maxLineLength: checkLimit('options.maxLineLength', maxLineLength),
    maxDepth: checkCount('options.maxDepth', maxDepth),
    maxItems: checkLimit('options.maxItems', maxItems),
    streamAbove: checkLimit('options.streamAbove', streamAbove),
  }
}

/** Undefined for a blank line, which is no command. */
function inlineCommand(line: Uint8Array, matched: number, { inline, encoding }: CheckedOptions): RespMessage | undefined {
  const args = inlineArguments(inline === 'crlf-or-lf' && matched === 1 ? line : crlfLine(line, matched))
  if (args.length === 0) return undefined
  return encoding === null ? args : args.map((bytes) => decodeUtf8(bytes))
}
