/**
 * Every error this package makes, and nothing else makes one.
 *
 * Two families. A **caller's mistake** is a plain `TypeError` or `RangeError` with Node's own code, thrown by
 * the call that made it, its message naming the argument and the value. A **peer's doing** (a frame that is too
 * long, cut, late) is a {@link FramingError} with a code of its own, and it says what was seen and where.
 */

/** What a {@link FramingError} is about. Match on this, not on the class: two installed copies have two classes. */
export type FramingErrorCode =
  | 'ERR_FRAME_TOO_LONG'
  | 'ERR_FRAME_INCOMPLETE'
  | 'ERR_FRAME_MALFORMED'
  | 'ERR_FRAME_TIMEOUT'
  | 'ERR_NO_PROGRESS'
  | 'ERR_UNREAD_INPUT'
  | 'ERR_METHOD_NOT_IMPLEMENTED'
  | 'ERR_CHANNEL_CLOSED'
  | 'ERR_DISCARDED'

/** The facts a {@link FramingError} carries; each is there when it means something for the code. */
export interface FramingErrorDetails {
  /** The limit that was passed: bytes for `ERR_FRAME_TOO_LONG`, ms for `ERR_FRAME_TIMEOUT`. */
  readonly limit?: number
  /** Bytes of the frame: the limit + 1 for a delimited frame, the count for a count, the bytes received for a cut one. */
  readonly length?: number
  /** Position in the stream of the frame's first byte. */
  readonly offset?: number
  /** The bytes of a cut frame that were not delivered. */
  readonly bytes?: Uint8Array
  /** Frames delivered before this one. */
  readonly framesBefore?: number
}

/**
 * The peer broke the framing: a frame is too long, cut by the end of input, late, or never comes.
 *
 * @example
 * ```ts
 * import { FrameScanner, FramingError } from 'asynchat/framing'
 *
 * const scanner = new FrameScanner({ terminator: '\n', maxFrameLength: 4 })
 * scanner.write(new TextEncoder().encode('too long\n'))
 * try {
 *   scanner.read()
 * } catch (error) {
 *   if (error instanceof FramingError) console.log(error.code, error.limit, error.offset)
 * }
 * ```
 * ```text
 * ERR_FRAME_TOO_LONG 4 0
 * ```
 */
export class FramingError extends Error {
  readonly code: FramingErrorCode
  declare readonly limit?: number
  declare readonly length?: number
  declare readonly offset?: number
  declare readonly bytes?: Uint8Array
  declare readonly framesBefore?: number
  declare readonly messagesBefore?: number
  declare readonly codec?: string

  constructor(code: FramingErrorCode, message: string, details: FramingErrorDetails = {}) {
    super(message)
    this.code = code
    Object.assign(this, details)
  }

  /** Adds what is known of the message that it is about. */
  inMessage(codec: string | undefined, messagesBefore: number, offset: number): this {
    // Thrown again, it is still about the message that it was about.
    if (this.messagesBefore !== undefined) return this
    const of = codec === undefined ? '' : ` of ${codec}`
    this.message = `${this.message} (message ${messagesBefore}${of}, which begins at offset ${offset})`
    // How many frames its codec took tells nothing: one that lies whole in a chunk may be read without any.
    const known = { framesBefore: undefined, messagesBefore, offset: this.offset ?? offset }
    return Object.assign(this, codec === undefined ? known : { ...known, codec })
  }

  static {
    this.prototype.name = 'FramingError'
  }
}

export function messageTooLong(limit: number, length: number, offset: number): FramingError {
  return new FramingError('ERR_FRAME_TOO_LONG', `Message is too long: the limit is ${limit} bytes, it has at least ${length}`, {
    limit,
    length,
    offset,
  })
}

/** What was to be there, and what was: some of it, printable. */
export function malformedBytes(wanted: string, bytes: Uint8Array): FramingError {
  const seen = Array.from(bytes.subarray(0, SHOWN_LENGTH), (byte) => String.fromCharCode(byte)).join('')
  return new FramingError('ERR_FRAME_MALFORMED', `Expected ${wanted}, received ${JSON.stringify(seen)}`)
}

export function lengthTooLong(limit: number, length: number): FramingError {
  return new FramingError('ERR_FRAME_TOO_LONG', `Declared length is too long: the limit is ${limit} bytes, it is ${length}`, { limit, length })
}

/** What a codec found wrong, or what it threw. */
export function malformed(cause: unknown): FramingError {
  const reason = cause instanceof Error ? cause.message : 'the codec threw what is no Error'
  const error = new FramingError('ERR_FRAME_MALFORMED', `Message is malformed: ${reason}`)
  return Object.assign(error, { cause })
}

export function frameTooLong(limit: number, length: number, offset: number, framesBefore: number): FramingError {
  return new FramingError(
    'ERR_FRAME_TOO_LONG',
    `Frame at offset ${offset} is too long: the limit is ${limit} bytes, it has at least ${length}`,
    { limit, length, offset, framesBefore },
  )
}

export function frameIncomplete(bytes: Uint8Array, length: number, offset: number, framesBefore: number): FramingError {
  return new FramingError(
    'ERR_FRAME_INCOMPLETE',
    `Frame at offset ${offset} is incomplete: the input ended after ${length} bytes of it`,
    { bytes, length, offset, framesBefore },
  )
}

export function frameTimeout(limit: number, offset: number, framesBefore: number): FramingError {
  return new FramingError(
    'ERR_FRAME_TIMEOUT',
    `Frame at offset ${offset} is late: it did not end within ${limit} ms of its first byte`,
    { limit, offset, framesBefore },
  )
}

export function noProgress(steps: number, offset: number, framesBefore: number): FramingError {
  return new FramingError(
    'ERR_NO_PROGRESS',
    `No progress at offset ${offset}: ${steps} empty frames in a row consumed no byte`,
    { offset, framesBefore },
  )
}

export function unreadInput(length: number): FramingError {
  return new FramingError('ERR_UNREAD_INPUT', `Cannot upgrade: ${length} bytes were received that nobody has read`, { length })
}

export function methodNotImplemented(name: string): FramingError {
  return new FramingError('ERR_METHOD_NOT_IMPLEMENTED', `Method ${name}() is not implemented: override it, or give it as an option`)
}

export function readTimeout(limit: number): FramingError {
  return new FramingError('ERR_FRAME_TIMEOUT', `The read is late: its frame was not there within ${limit} ms`, { limit })
}

export function idleTimeout(limit: number): FramingError {
  return new FramingError('ERR_FRAME_TIMEOUT', `The channel is idle: no byte came or went for ${limit} ms`, { limit })
}

export function tooSlow(length: number, limit: number): FramingError {
  return new FramingError('ERR_CHANNEL_CLOSED', `The channel is too slow: ${length} bytes wait for it, the limit is ${limit}`, { length, limit })
}

/** As the platform makes it when a signal is aborted. */
export function abortError(cause: unknown): Error {
  const error = withCode(new Error('The operation was aborted', { cause }), 'ABORT_ERR')
  error.name = 'AbortError'
  return error
}

export function channelClosed(message = 'The channel is closed'): FramingError {
  return new FramingError('ERR_CHANNEL_CLOSED', message)
}

export function discarded(): FramingError {
  return new FramingError('ERR_DISCARDED', 'The source was discarded before all of it had left')
}

/** What a source failed with, as an error: it may throw anything. */
export function failureOf(reason: unknown): Error {
  if (typeof reason === 'object' && reason !== null) return reason as Error
  return new Error(`The source failed with ${shown(reason)}`, { cause: reason })
}

/** As asynchat's `fifo`, whose `first()` is an `IndexError` then. */
export function emptyFifo(): RangeError {
  return withCode(new RangeError('Cannot give the first item: the fifo is empty'), 'ERR_OUT_OF_RANGE')
}

export function tooManyHooks(): TypeError {
  const message = 'Give handleFrame, or collectIncomingData and foundTerminator, and not both: each takes the input'
  return withCode(new TypeError(message), 'ERR_INVALID_ARG_TYPE')
}

/** A `TypeError` as Node makes it: `The "count" argument must be an integer. Received 'x'`. */
export function invalidType(name: string, wanted: string, value: unknown): TypeError {
  return withCode(new TypeError(`The ${quoted(name)} must be ${wanted}. Received ${shown(value)}`), 'ERR_INVALID_ARG_TYPE')
}

/** A `RangeError` as Node makes it. */
export function outOfRange(name: string, wanted: string, value: unknown): RangeError {
  return withCode(new RangeError(`The ${quoted(name)} must be ${wanted}. Received ${shown(value)}`), 'ERR_OUT_OF_RANGE')
}

/** The right call at the wrong moment. */
export function invalidState(message: string): Error {
  return withCode(new Error(`Invalid state: ${message}`), 'ERR_INVALID_STATE')
}

function withCode<T extends Error>(error: T, code: string): T {
  return Object.assign(error, { code })
}

function quoted(name: string): string {
  return name.includes('.') ? `"${name}" property` : `"${name}" argument`
}

const SHOWN_LENGTH = 40

/** A value as it reads in a message: short, quoted, never throwing (a symbol, an object without a prototype). */
function shown(value: unknown): string {
  if (typeof value === 'string') {
    return value.length > SHOWN_LENGTH ? `${JSON.stringify(value.slice(0, SHOWN_LENGTH))}...` : JSON.stringify(value)
  }
  if (typeof value === 'bigint') return `${value}n`
  if (typeof value === 'function') return `function ${value.name}`
  return typeof value === 'object' && value !== null ? shownObject(value) : String(value)
}

function shownObject(value: object): string {
  if (Array.isArray(value)) return value.length === 0 ? '[]' : `an array of ${value.length}`
  return `an instance of ${value.constructor?.name ?? 'Object'}`
}
