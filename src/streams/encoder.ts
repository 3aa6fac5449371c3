import { Buffer } from 'node:buffer'
import type { TransformCallback, TransformOptions } from 'node:stream'
import { failureOf, invalidType } from '../errors.js'
import { checkOptions } from '../framing/checks.js'
import { type CodecSource, type EncodedChunk, type Encoding, checkCodec } from '../framing/codec.js'
import { IteratorPuller } from '../producers/pull-iterator.js'
import { END, type Puller } from '../producers/puller.js'
import { CHUNK_WANTED, isChunk, toBuffer } from '../producers/source.js'
import { Transform } from './base.js'
import { WrittenCodecs } from './written-codecs.js'

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
  readonly #codecs: WrittenCodecs<Out>
  /** A message of which parts are still to come. */
  #making: Puller | null = null
  /** Of who waits until more is wanted. */
  #onAsked: (() => void) | null = null

  constructor(codec: CodecSource<any, Out>, options: EncoderOptions = {}) {
    const { writableHighWaterMark = DEFAULT_MESSAGE_COUNT, readableHighWaterMark = DEFAULT_HIGH_WATER_MARK_BYTES, ...others } =
      checkOptions('options', options)
    super({ ...others, writableObjectMode: true, writableHighWaterMark, readableHighWaterMark })
    this.#codecs = new WrittenCodecs(checkCodec('codec', codec))
  }

  /** Another codec encodes the messages that are written from now on. */
  setCodec(codec: CodecSource<any, Out>): void {
    this.#codecs.set(checkCodec('codec', codec))
  }

  override write(message: Out, done?: (error: Error | null | undefined) => void): boolean
  override write(message: Out, encoding: BufferEncoding, done?: (error: Error | null | undefined) => void): boolean
  override write(message: Out, ...others: any[]): boolean {
    const takesMore = super.write(message, ...others)
    this.#codecs.noteWritten()
    return takesMore
  }

  override _transform(message: Out, _encoding: BufferEncoding, done: TransformCallback): void {
    let chunks: ReturnType<typeof encoded>
    try {
      chunks = encoded(this.#codecs.next(), message)
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

  /** A message that is made as it goes: no faster than it is read. */
  async #pass(chunks: AsyncIterable<EncodedChunk>, done: TransformCallback): Promise<void> {
    const parts = new IteratorPuller(chunks, Symbol.asyncIterator)
    let failure: Error | null = null
    this.#making = parts
    try {
      // oxlint-disable-next-line no-await-in-loop -- one part after the other, and none that is not wanted
      for (let part; (part = parts.read(await parts.pull())) !== END; ) {
        if (this.destroyed) return
        if (!isChunk(part)) parts.release()
        // oxlint-disable-next-line no-await-in-loop -- the same
        if (!this.push(checkedBuffer(part))) await this.#asked()
        if (this.destroyed) return
      }
    } catch (error) {
      failure = failureOf(error)
    }
    this.#making = null
    done(failure)
  }

  #asked(): Promise<void> {
    return new Promise((resolve) => {
      this.#onAsked = resolve
    })
  }

  override _read(size: number): void {
    this.#goOn()
    super._read(size)
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#goOn()
    this.#making?.release()
    super._destroy(error, done)
  }

  #goOn(): void {
    const onAsked = this.#onAsked
    this.#onAsked = null
    onAsked?.()
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
