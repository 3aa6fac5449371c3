import { Buffer } from 'node:buffer'
import type { TransformCallback, TransformOptions } from 'node:stream'
import { failureOf, invalidType } from '../errors.js'
import { checkOptions } from '../framing/checks.js'
import { type CodecSource, type EncodedChunk, type Encoding, checkCodec } from '../framing/codec.js'
import { CHUNK_WANTED, isChunk, toBuffer } from '../producers/source.js'
import { Transform } from './base.js'

/** Options of an {@link Encoder}. */
export type EncoderOptions = Pick<TransformOptions, 'signal' | 'autoDestroy' | 'writableHighWaterMark' | 'readableHighWaterMark'>

const DEFAULT_HIGH_WATER_MARK_BYTES = 65_536
const DEFAULT_MESSAGE_COUNT = 16
/** To copy so many costs more than to send them one by one. */
const LEAST_BYTES_IN_PARTS = 65_536

/**
 * The bytes of a message: whole, in parts where they are many, or as they are made. A message that is refused gives
 * none: it throws first.
 */
export function encoded<Out>(codec: Encoding<Out>, message: Out): Buffer | Buffer[] | AsyncIterable<EncodedChunk> {
  const chunks = codec.encode(message)
  if (isChunk(chunks)) return toBuffer(chunks)
  if (typeof chunks !== 'object' || chunks === null) throw wrongChunk(chunks)
  if (Symbol.asyncIterator in chunks) return chunks
  if (!(Symbol.iterator in chunks)) throw wrongChunk(chunks)
  return joined(chunks)
}

/** Texts that are next to each other become bytes together: most messages, and lists of them, are little else. Hot. */
function joined(chunks: Iterable<unknown>): Buffer | Buffer[] {
  const buffers: Buffer[] = []
  let text = ''
  let length = 0
  for (const chunk of chunks) {
    if (typeof chunk === 'string') {
      text += chunk
    } else {
      if (text !== '') buffers.push(Buffer.from(text))
      text = ''
      const buffer = checkedBuffer(chunk)
      buffers.push(buffer)
      length += buffer.length
    }
  }
  if (text !== '') buffers.push(Buffer.from(text))
  if (buffers.length === 1) return buffers[0] as Buffer
  return length < LEAST_BYTES_IN_PARTS ? Buffer.concat(buffers) : buffers
}

export function checkedBuffer(chunk: unknown): Buffer {
  if (!isChunk(chunk)) throw wrongChunk(chunk)
  return toBuffer(chunk)
}

function wrongChunk(chunk: unknown): TypeError {
  return invalidType('what a codec encodes to', CHUNK_WANTED, chunk)
}

/** A Transform from messages to bytes, as a codec says: see {@link encoder}, which makes one. */
export class Encoder<Out> extends Transform {
  #codec: Encoding<Out>

  constructor(codec: CodecSource<any, Out>, options: EncoderOptions = {}) {
    const { writableHighWaterMark = DEFAULT_MESSAGE_COUNT, readableHighWaterMark = DEFAULT_HIGH_WATER_MARK_BYTES, ...others } =
      checkOptions('options', options)
    super({ ...others, writableObjectMode: true, writableHighWaterMark, readableHighWaterMark })
    this.#codec = checkCodec('codec', codec)
  }

  /** Another codec encodes the messages that are written from now on. */
  setCodec(codec: CodecSource<any, Out>): void {
    this.#codec = checkCodec('codec', codec)
  }

  override _transform(message: Out, _encoding: BufferEncoding, done: TransformCallback): void {
    let chunks: ReturnType<typeof encoded>
    try {
      chunks = encoded(this.#codec, message)
    } catch (error) {
      done(failureOf(error))
      return
    }
    if (Buffer.isBuffer(chunks)) {
      done(null, chunks)
    } else if (Array.isArray(chunks)) {
      for (const chunk of chunks) this.push(chunk)
      done()
    } else void this.#pass(chunks, done)
  }

  async #pass(chunks: AsyncIterable<EncodedChunk>, done: TransformCallback): Promise<void> {
    let failure: Error | null = null
    try {
      for await (const chunk of chunks) {
        if (this.destroyed) return
        this.push(checkedBuffer(chunk))
      }
    } catch (error) {
      failure = failureOf(error)
    }
    done(failure)
  }
}

/**
 * A Transform from messages to bytes. A message that the codec refuses destroys it with the codec's error, and not a
 * byte of that message is written.
 *
 * @example
 * ```ts
 * import { encoder, netstring } from 'asynchat'
 *
 * const bytes = encoder(netstring())
 * bytes.write(Buffer.from('hello'))
 * bytes.end(Buffer.from('you'))
 * let text = ''
 * for await (const chunk of bytes) text += String(chunk)
 * console.log(text)
 * ```
 * ```text
 * 5:hello,3:you,
 * ```
 */
export function encoder<Out>(codec: CodecSource<any, Out>, options: EncoderOptions = {}): Encoder<Out> {
  return new Encoder(codec, options)
}
