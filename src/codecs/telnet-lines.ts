/**
 * Lines of a telnet connection, with the commands in them taken out.
 *
 *     IAC IAC                       the byte 255
 *     IAC ( WILL / WONT / DO / DONT ) option
 *     IAC SB option *( byte / IAC IAC ) IAC SE
 *     IAC command                   236 to 249 without SE and SB
 *     CR LF                         the end of a line
 *     CR NUL                        the character CR
 *
 * Specification: RFC 854, RFC 855; RFC 1123 3.3.1. IAC is 255, SE 240, SB 250, WILL 251, WONT 252, DO 253, DONT 254.
 * Commands are no part of the line: they may be anywhere, between CR and LF too. A CR that is followed by anything else,
 * and a LF by itself, are errors unless an option says what they are.
 */
import { FramingError, invalidType, malformedBytes, outOfRange } from '../errors.js'
import { type BytesConstructor, classOf, inClass, isBytes } from '../framing/bytes.js'
import { checkBoolean, checkBytes, checkLimit, checkOneOf, checkOptions } from '../framing/checks.js'
import type { DecodeContext, SteppedCodec } from '../framing/codec.js'
import { expectBytes } from '../framing/parse.js'
import type { Terminator } from '../framing/terminator.js'
import { checkPayloadLength, decodeUtf8, payloadBytes } from './text.js'

/** Options of {@link telnetLines}. */
export interface TelnetLinesOptions {
  /** Deliver commands too, each when it comes, as a {@link TelnetCommand}. @defaultValue false */
  readonly commands?: boolean
  /** How bytes are text; null: lines are bytes. @defaultValue 'utf8' */
  readonly encoding?: 'utf8' | null
  /** What CR NUL is: the character CR, or the end of the line, as many a terminal sends it. @defaultValue 'data' */
  readonly crNul?: 'data' | 'end'
  /** What a CR is that neither LF nor NUL follows. @defaultValue 'error' */
  readonly bareCr?: 'error' | 'data'
  /** What a LF is that no CR precedes. @defaultValue 'error' */
  readonly bareLf?: 'error' | 'data' | 'end'
  /** The longest line in bytes, its end and commands not counted. @defaultValue 8192 */
  readonly maxLength?: number
  /** The longest subnegotiation in bytes. @defaultValue 8192 */
  readonly maxCommandLength?: number
}

/** A command in a telnet connection. */
export interface TelnetCommand {
  /** The byte after IAC: 236 to 254, without 240 (SE). */
  readonly command: number
  /** Of WILL, WONT, DO, DONT and SB. */
  readonly option?: number
  /** Of SB: what is between the option and IAC SE. */
  readonly data?: Uint8Array
}

/** A line, as text or bytes, or a command. */
export type TelnetMessage = string | Uint8Array | TelnetCommand

const DEFAULT_MAX_BYTES = 8192
const NUL = 0x00
const LF = 0x0a
const CR = 0x0d
const FIRST_COMMAND = 236
const SE = 240
const SB = 250
const LAST_COMMAND = 254
const IAC = 255
/** What is more than a byte of the line. */
const SPECIALS = [CR, LF, IAC] as const
const ONE = { until: 1, maxFrameLength: 1 }

/**
 * Telnet's lines, as strings, or as bytes with `encoding: null`; with `commands: true` its commands too.
 *
 * A command in the middle of a line is delivered before the line. A codec that is set then goes on after the command, and
 * the beginning of the line is gone.
 *
 * Errors: `ERR_FRAME_MALFORMED` for a bare CR or LF, a byte after IAC that is no command, SE without SB, bytes that are
 * not UTF-8; `ERR_FRAME_TOO_LONG`. The encoder doubles IAC, writes CR as CR NUL, and refuses a line with a LF in it, unless
 * `bareLf` is `'data'`, and one with a CR where `crNul` is `'end'`.
 *
 * @example
 * ```ts
 * import { MessageScanner, telnetLines } from 'asynchat/framing'
 *
 * const scanner = new MessageScanner(telnetLines({ commands: true }))
 * scanner.write(Uint8Array.of(0x68, 0xff, 0xfd, 0x01, 0x69, 0x0d, 0x0a))
 * console.log(scanner.read(), scanner.read())
 * ```
 * ```text
 * { command: 253, option: 1 } hi
 * ```
 */
export function telnetLines(options?: TelnetLinesOptions & { readonly commands?: false; readonly encoding?: 'utf8' }): SteppedCodec<string, TelnetMessage>
export function telnetLines(options: TelnetLinesOptions & { readonly encoding?: 'utf8' }): SteppedCodec<string | TelnetCommand, TelnetMessage>
export function telnetLines(options: TelnetLinesOptions & { readonly commands?: false; readonly encoding: null }): SteppedCodec<Uint8Array, TelnetMessage>
export function telnetLines(options: TelnetLinesOptions): SteppedCodec<TelnetMessage>
export function telnetLines(options: TelnetLinesOptions = {}): SteppedCodec<any, TelnetMessage> {
  const checked = checkTelnetOptions(options)
  const { commands, encoding, maxLength, maxCommandLength } = checked
  const part = { until: SPECIALS.map((byte) => Uint8Array.of(byte)), maxFrameLength: maxLength }
  const toIac = { until: Uint8Array.of(IAC), maxFrameLength: maxCommandLength }

  function* readCommand(code: number): Generator<Terminator, TelnetCommand, Uint8Array> {
    if (code < FIRST_COMMAND || code === SE) throw malformedBytes('a telnet command', Uint8Array.of(code))
    if (code < SB) return { command: code }
    const option = (yield ONE)[0] as number
    if (code !== SB) return { command: code, option }
    // An option 255 is doubled, as every byte 255.
    if (option === IAC) expectBytes(yield ONE, Uint8Array.of(IAC))
    return { command: code, option, data: yield* readSubnegotiation() }
  }

  function* readSubnegotiation(): Generator<Terminator, Uint8Array, Uint8Array> {
    const parts = new Parts('Subnegotiation', maxCommandLength)
    for (;;) {
      parts.add(yield toIac)
      const next = yield ONE
      if (next[0] === SE) return parts.take()
      if (next[0] !== IAC) throw malformedBytes('IAC or SE after IAC', next)
      parts.add(next)
    }
  }

  return {
    name: 'telnetLines',

    *decode(ctx: DecodeContext<any>) {
      const line = new NvtLine(checked)
      for (let isDone = false; !isDone; ) {
        // What a CR is, the byte after it tells.
        const { isAfterCr } = line
        const bytes = yield isAfterCr ? ONE : part
        if (!isAfterCr) line.content.add(bytes)
        const special = isAfterCr ? (bytes[0] as number) : (SPECIALS[ctx.matched] as number)
        const code = special === IAC ? ((yield ONE)[0] as number) : IAC
        if (code === IAC) {
          isDone = line.take(special)
        } else {
          const command = yield* readCommand(code)
          if (commands) ctx.emit(command)
          // No line has begun: the input may end here.
          if (line.isEmpty) return undefined
        }
      }
      const bytes = line.content.take()
      return encoding === null ? bytes : decodeUtf8(bytes)
    },

    encode(message): Uint8Array {
      if (typeof message === 'string' || isBytes(message)) return encodeLine(payloadBytes('message', message), checked)
      return encodeCommand(checkOptions('message', message), maxCommandLength)
    },
  }
}

type CheckedOptions = Required<TelnetLinesOptions>

function checkTelnetOptions(options: TelnetLinesOptions): CheckedOptions {
  const { commands = false, encoding = 'utf8', crNul = 'data', bareCr = 'error', bareLf = 'error', ...limits } = checkOptions('options', options)
  const { maxLength = DEFAULT_MAX_BYTES, maxCommandLength = DEFAULT_MAX_BYTES } = limits
  if (encoding !== null) checkOneOf('options.encoding', encoding, ['utf8'])
  return {
    commands: checkBoolean('options.commands', commands),
    encoding,
    crNul: checkOneOf('options.crNul', crNul, ['data', 'end']),
    bareCr: checkOneOf('options.bareCr', bareCr, ['error', 'data']),
    bareLf: checkOneOf('options.bareLf', bareLf, ['error', 'data', 'end']),
    maxLength: checkLimit('options.maxLength', maxLength),
    maxCommandLength: checkLimit('options.maxCommandLength', maxCommandLength),
  }
}

/** The bytes of a line without its commands, one that means something after the other. */
class NvtLine {
  readonly content: Parts
  isAfterCr = false
  readonly #options: CheckedOptions

  constructor(options: CheckedOptions) {
    this.#options = options
    this.content = new Parts('Line', options.maxLength)
  }

  /** Nothing of it is there. */
  get isEmpty(): boolean {
    return !this.isAfterCr && this.content.isEmpty
  }

  /** True: the line ends with it. */
  take(byte: number): boolean {
    if (!this.isAfterCr) return this.#takePlain(byte)
    const { crNul, bareCr } = this.#options
    this.isAfterCr = false
    if (byte === LF || (byte === NUL && crNul === 'end')) return true
    if (byte !== NUL && bareCr === 'error') throw malformedBytes('LF or NUL after CR', Uint8Array.of(byte))
    this.content.addByte(CR)
    return byte !== NUL && this.#takePlain(byte)
  }

  #takePlain(byte: number): boolean {
    const { bareLf } = this.#options
    if (byte === CR) {
      this.isAfterCr = true
      return false
    }
    if (byte === LF && bareLf === 'error') throw malformedBytes('CR before LF', Uint8Array.of(byte))
    const isEnd = byte === LF && bareLf === 'end'
    if (!isEnd) this.content.addByte(byte)
    return isEnd
  }
}

/** What comes in parts, and has a limit. */
class Parts {
  readonly #what: string
  readonly #limit: number
  readonly #parts: Uint8Array[] = []
  #length = 0
  /** Of the bytes that came. */
  #Bytes: BytesConstructor | null = null

  constructor(what: string, limit: number) {
    this.#what = what
    this.#limit = limit
  }

  get isEmpty(): boolean {
    return this.#length === 0
  }

  add(bytes: Uint8Array): void {
    this.#length += bytes.length
    if (this.#length > this.#limit) throw tooLong(this.#what, this.#limit, this.#length)
    if (bytes.length > 0) this.#parts.push(bytes)
    this.#Bytes ??= classOf(bytes)
  }

  /** A byte that stood for something else, or by itself, behind what came before it. */
  addByte(byte: number): void {
    this.add(Uint8Array.of(byte))
  }

  take(): Uint8Array {
    // Of a stretch of the input at least, if only an empty one.
    const Bytes = this.#Bytes as BytesConstructor
    const [first] = this.#parts
    if (first !== undefined && this.#parts.length === 1) return inClass(first, Bytes)
    const all = new Bytes(this.#length)
    let at = 0
    for (const part of this.#parts) {
      all.set(part, at)
      at += part.length
    }
    return all
  }
}

function encodeLine(line: Uint8Array, { bareLf, crNul, maxLength }: CheckedOptions): Uint8Array {
  checkPayloadLength(line.length, maxLength)
  if (bareLf !== 'data' && line.includes(LF)) throw invalidType('message', 'a line without LF in it', line)
  if (crNul === 'end' && line.includes(CR)) throw invalidType('message', 'a line without CR in it', line)
  const bytes: number[] = []
  for (const byte of line) {
    bytes.push(byte)
    if (byte === IAC) bytes.push(IAC)
    else if (byte === CR) bytes.push(NUL)
  }
  bytes.push(CR, LF)
  return Uint8Array.from(bytes)
}

function encodeCommand({ command, option, data }: TelnetCommand, maxLength: number): Uint8Array {
  const isCommand = isInteger(command, FIRST_COMMAND, LAST_COMMAND) && command !== SE
  if (!isCommand) throw outOfRange('message.command', `an integer from ${FIRST_COMMAND} to ${LAST_COMMAND} without ${SE}`, command)
  const hasOption = command >= SB
  if (hasOption ? !isInteger(option, 0, IAC) : option !== undefined) throw outOfRange('message.option', hasOption ? `an integer from 0 to ${IAC}` : 'undefined', option)
  if (command !== SB) {
    if (data !== undefined) throw invalidType('message.data', 'undefined', data)
    return Uint8Array.of(IAC, command, ...(hasOption ? [option as number] : []))
  }
  const { length } = checkBytes('message.data', data)
  if (length > maxLength) throw outOfRange('message.data', `of at most ${maxLength} bytes`, length)
  const doubled = [option as number, ...(data as Uint8Array)].flatMap((byte) => (byte === IAC ? [IAC, IAC] : [byte]))
  return Uint8Array.from([IAC, SB, ...doubled, IAC, SE])
}

function isInteger(value: unknown, min: number, max: number): value is number {
  return Number.isInteger(value) && (value as number) >= min && (value as number) <= max
}

function tooLong(what: string, limit: number, length: number): FramingError {
  return new FramingError('ERR_FRAME_TOO_LONG', `${what} is too long: the limit is ${limit} bytes, it has at least ${length}`, { limit, length })
}
