/** Feeds a decoder and notes what it does. Judges nothing. */
import { sameValue } from './same-value.js'
import type { Decoder } from './subject.js'

/**
 * When chunks are written. `eager`: when nothing is left to read; `lazy`: all of them before the first read;
 * `re-entrant`: after each message too, while others may be left; `unread`: all of them, and the end, before the first read.
 */
export type Pace = 'eager' | 'lazy' | 're-entrant' | 'unread'

export interface Trace<In> {
  /** What was delivered, in order; after the error too. No more than one too many. */
  readonly messages: In[]
  /** Bytes that had been written when each was delivered; `Infinity`: the input had ended. */
  readonly at: number[]
  /** Whether each was as expected when it was delivered. */
  readonly wasRight: boolean[]
  failure: Failure | null
  /** Messages that came after the error, when good bytes were written to it. */
  readonly afterwards: In[]
  /** What no decoder may do, whatever its protocol. */
  breach: string | null
}

export interface Failure {
  readonly error: unknown
  /** Bytes written when it was thrown; `Infinity`: the input had ended. */
  readonly at: number
  /** Messages delivered before it. */
  readonly before: number
}

export interface Drive<In> {
  readonly expected: readonly In[]
  readonly pace?: Pace
  /** Whether the input ends. */
  readonly hasEnd?: boolean
  /** Good bytes, to be written after an error. */
  readonly probe?: Uint8Array
  /** Joins a piece to the one before it, where messages are pieces. */
  readonly merge?: Merge<In> | undefined
}

/** The two as one message; undefined: they are two. */
export type Merge<In> = (previous: In, next: In) => In | undefined

/** Thrown here, caught here. */
const BREACH = new Error('breach')

export function drive<In>(decoder: Decoder<In>, chunks: readonly Uint8Array[], options: Drive<In>): Trace<In> {
  const run = new Run(decoder, chunks, options)
  try {
    const { pace = 'eager' } = options
    if (pace === 'unread') run.writeAll()
    else run.feed(pace)
    if (options.hasEnd ?? true) run.end()
  } catch (error) {
    if (error !== BREACH) run.fail(error, options.probe)
  }
  return run.trace
}

class Run<In> {
  readonly trace: Trace<In> = { messages: [], at: [], wasRight: [], failure: null, afterwards: [], breach: null }
  readonly #decoder: Decoder<In>
  readonly #chunks: readonly Uint8Array[]
  readonly #options: Drive<In>
  #next = 0
  #position = 0

  constructor(decoder: Decoder<In>, chunks: readonly Uint8Array[], options: Drive<In>) {
    this.#decoder = decoder
    this.#chunks = chunks
    this.#options = options
  }

  writeAll(): void {
    while (this.#writeNext());
  }

  feed(pace: Pace): void {
    if (pace === 'lazy') this.writeAll()
    do {
      while (this.#readOne()) if (pace === 're-entrant') this.#writeNext()
      if (pace === 'eager' && this.#readOne())
        this.#breach('gives null although a message is there: the next read() gives it')
    } while (!this.#isFull && this.#writeNext())
  }

  end(): void {
    if (this.#isFull) return
    this.#position = Infinity
    this.#checkSynchronous(this.#decoder.end())
    while (this.#readOne());
    if (this.#readOne()) this.#breach('gives a message after null at the end of input')
  }

  fail(error: unknown, probe: Uint8Array | undefined): void {
    this.trace.failure = { error, at: this.#position, before: this.trace.messages.length }
    // What was complete before it may still be there. Then good bytes, which must not bring it back to life.
    attempt(() => {
      while (this.#readOne());
    })
    if (probe === undefined) return
    attempt(() => this.#decoder.write(probe))
    attempt(() => this.#readAfterwards())
    attempt(() => this.#decoder.end())
    attempt(() => this.#readAfterwards())
  }

  #readAfterwards(): void {
    const message = this.#read()
    if (message !== null) this.trace.afterwards.push(message)
  }

  #writeNext(): boolean {
    const chunk = this.#chunks[this.#next++]
    if (chunk === undefined) return false
    this.#position += chunk.length
    this.#checkSynchronous(this.#decoder.write(chunk))
    return true
  }

  /** One more than expected is enough to say so, and some never stop. */
  get #isFull(): boolean {
    return this.trace.messages.length > this.#options.expected.length
  }

  #readOne(): boolean {
    if (this.#isFull) return false
    const message = this.#read()
    if (message === null) return false
    this.#take(message)
    return true
  }

  #read(): In | null {
    const message = this.#decoder.read()
    this.#checkSynchronous(message)
    if (message === undefined) this.#breach('gives undefined: read() gives a message or null')
    return message
  }

  #checkSynchronous(given: unknown): void {
    if (!(given instanceof Promise)) return
    // It is said here, and not where it fails.
    given.catch(() => {})
    this.#breach('gives a Promise: write(), read() and end() are to be done when they return')
  }

  #take(message: In): void {
    const { messages, at, wasRight } = this.trace
    const last = messages.length - 1
    const joined = last === -1 ? undefined : this.#options.merge?.(messages[last] as In, message)
    const index = joined === undefined ? last + 1 : last
    messages[index] = joined ?? message
    at[index] = this.#position
    wasRight[index] = sameValue(messages[index], this.#options.expected[index])
  }

  #breach(what: string): never {
    this.trace.breach = what
    throw BREACH
  }
}

function attempt(call: () => void): void {
  try {
    call()
  } catch {}
}
