/** The values of RESP for which the language has nothing of its own. */
import type { NULL } from '../framing/codec.js'

/** Any value of RESP; at the top of a message `null` is {@link NULL}. */
export type RespValue =
  | string
  | number
  | bigint
  | boolean
  | null
  | Uint8Array
  | RespError
  | RespVerbatim
  | RespAttributed
  | RespStreamed
  | readonly RespValue[]
  | ReadonlyMap<RespValue, RespValue>
  | ReadonlySet<RespValue>

/** What `resp()` reads and writes. */
export type RespMessage = Exclude<RespValue, null> | typeof NULL | RespPush | RespPiece

/** An error that was replied. It is a value as any other: nothing throws it but who receives it. */
export class RespError extends Error {
  /** Its first word: `ERR`, `WRONGTYPE`, `MOVED`. */
  readonly code: string

  constructor(message: string) {
    super(message)
    this.code = /^\S*/.exec(message)?.[0] as string
  }

  static {
    this.prototype.name = 'RespError'
  }
}

/** A text that says of what kind it is. RESP3. */
export class RespVerbatim {
  /** Three bytes: `txt`, `mkd`. */
  readonly format: string
  readonly text: string

  constructor(format: string, text: string) {
    this.format = format
    this.text = text
  }
}

/** What the server sends without being asked. RESP3, and never inside another value. */
export class RespPush {
  /** The first says of what kind it is: `message`, `invalidate`. */
  readonly items: readonly RespValue[]

  constructor(items: readonly RespValue[]) {
    this.items = items
  }
}

/** A value, and what the server has to say about it. RESP3; read with `attributes: 'wrap'` only. */
export class RespAttributed {
  readonly attributes: ReadonlyMap<RespValue, RespValue>
  readonly value: RespValue | RespPush

  constructor(attributes: ReadonlyMap<RespValue, RespValue>, value: RespValue | RespPush) {
    this.attributes = attributes
    this.value = value
  }
}

/** A part of a bulk string that is longer than `streamAbove`, as it came. */
export class RespPiece {
  readonly bytes: Uint8Array

  constructor(bytes: Uint8Array) {
    this.bytes = bytes
  }
}

/** Stands where a bulk string was whose pieces have all been delivered. */
export class RespStreamed {
  /** Bytes of all pieces. */
  readonly length: number

  constructor(length: number) {
    this.length = length
  }
}
