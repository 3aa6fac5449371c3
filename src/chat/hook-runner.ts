import { isThenable } from '../producers/source.js'

/** What a hook gives back: nothing, or a promise that the channel waits for. */
export type HookResult = void | Promise<void>

/**
 * Runs hooks one at a time: the next one only when the last one's promise, if it gave one, has settled.
 *
 * Owns: whether a hook runs, and those that wait. Rules: hooks that wait go first in their own order; what else
 * there is to do is asked for by `onIdle`. A hook is never called from within another, whoever calls `schedule`.
 */
export class HookRunner {
  /** A hook runs, or its promise is pending. */
  isBusy = false
  readonly #onError: (error: Error) => void
  readonly #onIdle: () => void
  #waiting: (() => unknown)[] = []
  /** Those that go before all others. */
  #urgent: (() => unknown)[] = []

  constructor(onError: (error: Error) => void, onIdle: () => void) {
    this.#onError = onError
    this.#onIdle = onIdle
  }

  /** Puts a hook behind those that wait; it runs when `runNext()` comes to it. */
  add(hook: () => unknown): void {
    this.#waiting.push(hook)
  }

  /** Puts a hook before those that wait, behind others that were put there. */
  addUrgent(hook: () => unknown): void {
    this.#urgent.push(hook)
  }

  /** Runs the hook that waits longest. False: none does. Only while not busy. */
  runNext(): boolean {
    const hook = this.#urgent.shift() ?? this.#waiting.shift()
    if (hook === undefined) return false
    this.run(hook)
    return true
  }

  /** Runs a hook now. Only while not busy. Hot: test/bench, row `chat-lines`. */
  run(hook: () => unknown): void {
    this.isBusy = true
    let result: unknown
    try {
      result = hook()
    } catch (error) {
      this.isBusy = false
      this.#onError(asError(error))
      return
    }
    if (isThenable(result)) this.#await(result)
    else this.isBusy = false
  }

  /** Forgets those that wait: the channel is over. */
  clear(): void {
    this.#waiting = []
    this.#urgent = []
  }

  #await(promise: PromiseLike<unknown>): void {
    const settle = (): void => {
      this.isBusy = false
      this.#onIdle()
    }
    promise.then(settle, (error: unknown) => {
      this.isBusy = false
      this.#onError(asError(error))
      this.#onIdle()
    })
  }
}

/** Anything can be thrown; what handlers get is an Error. */
export function asError(error: unknown): Error {
  return error instanceof Error || isErrorLike(error) ? error : new Error('A hook threw what is no Error: see the cause', { cause: error })
}

/** An Error of another realm (a `vm` context, a test runner). */
function isErrorLike(error: unknown): error is Error {
  return Object.prototype.toString.call(error) === '[object Error]'
}
