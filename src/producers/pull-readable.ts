import type { Readable } from 'node:stream'
import { NO_BYTES } from '../framing/bytes.js'
import { finished } from '../streams/base.js'
import { END, Puller } from './puller.js'

/**
 * Pulls a Readable. It is watched from the start, so that an error before its turn is kept for its turn; it is read
 * only in its turn, and only as much as is asked for.
 */
export class ReadablePuller extends Puller {
  readonly #stream: Readable
  #failure: Error | null = null
  #isEnded = false
  #isReading = false
  #wake: ((answer: unknown) => void) | null = null

  constructor(stream: Readable) {
    super()
    this.#stream = stream
    stream.on('end', this.#onEnd)
    const unwatch = finished(stream, { writable: false }, (error) => {
      // An error is watched for as long as one may come: there is no other listener that we know of.
      if (error === undefined || error === null) unwatch()
      else this.#failure = error
      this.#onChange()
    })
  }

  protected ask(): unknown {
    if (this.#isEnded || this.#stream.readableEnded) return this.#leave()
    if (this.#failure !== null) throw this.#failure
    if (!this.#isReading) {
      this.#isReading = true
      this.#stream.on('readable', this.#onChange)
    }
    const chunk: unknown = this.#stream.destroyed ? null : this.#stream.read()
    return chunk ?? new Promise((resolve) => void (this.#wake = resolve))
  }

  read(answer: unknown): unknown {
    return answer
  }

  protected close(): unknown {
    this.#leave()
    return this.#stream.destroy()
  }

  #leave(): typeof END {
    this.#stream.off('end', this.#onEnd)
    this.#stream.off('readable', this.#onChange)
    return END
  }

  readonly #onEnd = (): void => {
    this.#isEnded = true
    this.#onChange()
  }

  /** Something may be had: an answer without bytes makes the queue ask again. */
  readonly #onChange = (): void => {
    this.#wake?.(NO_BYTES)
    this.#wake = null
  }
}
