/** Chunks as views with other bytes around them, so that whoever looks or writes beyond a view is found out. */
import { type BytesConstructor, classOf } from '../framing/bytes.js'
import type { Positions } from './cuts.js'

const encoder = new TextEncoder()

/** Bytes as they are; a string as UTF-8, in the class of `like`. */
export function bytesOf(given: Uint8Array | string, like?: Uint8Array): Uint8Array {
  const bytes = typeof given === 'string' ? encoder.encode(given) : given
  const Bytes = like === undefined ? classOf(bytes) : classOf(like)
  return viewOf(bytes, 0, bytes.length, Bytes)
}

export class GuardedChunks {
  readonly chunks: readonly Uint8Array[]
  readonly #buffer: Uint8Array
  readonly #original: Uint8Array

  constructor(chunks: readonly Uint8Array[], buffer: Uint8Array) {
    this.chunks = chunks
    this.#buffer = buffer
    this.#original = Uint8Array.from(buffer)
  }

  /** The chunks as they were, for a report. */
  get unwritten(): readonly Uint8Array[] {
    return this.chunks.map((chunk) => this.#original.subarray(chunk.byteOffset, chunk.byteOffset + chunk.length))
  }

  /** Whether somebody wrote into the chunks, or around them. */
  get isWritten(): boolean {
    return this.#buffer.some((byte, index) => byte !== this.#original[index])
  }
}

/** The chunks of a copy of `bytes`, cut at these positions. */
export function chunksOf(bytes: Uint8Array, positions: Positions): GuardedChunks {
  const guard = guardOf(bytes)
  const edges = bytes.length === 0 ? [] : [0, ...positions, bytes.length]
  const buffer = new Uint8Array(bytes.length + guard.length * Math.max(1, edges.length))
  buffer.set(guard)
  const Bytes = classOf(bytes)
  const chunks: Uint8Array[] = []
  let at = guard.length
  for (let index = 1; index < edges.length; index++) {
    const [start, end] = [edges[index - 1] as number, edges[index] as number]
    buffer.set(bytes.subarray(start, end), at)
    chunks.push(viewOf(buffer, at, end - start, Bytes))
    at += end - start
    buffer.set(guard, at)
    at += guard.length
  }
  return new GuardedChunks(chunks, buffer)
}

/** After a chunk come the input's last bytes, which end frames, last one first; before one its first bytes. */
function guardOf(bytes: Uint8Array): Uint8Array {
  return Uint8Array.of(...bytes.slice(-4).toReversed(), 0x0d, 0x0a, 0x00, 0xff, ...bytes.slice(0, 4))
}

function viewOf(bytes: Uint8Array, start: number, length: number, Bytes: BytesConstructor): Uint8Array {
  return new Bytes(bytes.buffer, bytes.byteOffset + start, length)
}
