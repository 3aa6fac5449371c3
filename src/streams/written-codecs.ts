import type { Encoding } from '../framing/codec.js'

/** A codec that was set while messages before it were waiting. */
interface LaterCodec<Out> {
  readonly codec: Encoding<Out>
  /** How many messages had been written by then. */
  readonly writtenCount: number
}

/**
 * The codecs of a stream that encodes what is written to it: a message is encoded by the one that was set when it was
 * written, however long it waits.
 */
export class WrittenCodecs<Out> {
  #codec: Encoding<Out>
  /** Messages that `write()` took. */
  #writtenCount = 0
  #encodedCount = 0
  #later: LaterCodec<Out>[] = []

  constructor(codec: Encoding<Out>) {
    this.#codec = codec
  }

  /** Rules for the messages that are written from now on. */
  set(codec: Encoding<Out>): void {
    const writtenCount = this.#writtenCount
    // Of several between two messages the last one counts.
    this.#later = this.#later.filter((later) => later.writtenCount < writtenCount)
    this.#later.push({ codec, writtenCount })
  }

  /** `write()` took a message, which may have been encoded by now. */
  noteWritten(): void {
    this.#writtenCount++
  }

  /** The codec of the next message. */
  next(): Encoding<Out> {
    for (let later; (later = this.#later[0]) !== undefined && later.writtenCount <= this.#encodedCount; ) {
      this.#codec = later.codec
      this.#later.shift()
    }
    this.#encodedCount++
    return this.#codec
  }

  /** The codec that was set last: of what is said when nothing waits any more. */
  get last(): Encoding<Out> {
    return this.#later.at(-1)?.codec ?? this.#codec
  }
}
