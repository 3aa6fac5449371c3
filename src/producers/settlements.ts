import process from 'node:process'
import { Fifo } from './fifo.js'

/** Told once what became of a source: nothing, or why not all of it left the stream. */
export type SourceCallback = (error?: Error | null) => void

/** One object a source, for as long as it waits: a queue of 100,000 short ones is mostly this. */
interface Waiting {
  readonly callback: SourceCallback
  /** Called back when this many bytes have left the stream. */
  readonly end: number
  error: Error | null
}

/**
 * Calls back, once each, in the order in which the sources were enqueued, and never from inside a call of the
 * consumer or of a source: on the next tick.
 *
 * A source that was refused does not overtake one before it whose bytes are still there.
 */
export class Settlements {
  readonly #waiting = new Fifo<Waiting>()
  readonly #due = new Fifo<Waiting>()
  #isScheduled = false

  /** To be called back without an error once `end` bytes have left. */
  expect(callback: SourceCallback, end: number): void {
    this.#waiting.push({ callback, end, error: null })
  }

  /** To be called back with this error, after those before it. */
  refuse(callback: SourceCallback, error: Error): void {
    this.#waiting.push({ callback, end: 0, error })
  }

  /** So many bytes have left. */
  settle(leftLength: number): void {
    while (!this.#waiting.isEmpty() && this.#waiting.first().end <= leftLength) this.#settleFirst(null)
  }

  /** No more bytes will leave, for this reason. */
  fail(reason: Error): void {
    while (!this.#waiting.isEmpty()) this.#settleFirst(reason)
  }

  /** To be done after the callbacks that are due. */
  afterwards(action: () => void): void {
    this.#callLater({ callback: action, end: 0, error: null })
  }

  #callLater(due: Waiting): void {
    this.#due.push(due)
    if (this.#isScheduled) return
    this.#isScheduled = true
    process.nextTick(this.#run)
  }

  #settleFirst(reason: Error | null): void {
    const waiting = this.#waiting.first()
    this.#waiting.pop()
    waiting.error ??= reason
    this.#callLater(waiting)
  }

  readonly #run = (): void => {
    try {
      while (!this.#due.isEmpty()) {
        const { callback, error } = this.#due.first()
        this.#due.pop()
        if (error === null) callback()
        else callback(error)
      }
      this.#isScheduled = false
    } finally {
      // One threw, which is for the process to handle. The others are called all the same.
      if (this.#isScheduled) process.nextTick(this.#run)
    }
  }
}
