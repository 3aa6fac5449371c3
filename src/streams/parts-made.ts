/** The parts of a message that is made as it is sent: they can be given up while one is awaited, and are released once. */
export class PartsMade<Part> implements AsyncIterableIterator<Part> {
  readonly #iterator: AsyncIterator<Part>
  #isOver = false

  constructor(parts: AsyncIterable<Part>) {
    this.#iterator = parts[Symbol.asyncIterator]()
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  async next(): Promise<IteratorResult<Part>> {
    let step: IteratorResult<Part> | null = null
    try {
      step = await this.#iterator.next()
      return step
    } finally {
      // What has failed, or is over, is not to be released.
      this.#isOver ||= step?.done !== false
    }
  }

  async return(): Promise<IteratorResult<Part>> {
    if (!this.#isOver) {
      this.#isOver = true
      await this.#iterator.return?.()
    }
    return { done: true, value: undefined }
  }

  /** As `return()`, of which nobody wants to know what it says. */
  async release(): Promise<void> {
    try {
      await this.return()
    } catch {}
  }
}
