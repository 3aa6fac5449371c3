/**
 * A deadline for one frame after the other, on a clock that runs only while we wait for the peer.
 *
 * Owns: how long the frame at hand has been waited for, and the timer. A byte does not put the deadline off; a pause
 * of ours stops the clock and keeps what it shows.
 */
export class FrameDeadline {
  readonly #onLate: () => void
  #elapsedMs = 0
  #startedAtMs = 0
  #limitMs = 0
  #timer: NodeJS.Timeout | null = null

  constructor(onLate: () => void) {
    this.#onLate = onLate
  }

  /** We wait for the frame's next byte; the whole of it may take `limitMs`. */
  run(limitMs: number): void {
    if (this.#timer !== null && limitMs === this.#limitMs) return
    this.stop()
    this.#limitMs = limitMs
    this.#startedAtMs = performance.now()
    this.#timer = setTimeout(this.#onLate, Math.max(0, limitMs - this.#elapsedMs))
    this.#timer.unref()
  }

  /** We do not wait: the consumer is not ready, or the frame has not begun. */
  stop(): void {
    if (this.#timer === null) return
    clearTimeout(this.#timer)
    this.#timer = null
    this.#elapsedMs += performance.now() - this.#startedAtMs
  }

  /** The frame is there: the next one has all its time. */
  reset(): void {
    this.stop()
    this.#elapsedMs = 0
  }
}
