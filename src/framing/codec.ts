import { invalidType } from '../errors.js'
import type { Ending } from './scan-state.js'
import { type Terminator, compileTerminator } from './terminator.js'

/** What an encoder gives: a string (sent as UTF-8) or bytes. */
export type EncodedChunk = string | ArrayBufferView | ArrayBuffer

/** What a codec's `decode` can ask and do beside reading frames. */
export interface DecodeContext<In> {
  /** How the frame just read ended; null while a frame read in pieces goes on. */
  readonly ending: Ending | null
  /** Which delimiter of a set ended it; 0 for a single one and for other endings. */
  readonly matched: number
  /** Position in the stream of its first byte. */
  readonly offset: number
  /** Puts bytes back: they come again, before the others. For a look ahead: bytes that this message has read. */
  pushBack(bytes: Uint8Array): void
  /** Delivers a message now, before this one is done. What it has read counts as done: the limit starts anew. */
  emit(message: In): void
}

/** A generator that reads one message: each terminator that it yields evaluates to that frame. */
export type Decoding<In> = Generator<Terminator, In | undefined | void, Uint8Array>

/** How messages are encoded. */
export interface Encoding<Out> {
  /** The bytes of a message, whole or in parts. Throws for what cannot be said in this protocol, before any byte of it. */
  encode(message: Out): EncodedChunk | Iterable<EncodedChunk> | AsyncIterable<EncodedChunk>
  /** Its name, for errors. */
  readonly name?: string | undefined
}

/** Where a message lies in its bytes: what comes before its content, the content, and what comes after. */
export interface Extent {
  before: number
  length: number
  after: number
}

/** Finds a message that is a stretch of the bytes, without reading it in steps. */
export interface Locator {
  /**
   * Finds the message that begins at `at`, where `chunk` holds what tells its length, and fills in `extent`; it may
   * reach past the chunk. False, with nothing done: `decode` has to read it.
   */
  locate(chunk: Uint8Array, at: number, extent: Extent): boolean
}

/** Reads a message that lies whole in the bytes at hand, without steps. */
export interface WholeReader<In> {
  /**
   * Reads the message that begins at `at`, if all of it is in `chunk`, and sets `extent.length` to the bytes that it
   * takes. Undefined, with nothing done: `decode` has to read it.
   */
  readWhole(chunk: Uint8Array, at: number, extent: Extent): In | undefined
}

/** A codec that reads a message in steps. */
export interface SteppedCodec<In, Out = In> extends Encoding<Out>, Partial<Locator>, Partial<WholeReader<In>> {
  /**
   * Reads one message. It is called when a byte of it is there. Returns it; undefined: it makes no message (a
   * heartbeat, a blank line). A message that is null is {@link NULL}.
   *
   * When the input ends inside the message, an {@link EndOfInput} is thrown where the next frame was awaited.
   */
  decode(ctx: DecodeContext<In>): Decoding<In>
  /**
   * A short cut for messages that are a stretch of the bytes: one that lies whole in a chunk is then read without a
   * generator. It answers false for what is wrong as well: `decode` says why. Where it answers true, `decode` has to
   * read the same bytes, and give the same message.
   */
  locate?(chunk: Uint8Array, at: number, extent: Extent): boolean
  /**
   * A short cut for all other messages, under the same terms: it reads one that lies whole in a chunk. What it has read
   * of one that does not, `decode` reads again.
   */
  readWhole?(chunk: Uint8Array, at: number, extent: Extent): In | undefined
}

/** A codec whose messages are the frames of one terminator: it costs no generator. */
export interface FrameCodec<In, Out = In> extends Encoding<Out> {
  /** What ends every message. */
  readonly terminator: Terminator
  /** What becomes of a last frame that the end of input cuts: an error, or a message. @defaultValue 'error' */
  readonly tail?: 'error' | 'emit' | undefined
  /** The message in a frame; undefined: none. */
  parse(frame: Uint8Array, ctx: DecodeContext<In>): In | undefined
}

/**
 * A protocol: how its messages are read, and how they are written.
 *
 * @example
 * ```ts
 * import { type Codec, MessageScanner, expectBytes, parseLength } from 'asynchat/framing'
 *
 * const netstring: Codec<Uint8Array> = {
 *   *decode() {
 *     const body = yield parseLength(yield { until: ':', maxFrameLength: 7 })
 *     expectBytes(yield 1, ',')
 *     return body
 *   },
 *   encode: (body) => [`${body.length}:`, body, ','],
 * }
 * const scanner = new MessageScanner(netstring)
 * scanner.write(new TextEncoder().encode('5:hello,3:you,'))
 * for (let body; (body = scanner.read()) !== null; ) console.log(new TextDecoder().decode(body))
 * ```
 * ```text
 * hello
 * you
 * ```
 */
export type Codec<In, Out = In> = SteppedCodec<In, Out> | FrameCodec<In, Out>

/** A codec, or what makes one for each stream: for a codec that remembers something from one message to the next. */
export type CodecSource<In, Out = In> = Codec<In, Out> | (() => Codec<In, Out>)

/** The message that is null, in protocols that have it: a stream of objects cannot carry null itself. */
export const NULL: unique symbol = Symbol.for('asynchat.NULL')

/** Thrown into a codec's `decode` where it awaits a frame and the input ends. It may catch it, and return a message. */
export class EndOfInput extends Error {
  /** The bytes of the frame that the end cut. */
  readonly bytes: Uint8Array

  constructor(bytes: Uint8Array) {
    super('The input ended inside a message')
    this.bytes = bytes
  }

  static {
    this.prototype.name = 'EndOfInput'
  }
}

/** No message is there. */
export const NOTHING: unique symbol = Symbol('nothing')

export function isFrameCodec<In>(codec: Codec<In, never>): codec is FrameCodec<In, never> {
  return 'terminator' in codec
}

/** The codec that was given, or made by what was given. Throws a `TypeError` that names it for what is none. */
export function checkCodec<In, Out>(name: string, given: CodecSource<In, Out>): Codec<In, Out> {
  const codec: unknown = typeof given === 'function' ? given() : given
  if (typeof codec !== 'object' || codec === null) throw invalidType(name, CODEC_WANTED, codec)
  const { terminator, decode, parse, encode } = codec as Record<string, unknown>
  const isOfFrames = isFrameCodec(codec as Codec<In, never>)
  const isComplete = typeof (isOfFrames ? parse : decode) === 'function' && typeof encode === 'function'
  if (!isComplete) throw invalidType(name, CODEC_WANTED, codec)
  if (isOfFrames) compileTerminator(terminator as Terminator, `${name}.terminator`)
  return codec as Codec<In, Out>
}

const CODEC_WANTED = 'a codec { decode, encode } or { terminator, parse, encode }, or a function that makes one'

/** Throws for null, which would end a stream. */
export function checkMessage<In>(message: In): In {
  if (message === null) throw new TypeError('A message must not be null: give NULL for it')
  return message
}
