import process from 'node:process'
import { channelClosed } from '../errors.js'
import { Fifo } from '../producers/fifo.js'
import { releaseSource } from '../producers/open-source.js'
import type { Source } from '../producers/source.js'
import { ProducerReadable } from '../streams/producer-readable.js'
import type { ChatTransport } from './chat-transport.js'

/** Called once, when a source has been written, or with the reason why it never will be. */
export type PushCallback = (error?: Error | null) => void

/** What a channel wants to know of its output. */
export interface OutputEvents {
  /** These bytes are about to be written. */
  onWrite(bytes: Buffer): void
  /** Bytes were written: fewer wait. */
  onWritten(): void
  /** All was written, after a `push` had said that it was enough for the time being. */
  onDrain(): void
  /** Somebody destroyed the queue. */
  onQueueLost(): void
  /** A source failed, and with it those behind it; what is pushed from now on goes out. */
  fail(error: Error): void
}

/** A source that has left the queue, and what its callback waits for. */
interface Departure {
  /** The write that took its last byte. */
  readonly write: number
  /** Why it never was written as a whole. */
  readonly error: Error | null
  readonly callback: PushCallback | undefined
  /** As many sources, of which nobody wants to be told. */
  count: number
}

/**
 * The way out: from the queue of producers to the transport.
 *
 * Owns: the queue, and what was taken from it and is not written. Rules: nothing is taken from the queue while the
 * transport has enough, so a source is asked for more only as fast as the peer takes it. A callback runs when the
 * transport's own has, in the order of the pushes. No write is longer than the high-water mark.
 */
export class ChatOutput {
  producers: ProducerReadable
  /** Sources that were neither written as a whole nor dropped on purpose. */
  unsent = 0
  readonly #events: OutputEvents
  readonly #highWaterMark: number
  #transport: ChatTransport | null = null
  /** The transport has enough. */
  #isFull = false
  /** Taken from the queue, and not given to the transport yet. */
  #rest: Buffer | null = null
  #writeCount = 0
  #writtenCount = 0
  /** Bytes given to the transport that it has not called back for. */
  #unwrittenLength = 0
  readonly #departures = new Fifo<Departure>()
  /** The last one of those that wait: one more like it is only counted. */
  #lastDeparture: Departure | null = null
  #wantsDrain = false
  /** The queue is to end; and what to do then. */
  #onEnd: ((transport: ChatTransport) => void) | null = null
  #isEnding = false
  #hasEnded = false
  /** Of `finish()`. */
  #onWritten: (() => void) | null = null
  #onFailure: ((error: Error) => void) | null = null
  /** Why no byte leaves any more. */
  #failure: Error | null = null

  constructor(highWaterMark: number, events: OutputEvents) {
    this.#highWaterMark = highWaterMark
    this.#events = events
    this.producers = this.#newQueue()
  }

  /** Bytes that were pushed and not written, but may be; a source of unknown size counts one high-water mark. */
  get queuedBytes(): number {
    return this.#failure === null ? this.producers.queuedLength + this.#takenLength : 0
  }

  /** As `queuedBytes`, but for the source that is next, where it does not know its length: it may have nothing yet. */
  get waitingBytes(): number {
    return this.#failure === null ? this.producers.waitingLength + this.#takenLength : 0
  }

  /** Whether bytes are with the transport that the peer has not taken. */
  get isStuck(): boolean {
    return this.#unwrittenLength > 0
  }

  get #takenLength(): number {
    return (this.#rest?.length ?? 0) + this.#unwrittenLength
  }

  /** Queues a source. False: it is enough for the time being, or nothing leaves any more. */
  push(source: Source, callback: PushCallback | undefined): boolean {
    if (this.#failure !== null || this.#isEnding) {
      releaseSource(source)
      this.#depart(this.#failure ?? channelClosed('The channel has ended its output'), callback)
      return false
    }
    this.producers.enqueue(source, callback === undefined ? this.#onDeparture : (error) => this.#depart(error ?? null, callback))
    this.unsent++
    if (this.queuedBytes <= this.#highWaterMark) return true
    this.#wantsDrain = true
    return false
  }

  /** Begins to write. */
  start(transport: ChatTransport): void {
    this.#transport = transport
    this.producers.on('data', this.#onData)
  }

  /** The transport can take more. */
  drain(): void {
    this.#isFull = false
    this.#writeOn()
  }

  /** Nothing can be pushed any more; when all was given to the transport, `onEnd` is called with it, once. Again: both are. */
  end(onEnd: (transport: ChatTransport) => void): void {
    const earlier = this.#onEnd
    this.#isEnding = true
    this.#onEnd = (transport) => {
      earlier?.(transport)
      onEnd(transport)
    }
    this.producers.closeWhenDone()
    this.#endIfDone()
  }

  /** As `end()`, and resolves when all was written too; rejects when it never will be. */
  finish(): Promise<ChatTransport> {
    return new Promise((resolve, reject) => {
      this.#onFailure = reject
      this.end((transport) => {
        this.#onWritten = () => resolve(transport)
        this.#finishIfWritten()
      })
      if (this.#failure !== null) reject(this.#failure)
    })
  }

  /** Drops the sources, not the bytes that left the queue. */
  discard(): void {
    this.producers.discard()
    this.#drainIfEmpty()
  }

  /** Nothing leaves any more: every source that was not written gets the error. */
  fail(error: Error): void {
    if (this.#failure !== null) return
    this.#failure = error
    this.#rest = null
    this.producers.destroy(error)
    this.#settle()
    this.#onFailure?.(error)
  }

  #newQueue(): ProducerReadable {
    const queue = new ProducerReadable({ highWaterMark: this.#highWaterMark })
    queue.on('end', () => {
      this.#hasEnded = true
      this.#endIfDone()
    })
    queue.on('close', () => {
      if (queue === this.producers && !this.#hasEnded && this.#failure === null) this.#events.onQueueLost()
    })
    queue.on('error', (error: Error) => {
      if (this.#failure === null) this.#replaceQueue(error)
    })
    return queue
  }

  /** A source failed. The channel may still say so to its peer: on a queue that is new. */
  #replaceQueue(error: Error): void {
    this.producers = this.#newQueue()
    if (this.#transport !== null) this.producers.on('data', this.#onData)
    if (this.#isFull) this.producers.pause()
    if (this.#isEnding) this.producers.closeWhenDone()
    this.#events.fail(error)
  }

  readonly #onData = (chunk: Buffer): void => {
    this.#rest = chunk
    this.#writeOn()
  }

  /** Gives the transport what was taken, and lets more come when that is done. */
  #writeOn(): void {
    while (this.#rest !== null && !this.#isFull) {
      const rest: Buffer = this.#rest
      const isLast = rest.length <= this.#highWaterMark
      this.#rest = isLast ? null : rest.subarray(this.#highWaterMark)
      this.#write(isLast ? rest : rest.subarray(0, this.#highWaterMark))
    }
    if (this.#isFull) this.producers.pause()
    else this.producers.resume()
    this.#endIfDone()
  }

  #write(bytes: Buffer): void {
    const { writable } = this.#transport as ChatTransport
    this.#events.onWrite(bytes)
    this.#writeCount++
    this.#unwrittenLength += bytes.length
    this.#isFull = !writable.write(bytes, (error) => {
      // A write that failed is the transport's error too, from which `fail()` comes.
      if (error) return
      this.#writtenCount++
      this.#unwrittenLength -= bytes.length
      this.#settle()
      this.#events.onWritten()
      this.#drainIfEmpty()
      this.#finishIfWritten()
    })
  }

  #finishIfWritten(): void {
    if (this.#unwrittenLength === 0) this.#onWritten?.()
  }

  /** A source left the queue: its callback waits for the writes that took its bytes, and for those before it. */
  #depart(error: Error | null, callback: PushCallback | undefined): void {
    const restWrites = Math.ceil((this.#rest?.length ?? 0) / this.#highWaterMark)
    const write = this.#writeCount + restWrites
    const last = this.#lastDeparture
    if (callback === undefined && last?.callback === undefined && last?.write === write && last.error === error) {
      last.count++
      return
    }
    this.#lastDeparture = { write, error, callback, count: 1 }
    this.#departures.push(this.#lastDeparture)
    this.#settle()
  }

  readonly #onDeparture = (error?: Error | null): void => this.#depart(error ?? null, undefined)

  #settle(): void {
    while (!this.#departures.isEmpty()) {
      const { write, error, callback, count } = this.#departures.first()
      const isWritten = write <= this.#writtenCount
      if (!isWritten && error === null && this.#failure === null) return
      this.#departures.pop()
      if (this.#departures.isEmpty()) this.#lastDeparture = null
      if (error === null ? isWritten : isDiscarded(error)) this.unsent -= count
      if (callback !== undefined) process.nextTick(callback, error ?? (isWritten ? null : this.#failure))
    }
    this.#drainIfEmpty()
  }

  #drainIfEmpty(): void {
    if (!this.#wantsDrain || this.queuedBytes > 0 || this.#failure !== null) return
    this.#wantsDrain = false
    this.#events.onDrain()
  }

  #endIfDone(): void {
    if (!this.#hasEnded || this.#rest !== null || this.#onEnd === null || this.#transport === null) return
    const onEnd = this.#onEnd
    this.#onEnd = null
    onEnd(this.#transport)
  }
}

/** Whether the source was dropped on purpose. */
function isDiscarded(error: Error): boolean {
  return (error as { code?: unknown }).code === 'ERR_DISCARDED'
}
