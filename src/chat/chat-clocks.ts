import { FrameDeadline } from '../streams/frame-deadline.js'
import type { TimeoutKind } from './chat-options.js'

/** What the clocks have to know of a channel. */
export interface ClockState {
  /** Whether time passes for the peer: not while a hook is pending, nor while we do not read. */
  readonly waitsForPeer: boolean
  /** Whether the rest of a frame is waited for. */
  readonly waitsForFrame: boolean
  /** Which frame that is. */
  readonly frameCount: number
  readonly idleTimeout: number
  readonly frameTimeout: number
}

/** The two clocks of a channel: how long no byte came or went, and how long a frame takes. */
export class ChatClocks {
  readonly #idle: FrameDeadline
  readonly #frame: FrameDeadline
  #awaitedFrame = 0

  constructor(onLate: (kind: TimeoutKind) => void) {
    this.#idle = new FrameDeadline(() => {
      this.#idle.reset()
      onLate('idle')
    })
    this.#frame = new FrameDeadline(() => {
      this.#frame.reset()
      onLate('frame')
    })
  }

  /** A byte came or went. */
  touch(): void {
    this.#idle.reset()
  }

  /** Lets the clocks run or stand, as things are. */
  watch({ waitsForPeer, waitsForFrame, frameCount, idleTimeout, frameTimeout }: ClockState): void {
    if (waitsForPeer && idleTimeout > 0) this.#idle.run(idleTimeout)
    else this.#idle.stop()
    if (this.#awaitedFrame !== frameCount) this.#frame.reset()
    this.#awaitedFrame = frameCount
    if (waitsForFrame && frameTimeout > 0) this.#frame.run(frameTimeout)
    else this.#frame.stop()
  }

  /** The channel is over. */
  stop(): void {
    this.#idle.reset()
    this.#frame.reset()
  }
}
