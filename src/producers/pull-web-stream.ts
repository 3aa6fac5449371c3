import { END, Puller } from './puller.js'
import type { BlobLike, WebReadable } from './source.js'

type Reader = ReturnType<WebReadable['getReader']>

/** Pulls a web `ReadableStream`, which is locked from the start: nobody else is to take its chunks. */
export class WebStreamPuller extends Puller {
  readonly #reader: Reader

  constructor(stream: WebReadable) {
    super()
    this.#reader = stream.getReader()
  }

  protected ask(): unknown {
    return this.#reader.read()
  }

  read(answer: unknown): unknown {
    return readFrom(this.#reader, answer)
  }

  protected close(): unknown {
    return this.#reader.cancel()
  }
}

/** Pulls a `Blob`, which is opened when its turn comes. */
export class BlobPuller extends Puller {
  readonly #blob: BlobLike
  #reader: Reader | null = null

  constructor(blob: BlobLike) {
    super()
    this.#blob = blob
  }

  protected ask(): unknown {
    this.#reader ??= this.#blob.stream().getReader()
    return this.#reader.read()
  }

  read(answer: unknown): unknown {
    return readFrom(this.#reader as Reader, answer)
  }

  protected close(): unknown {
    return this.#reader?.cancel()
  }
}

function readFrom(reader: Reader, answer: unknown): unknown {
  const { done, value } = answer as { done: boolean; value?: unknown }
  if (!done) return value
  reader.releaseLock()
  return END
}
