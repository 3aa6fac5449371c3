/**
 * Ways of driving a `FrameScanner`, each giving a trace that can be laid beside the model's. No assertions here.
 */

import { FrameScanner, FramingError } from '../../src/framing/index.js'
import type { Ending, FrameScannerOptions, Terminator } from '../../src/framing/index.js'
import { latin1, step } from './model.js'
import type { ModelError, ModelFrame, ModelOptions, ModelResult } from './model.js'

/**
 * When frames are asked for: after every chunk; when all chunks are in and before the end is known; only when
 * the end is known too.
 */
export type ReadingMoment = 'eager' | 'before the end' | 'late'
export const READING_MOMENTS: readonly ReadingMoment[] = ['eager', 'before the end', 'late']

/** More results than any input here can have: a scanner that makes them from nothing is stopped. */
const MAX_RESULTS = 10_000

export interface Drive {
  readonly moment?: ReadingMoment
  /** Instead of a moment: at most so many reads after each chunk, over and over. */
  readonly reads?: readonly number[]
  readonly piecewise?: boolean
  /** In pieces of at most so many bytes, the ends apart. */
  readonly contentOf?: number
  /** Whether the end of input comes at all. Without it the trace shows what is held. */
  readonly ended?: boolean
}

export interface Trace extends ModelResult {
  /** What no scanner should ever do, in words. */
  readonly oddities: readonly string[]
}

export function describeError(error: unknown): ModelError {
  if (!(error instanceof FramingError)) throw error
  const { code, limit, length, offset, bytes, framesBefore } = error
  return { code, limit, length, offset, bytes: bytes === undefined ? undefined : latin1(bytes), framesBefore }
}

/** Runs the chunks under a script (`script[i]` rules frame i, the last one stays, `null` is not left again). */
export function runScanner(
  chunks: readonly Uint8Array[],
  script: readonly Terminator[],
  options: Omit<FrameScannerOptions, 'terminator' | 'onOverflow'> = {},
  { moment = 'eager', reads = [moment === 'eager' ? Infinity : 0], piecewise = false, contentOf = 0, ended = true }: Drive = {},
): Trace {
  const driver = new Driver(script, options, piecewise, contentOf)
  for (const [index, chunk] of chunks.entries()) {
    driver.scanner.write(chunk)
    driver.drain(reads[index % reads.length])
  }
  if (moment === 'before the end') driver.drain()
  if (ended) driver.scanner.end()
  driver.drain()
  return driver.finish()
}

class Driver {
  readonly scanner: FrameScanner
  readonly #script: readonly Terminator[]
  readonly #isPiecewise: boolean
  readonly #maxLength: number
  readonly #frames: ModelFrame[] = []
  readonly #discarded: number[] = []
  readonly #oddities: string[] = []
  #index = 0
  #partial = ''
  #partialOffset = 0
  #thrown: unknown = null

  constructor(script: readonly Terminator[], options: FrameScannerOptions, isPiecewise: boolean, maxLength: number) {
    this.#script = script
    this.#isPiecewise = isPiecewise
    this.#maxLength = maxLength
    this.scanner = new FrameScanner({
      ...options,
      terminator: script[0] as Terminator,
      onOverflow: (length) => {
        if (this.#discarded.push(length) > MAX_RESULTS) throw new Error('discards for ever')
      },
    })
  }

  /** Reads until more input is needed, an error comes or `limit` is reached; after an error, checks that it comes again. */
  drain(limit = Infinity): void {
    if (limit === 0) return
    if (this.#thrown !== null) return this.#expectSameError()
    try {
      for (let count = 0; count < limit; count += 1) {
        const data = this.#read()
        if (data === null) return
        this.#take(latin1(data), this.scanner.ending)
      }
    } catch (error) {
      this.#thrown = error
    }
  }

  finish(): Trace {
    const error = this.#thrown === null ? null : describeError(this.#thrown)
    return {
      frames: this.#frames,
      partial: this.#partial,
      error,
      discarded: this.#discarded,
      unread: latin1(this.scanner.takeUnread()),
      oddities: this.#oddities,
    }
  }

  #read(): Uint8Array | null {
    if (this.#maxLength > 0) return this.scanner.readContent(this.#maxLength)
    return this.#isPiecewise ? this.scanner.readPiece() : this.scanner.read()
  }

  #take(data: string, ending: Ending | null): void {
    const { offset, matched } = this.scanner
    if (this.#frames.length > MAX_RESULTS) throw new Error('frames for ever')
    if (this.#partial === '') this.#partialOffset = offset
    else if (offset !== this.#partialOffset) this.#oddities.push(`the offset moved to ${offset} inside a frame`)
    if (this.#maxLength > 0) this.#lookAtContent(data, ending)
    if (ending === null) {
      if (!this.#isPiecewise) this.#oddities.push('a whole frame had no ending')
      if (data === '') this.#oddities.push('an empty piece did not end its frame')
      this.#partial += data
      return
    }
    this.#add({ data: this.#partial + data, ending, offset, matched })
    this.#partial = ''
    if (ending === 'piece' || this.#index + 1 >= this.#script.length) return
    this.scanner.setTerminator(this.#script[(this.#index += 1)] as Terminator)
  }

  #lookAtContent(data: string, ending: Ending | null): void {
    if (data.length > this.#maxLength) this.#oddities.push(`a piece of ${data.length} bytes`)
    // Of a tail there is no end to consume.
    const isEnd = ending !== null && ending !== 'piece' && ending !== 'eof'
    if (isEnd && data !== '') this.#oddities.push('an end was not apart')
  }

  /** Bytes under `null` that follow each other are joined. */
  #add(frame: ModelFrame): void {
    const last = this.#frames.at(-1)
    if (frame.ending === 'piece' && last?.ending === 'piece' && last.offset + last.data.length === frame.offset) {
      this.#frames[this.#frames.length - 1] = { ...last, data: last.data + frame.data }
    } else {
      this.#frames.push(frame)
    }
  }

  #expectSameError(): void {
    try {
      this.#read()
      this.#oddities.push('an error did not stay')
    } catch (error) {
      if (error !== this.#thrown) this.#oddities.push('an error changed')
    }
  }
}

/**
 * Whether a trace is what the model says; what the model leaves open is left open. The bytes of a cut frame are
 * joined to those of it that were delivered in pieces.
 */
export function isAsModelled(trace: Trace, model: ModelResult): boolean {
  return (
    trace.oddities.length === 0 &&
    (model.unread === null || trace.unread === model.unread) &&
    trace.discarded.length === model.discarded.length &&
    trace.discarded.every((length, index) => length === model.discarded[index]) &&
    trace.frames.length === model.frames.length &&
    trace.frames.every((frame, index) => isSameFrame(frame, model.frames[index] as ModelFrame)) &&
    isSameError(trace, model)
  )
}

function isSameFrame(one: ModelFrame, other: ModelFrame): boolean {
  return one.data === other.data && one.ending === other.ending && one.offset === other.offset && one.matched === other.matched
}

function isSameError(one: ModelResult, other: ModelResult): boolean {
  if (one.error === null || other.error === null) return one.error === other.error && one.partial === other.partial
  return describeOutcome(one) === describeOutcome(other)
}

function describeOutcome({ error, partial }: ModelResult): string {
  const isCut = error?.code === 'ERR_FRAME_INCOMPLETE'
  return JSON.stringify(isCut ? errorSummary({ ...error, bytes: partial + error.bytes }) : [errorSummary(error), partial])
}

/** A trace in one line, for people. */
export function summary(trace: ModelResult | Trace): string {
  return JSON.stringify({
    frames: trace.frames.map(({ data, ending, offset, matched }) => [data, ending, offset, matched]),
    partial: trace.partial,
    error: errorSummary(trace.error),
    discarded: trace.discarded,
    unread: trace.unread,
    oddities: 'oddities' in trace ? trace.oddities : [],
  })
}

function errorSummary(error: ModelError | null): unknown {
  if (error === null) return null
  return [error.code, error.limit ?? null, error.length ?? null, error.offset ?? null, error.bytes ?? null, error.framesBefore ?? null]
}

/** One act of a schedule: this many chunks are written, then this many reads are made (`Infinity`: until none is there). */
export interface Act {
  readonly writes: number
  readonly reads: number
}

/**
 * Walks the scanner and the model in step: after every single read both must say the same, so a frame that
 * comes late is as wrong as a frame that never comes. Under `null` any part of what was received will do.
 * Gives the first difference in words, or null.
 */
export function lockstep(
  chunks: readonly Uint8Array[],
  script: readonly Terminator[],
  options: ModelOptions,
  schedule: readonly Act[],
): string | null {
  const walk = new Walk(script, options)
  const waiting = [...chunks]
  for (const { writes, reads } of [...schedule, { writes: Infinity, reads: 0 }]) {
    for (const chunk of waiting.splice(0, writes)) walk.write(chunk)
    const difference = walk.reads(reads)
    if (difference !== null) return difference
  }
  walk.end()
  return walk.reads(Infinity) ?? walk.rest()
}

class Walk {
  readonly #scanner: FrameScanner
  readonly #options: ModelOptions
  readonly #script: readonly Terminator[]
  readonly #discarded: number[] = []
  #text = ''
  #isEnded = false
  #start = 0
  #index = 0
  #terminator: Terminator
  #framesBefore = 0
  #isOver = false

  constructor(script: readonly Terminator[], options: ModelOptions) {
    this.#script = script
    this.#terminator = script[0] as Terminator
    this.#options = options
    this.#scanner = new FrameScanner({
      ...options,
      terminator: this.#terminator,
      onOverflow: (length) => {
        if (this.#discarded.push(length) > MAX_RESULTS) throw new Error('discards for ever')
      },
    })
  }

  write(chunk: Uint8Array): void {
    this.#text += latin1(chunk)
    this.#scanner.write(chunk)
  }

  end(): void {
    this.#isEnded = true
    this.#scanner.end()
  }

  /** Up to `limit` reads, while frames come. */
  reads(limit: number): string | null {
    for (let count = 0; count < limit && !this.#isOver; count += 1) {
      if (count > MAX_RESULTS) throw new Error('frames for ever')
      const before = this.#start
      const seen = this.#seen()
      const wanted = this.#wanted(seen)
      if (seen !== wanted) {
        return `${JSON.stringify(this.#text)} from ${before} under ${JSON.stringify(this.#terminator)}: got ${seen}, wanted ${wanted}`
      }
      if (seen.endsWith('null')) return null
      this.#switch()
    }
    return null
  }

  /** What is left at the very end. */
  rest(): string | null {
    if (this.#isOver || this.#options.tail === 'drop') return null
    const unread = latin1(this.#scanner.takeUnread())
    return unread === '' ? null : `left over: ${JSON.stringify(unread)}`
  }

  #seen(): string {
    try {
      const data = this.#scanner.read()
      if (data === null) return this.#withDiscarded('null')
      const { ending, offset, matched } = this.#scanner
      return this.#withDiscarded(frameLine({ data: latin1(data), ending: ending as Ending, offset, matched }))
    } catch (error) {
      this.#isOver = true
      return this.#withDiscarded(JSON.stringify(errorSummary(describeError(error))))
    }
  }

  #withDiscarded(line: string): string {
    return [...this.#discarded.splice(0).map((length) => `discarded ${length}, `), line].join('')
  }

  #wanted(seen: string): string {
    let line = ''
    for (;;) {
      const result = step(
        {
          text: this.#text,
          ended: this.#isEnded,
          start: this.#start,
          terminator: this.#terminator,
          framesBefore: this.#framesBefore,
        },
        this.#options,
      )
      switch (result.kind) {
        case 'frame': {
          const frame = this.#partOf(result.frame, seen)
          this.#start = frame.ending === 'piece' ? this.#start + frame.data.length : result.next
          this.#terminator = result.after
          if (frame.ending !== 'piece') this.#framesBefore += 1
          return line + frameLine(frame)
        }
        case 'discarded':
          line += `discarded ${result.length}, `
          this.#start = result.next
          this.#terminator = result.after
          break
        case 'error':
          return line + JSON.stringify(errorSummary(result.error))
        case 'more':
          return `${line}null`
        case 'end':
          return `${line}null`
      }
    }
  }

  /** Under `null` the scanner chooses how much it gives, as long as it is something. */
  #partOf(frame: ModelFrame, seen: string): ModelFrame {
    const given = seen.indexOf('["')
    if (frame.ending !== 'piece' || given === -1) return frame
    const length = (JSON.parse(seen.slice(given)) as [string])[0].length
    return length === 0 ? frame : { ...frame, data: frame.data.slice(0, length) }
  }

  #switch(): void {
    if (this.#index + 1 >= this.#script.length) return
    this.#terminator = this.#script[(this.#index += 1)] as Terminator
    this.#scanner.setTerminator(this.#terminator)
  }
}

function frameLine({ data, ending, offset, matched }: ModelFrame): string {
  return JSON.stringify([data, ending, offset, matched])
}
