import { END, Puller } from './puller.js'
import { type Producer, isChunk } from './source.js'

/** Pulls a producer, for which an empty chunk is the end too. */
export class MorePuller extends Puller {
  readonly #producer: Producer

  constructor(producer: Producer) {
    super()
    this.#producer = producer
  }

  protected ask(): unknown {
    return this.#producer.more()
  }

  read(answer: unknown): unknown {
    if (answer === null || answer === undefined) return END
    if (!isChunk(answer)) return answer
    return (typeof answer === 'string' ? answer.length : answer.byteLength) === 0 ? END : answer
  }

  protected close(): unknown {
    return typeof this.#producer.return === 'function' ? this.#producer.return() : undefined
  }
}
