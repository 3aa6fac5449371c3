import type { Readable } from 'node:stream'
import { invalidState } from '../errors.js'
import { finished } from './base.js'

/** An async iterator over frames, as `for await` uses it, and to be called by hand. */
export interface FrameIterator<T> extends AsyncIterableIterator<T, undefined, undefined> {
  next(): Promise<IteratorResult<T, undefined>>
  return(value?: undefined): Promise<IteratorResult<T, undefined>>
  throw(error?: unknown): Promise<IteratorResult<T, undefined>>
  [Symbol.asyncIterator](): FrameIterator<T>
  [Symbol.asyncDispose](): Promise<void>
}

/** What a stream offers to the iterator that reads it. */
export interface FrameSource<T> {
  readonly stream: Readable
  readonly autoDestroy: boolean
  /** Whether to destroy it at its end, as the stock iterator does: not what may still be written to. */
  readonly destroysAtEnd: boolean
  /** Takes the next frame (or batch) that is at hand, and asks for more input where there is none. */
  readonly take: () => T | null
  /** The iterator takes over: the stream cuts for nobody else. Throws when somebody else reads it. */
  attach(reader: FrameReader): void
  detach(): void
  /** A `next()` waits now. */
  wait(): void
}

/** What an iterator at work is to its stream. */
export interface FrameReader {
  /** Whether a `next()` waits. */
  readonly isWaiting: boolean
  /** There are bytes, or the end: answer those that wait. */
  serve(): void
}

/** A call that waits for its turn. */
interface Request<T> {
  resolve(result: IteratorResult<T, undefined>): void
  reject(error: unknown): void
  /** Of a `return()` or `throw()`: what to do when its turn comes. */
  readonly leave?: () => void
}

/**
 * Iterates a stream's frames straight from the bytes, without passing them through the stream's own buffer and events:
 * a frame costs a resolved promise.
 *
 * To the rest of the world it behaves as the stock iterator: `'end'` and `'close'` come after the last frame, an error
 * of the stream is thrown after the frames before it, leaving early destroys the stream, calls queue. Like the stock
 * one it listens for `'readable'` while it works: so the stream does not flow meanwhile, and may again afterwards.
 */
export class StreamFrameIterator<T> implements FrameIterator<T>, FrameReader {
  readonly #source: FrameSource<T>
  readonly #take: () => T | null
  readonly #destroyOnReturn: boolean
  /** Calls that wait, from `#firstRequest` on. */
  #requests: Request<T>[] = []
  #firstRequest = 0
  #phase: 'new' | 'reading' | 'over' = 'new'
  /** How the stream ended: null well, undefined not yet. */
  #end: Error | null | undefined
  #stopWatching: (() => void) | null = null

  constructor(source: FrameSource<T>, destroyOnReturn: boolean) {
    this.#source = source
    this.#take = source.take
    this.#destroyOnReturn = destroyOnReturn
  }

  get isWaiting(): boolean {
    return this.#firstRequest < this.#requests.length
  }

  /** Hot: test/bench, row `for-await`. */
  next(): Promise<IteratorResult<T, undefined>> {
    if (this.#phase === 'new') {
      try {
        this.#start()
      } catch (error) {
        this.#phase = 'over'
        return Promise.reject(error)
      }
    }
    const value = this.#phase === 'reading' && !this.isWaiting ? this.#take() : null
    return value === null ? this.#queue() : Promise.resolve({ done: false, value })
  }

  /** Ends the iteration, after the calls that wait; destroys the stream, unless told not to, or not begun. */
  return(value?: undefined): Promise<IteratorResult<T, undefined>> {
    return this.#queue((request) => {
      this.#stop(this.#destroyOnReturn)
      request.resolve({ done: true, value })
    })
  }

  /** As `return()`, and rejects with the error. */
  throw(error?: unknown): Promise<IteratorResult<T, undefined>> {
    return this.#queue((request) => {
      this.#stop(this.#source.autoDestroy)
      request.reject(error)
    })
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return()
  }

  serve(): void {
    while (this.isWaiting) {
      const { leave } = this.#requests[this.#firstRequest] as Request<T>
      const value = leave !== undefined || this.#phase === 'over' ? null : this.#take()
      if (leave !== undefined) {
        this.#shift()
        leave()
      } else if (value !== null) {
        this.#shift().resolve({ done: false, value })
      } else if (this.#phase === 'over') {
        this.#shift().resolve({ done: true, value: undefined })
      } else if (this.#end !== undefined) {
        this.#finish(this.#end)
      } else {
        this.#source.wait()
        return
      }
    }
  }

  /** A call takes its turn: at once, or when those before it are answered. */
  #queue(leave?: (request: Request<T>) => void): Promise<IteratorResult<T, undefined>> {
    return new Promise((resolve, reject) => {
      const request: Request<T> =
        leave === undefined ? { resolve, reject } : { resolve, reject, leave: () => leave(request) }
      const isFirst = !this.isWaiting
      this.#requests.push(request)
      if (isFirst) this.serve()
    })
  }

  /** Takes the oldest call. */
  #shift(): Request<T> {
    const request = this.#requests[this.#firstRequest++] as Request<T>
    if (this.#firstRequest * 2 > this.#requests.length) {
      this.#requests = this.#requests.slice(this.#firstRequest)
      this.#firstRequest = 0
    }
    return request
  }

  #start(): void {
    this.#source.attach(this)
    this.#phase = 'reading'
    this.#stopWatching = finished(this.#source.stream, { writable: false }, (error) => {
      this.#end = error ?? null
      this.serve()
    })
  }

  /** The stream is over, and a call waits for what comes after its last frame. */
  #finish(error: Error | null): void {
    const request = this.#shift()
    this.#stop(this.#source.autoDestroy && (error !== null || (this.#destroyOnReturn && this.#source.destroysAtEnd)))
    if (error === null) request.resolve({ done: true, value: undefined })
    else request.reject(error)
  }

  #stop(isDestroying: boolean): void {
    const wasReading = this.#phase === 'reading'
    this.#phase = 'over'
    if (!wasReading) return
    this.#source.detach()
    this.#stopWatching?.()
    if (isDestroying) this.#source.stream.destroy()
  }
}

/** The one error for a second consumer, from whatever call it comes. */
export function alreadyRead(): Error {
  return invalidState('the frames are being read already')
}
