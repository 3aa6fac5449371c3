import { invalidType } from '../errors.js'
import { checkCount } from '../framing/checks.js'
import { CHUNK_WANTED, type Chunk, isChunk, toBuffer } from './source.js'

const DEFAULT_BUFFER_BYTES = 512

/**
 * A producer of a string (as UTF-8) or of bytes, in pieces.
 *
 * The pieces are views of `data`, which is not copied. To send bytes no producer is needed, they can be enqueued
 * as they are; this one bounds how much goes out at a time. asynchat: `simple_producer`.
 *
 * @example
 * ```ts
 * import { SimpleProducer } from 'asynchat'
 *
 * const producer = new SimpleProducer('hello', 3)
 * console.log(String(producer.more()), String(producer.more()), producer.more())
 * ```
 * ```text
 * hel lo null
 * ```
 */
export class SimpleProducer {
  #rest: Buffer
  readonly #bufferSize: number

  /**
   * @param data what to produce; anything but a string or bytes is a `TypeError`
   * @param bufferSize bytes in each piece but the last, an integer from 1 on (else a `RangeError`). Default: 512
   */
  constructor(data: Chunk, bufferSize: number = DEFAULT_BUFFER_BYTES) {
    if (!isChunk(data)) throw invalidType('data', CHUNK_WANTED, data)
    this.#bufferSize = checkCount('bufferSize', bufferSize)
    this.#rest = toBuffer(data)
  }

  /** The next piece, or null when all of it has been given. */
  more(): Buffer | null {
    if (this.#rest.length === 0) return null
    const piece = this.#rest.subarray(0, this.#bufferSize)
    this.#rest = this.#rest.subarray(this.#bufferSize)
    return piece
  }
}
