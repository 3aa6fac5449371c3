export type Callback = (error?: Error | null) => void

/** What a gate writes to. */
export interface Gated {
  readonly isEmpty: boolean
  write(chunk: Uint8Array): void
  end(): void
}

/**
 * The writable half of a splitter: hands what is written to the scanner, and holds the callback of the write until
 * its bytes are used up. That is the back-pressure: while a callback is held, writes wait in the stream's own buffer.
 *
 * Owns: the callback of the write (or flush) that waits, and whether anything can be cut from what is there.
 *
 * Rules: calling a held callback may bring the next write at once, before the call returns. Nothing is cut in there
 * (`isAsking`): a handler that wrote in that moment would write into a buffer that the stream is emptying.
 */
export class WriteGate {
  readonly #scanner: Gated
  /** The scanner gave all it has; until more comes, or another terminator. */
  isDry = true
  /** Inside `quietly()`: do not cut. */
  isAsking = false
  /** The last frame was delivered and the output ended, or the stream is destroyed. */
  isClosed = false
  /** Bytes that came by writes, all told. */
  givenLength = 0
  #writeDone: Callback | null = null
  #flushDone: Callback | null = null
  #lastLength = 0

  constructor(scanner: Gated) {
    this.#scanner = scanner
  }

  /** The end of input is there, and waits for the last frame to be asked for. */
  get isEnding(): boolean {
    return this.#flushDone !== null
  }

  write(chunks: readonly Uint8Array[], done: Callback): void {
    this.#writeDone = done
    this.#lastLength = 0
    for (const chunk of chunks) {
      this.#scanner.write(chunk)
      this.#lastLength += chunk.length
    }
    this.givenLength += this.#lastLength
    this.isDry = false
  }

  end(done: Callback): void {
    this.#flushDone = done
    this.#scanner.end()
    this.isDry = false
  }

  /** Asks for more: the bytes of the last write are used up. True: there is more at once. */
  ask(): boolean {
    const writeDone = this.#writeDone
    const flushDone = this.#flushDone
    this.#writeDone = null
    if (writeDone !== null) {
      this.#lastLength = 0
      this.quietly(writeDone)
    } else if (flushDone !== null) {
      this.#flushDone = null
      this.isClosed = true
      this.quietly(flushDone)
    }
    // An end that was there before and is left to ask for is more, too: a socket's end does not wait for its last bytes.
    return this.#writeDone !== null || this.#flushDone !== null
  }

  /** As `ask()`, and leaves the end of input for later. */
  askForWrites(): boolean {
    return this.#writeDone !== null && this.ask()
  }

  /** Does what may bring writes, of which nothing is to be cut before it is done. */
  quietly(action: () => void): void {
    const wasAsking = this.isAsking
    this.isAsking = true
    try {
      action()
    } finally {
      this.isAsking = wasAsking
    }
  }

  /** Asks as long as nothing at all is left of the writes that came. */
  askWhileEmpty(): void {
    while (this.#writeDone !== null && this.#scanner.isEmpty) this.ask()
  }

  /** Lets in what waits in the stream's own buffer, of which `writableLength` tells, and no write that comes of it. */
  letIn(writableLength: number): void {
    const end = this.givenLength + writableLength - this.#lastLength
    while (this.#writeDone !== null && this.givenLength < end) this.ask()
  }

  /** Nobody waits any more: the stream is destroyed. */
  close(): void {
    this.isClosed = true
    this.#writeDone = null
    this.#flushDone = null
  }
}
