import type { Encoding } from '../framing/codec.js'
import { Fifo } from '../producers/fifo.js'

/** A codec that was set while messages before it were waiting. */
interface LaterCodec<Out> {
  codec: Encoding<Out>
  /** How many messages had been written by then. */
  readonly writtenCount: number
}

/**
 * The codecs of a stream that encodes what is written to it: a message is encoded by the one that was set when it was
 * written, however long it waits.
 */
export class WrittenCodecs<Out> {
  #codec: Encoding<Out>
  /** The one that was set last. */
  #last: LaterCodec<Out>
  /** Messages that `write()` took. */
  #writtenCount = 0
  #encodedCount = 0
  readonly #later = new Fifo<LaterCodec<Out>>()

  constructor(codec: Encoding<Out>) {
    this.#codec = codec
    this.#last = { codec, writtenCount: 0 }
  }

  /** Rules for the messages that are written from now on. */
  set(codec: Encoding<Out>): void {
    const writtenCount = this.#writtenCount
    // Of several between two messages the last one counts.
    if (!this.#later.isEmpty() && this.#last.writtenCount === writtenCount) {
      this.#last.codec = codec
    } else {
      this.#last = { codec, writtenCount }
      this.#later.push(this.#last)
    }
  }

  /** `write()` took a message, which may have been encoded by now. */
  noteWritten(): void {
    this.#writtenCount++
  }

  /** The codec of the next message. */
  next(): Encoding<Out> {
    while (!this.#later.isEmpty() && this.#later.first().writtenCount <= this.#encodedCount) {
      this.#codec = this.#later.first().codec
      this.#later.pop()
    }
    this.#encodedCount++
    return this.#codec
  }

  /** The codec that was set last: of what is said when nothing waits any more. */
  get last(): Encoding<Out> {
    return this.#last.codec
  }
}
