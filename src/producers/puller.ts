import { isThenable } from './source.js'

/** The answer of a source that is exhausted. */
export const END: unique symbol = Symbol('end')

/**
 * A source, of whatever kind, as the queue sees it: pulled for one answer at a time, and released at most once, only
 * if it is not pulled to its end.
 *
 * `pull()` gives the source's own answer, or a promise of it; `read()` says what it means: a value, or `END`.
 */
export abstract class Puller {
  #isPulling = false
  #isReleased = false

  /** Asks the source. What it throws comes out of here. */
  protected abstract ask(): unknown

  /** Tells the source that it will not be pulled again. What it throws, or rejects with, is ignored. */
  protected abstract close(): unknown

  /** The value in the source's answer, or `END`. */
  abstract read(answer: unknown): unknown

  pull(): unknown {
    this.#isPulling = true
    try {
      return this.ask()
    } finally {
      this.#isPulling = false
      if (this.#isReleased) quietly(() => this.close())
    }
  }

  /** From inside `pull()` the source is told after it has answered: a generator that runs cannot be closed. */
  release(): void {
    if (this.#isReleased) return
    this.#isReleased = true
    if (!this.#isPulling) quietly(() => this.close())
  }
}

/** Calls it, and lets nothing out: neither what it throws nor what its promise rejects with. */
function quietly(action: () => unknown): void {
  try {
    const outcome = action()
    if (isThenable(outcome)) Promise.resolve(outcome).catch(ignore)
  } catch {
    // The source is given up, and with it what it has to say.
  }
}

/** For a rejection that nobody waits for any more. */
function ignore(): void {}
