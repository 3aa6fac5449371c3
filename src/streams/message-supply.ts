import type { MessageScanner } from '../framing/message-scanner.js'
import type { Supply } from './on-demand.js'
import { WriteGate } from './write-gate.js'

/** Messages on demand: takes one from the scanner when it is asked to. */
export class MessageSupply<Message> implements Supply<Message> {
  readonly gate: WriteGate
  readonly #scanner: MessageScanner<Message>
  readonly #onError: (error: Error) => void

  constructor(scanner: MessageScanner<Message>, onError: (error: Error) => void) {
    this.gate = new WriteGate(scanner)
    this.#scanner = scanner
    this.#onError = onError
  }

  get isEmpty(): boolean {
    const { bufferedLength, frameCount } = this.#scanner
    return this.gate.isEnding && this.gate.givenLength + bufferedLength + frameCount === 0
  }

  take(): Message | null {
    const { gate } = this
    while (!gate.isClosed) {
      const message = gate.isDry ? null : this.takePlain()
      if (message !== null) return message
      gate.isDry = true
      if (!gate.ask()) return null
    }
    return null
  }

  /** Hot: test/bench, rows of codecs. */
  takePlain(): Message | null {
    if (this.gate.isClosed) return null
    try {
      return this.#scanner.read()
    } catch (error) {
      this.#onError(error as Error)
      return null
    }
  }

  /** What fails behind the first one is left for the next batch: another codec may read it. */
  takeBatch(max: number): Message[] | null {
    const first = this.take()
    if (first === null) return null
    const batch = [first]
    while (batch.length < max) {
      const message = this.#attempt()
      if (message !== null) batch.push(message)
      else if (this.#scanner.hasFailed || !this.gate.askForWrites()) break
    }
    return batch
  }

  startOver(): void {
    this.gate.isDry = false
  }

  /** All that a message has read counts as unread until it is delivered: there is nothing to give back. */
  reclaim(): void {}

  #attempt(): Message | null {
    try {
      return this.#scanner.read()
    } catch {
      // The scanner says it again.
      return null
    }
  }
}
