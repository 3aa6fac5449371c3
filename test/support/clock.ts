/** The platform's clock and its timers, moved by hand. */
export class Clock {
  #nowMs = 1000
  readonly timers = new Map<object, { atMs: number; call: () => void }>()
  readonly #original = { setTimeout, clearTimeout, now: performance.now.bind(performance) }
  unrefCount = 0

  constructor() {
    const set = (call: () => void, delayMs: number): object => {
      const timer = { unref: () => this.unrefCount++ }
      this.timers.set(timer, { atMs: this.#nowMs + delayMs, call })
      return timer
    }
    const clear = (timer: object): void => {
      // A timer of the time before is the platform's.
      if (!this.timers.delete(timer)) this.#original.clearTimeout(timer as NodeJS.Timeout)
    }
    Object.assign(globalThis, { setTimeout: set, clearTimeout: clear })
    performance.now = () => this.#nowMs
  }

  pass(ms: number): void {
    this.#nowMs += ms
    for (const [timer, { atMs, call }] of this.timers) {
      if (atMs > this.#nowMs) continue
      this.timers.delete(timer)
      call()
    }
  }

  restore(): void {
    const { now, ...timers } = this.#original
    Object.assign(globalThis, timers)
    performance.now = now
  }
}
