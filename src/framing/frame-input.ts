import { ByteQueue } from './byte-queue.js'
import { type BytesConstructor, NO_BYTES, classOf } from './bytes.js'

/**
 * The bytes that were received and not delivered.
 *
 * Owns: four stretches of the stream, in order. *Held*: looked at, part of the frame that goes on. The *chunk*, from
 * `at` on: being looked at. *Returned*: chunks to be looked at again. *Unseen*: chunks that never were. And `offset`,
 * where in the stream the first of them is.
 *
 * Rules: a search reads the chunk and nothing else; `hold()` passes what it read; `next()` brings the chunk after it.
 * `take` and `drop` count from the front, held bytes first, and never reach past the chunk. What `take` gives is a
 * view when it lies in the chunk, a copy when any of it was held: held memory is never handed out, so it is used again.
 *
 * Cost: see ByteQueue. A held byte has been copied once, unless it came in a chunk that is large and whole.
 */
export class FrameInput {
  /** The chunk being looked at; read-only for others, like the next three. */
  chunk: Uint8Array = NO_BYTES
  /** Which chunk it is: the same memory may come again. */
  serial = 0
  /** Position in the chunk of the first byte that is neither held nor delivered. */
  at = 0
  /** Position in the stream of the first byte that is not delivered. */
  offset = 0
  readonly #held = new ByteQueue()
  /** The next one is the last. */
  readonly #returned: Uint8Array[] = []
  #returnedLength = 0
  readonly #unseen = new ByteQueue()
  /** The chunk's class and memory: made once a chunk and used once a frame. */
  #Bytes: BytesConstructor = Uint8Array
  #memory: ArrayBufferLike | null = null
  #start = 0

  /** Bytes received and not delivered. */
  get length(): number {
    return this.#held.length + this.restLength + this.#returnedLength + this.#unseen.length
  }

  /** Bytes that were looked at and are kept for the frame that goes on. */
  get heldLength(): number {
    return this.#held.length
  }

  /** Bytes of the chunk that were not looked at. */
  get restLength(): number {
    return this.chunk.length - this.at
  }

  write(chunk: Uint8Array): void {
    if (chunk.length === 0) return
    if (this.restLength + this.#returnedLength + this.#unseen.length === 0) this.#use(chunk)
    else this.#unseen.append(chunk)
  }

  /** Makes sure that there is a byte to look at. False: there is none until more is written. */
  next(): boolean {
    if (this.at < this.chunk.length) return true
    const returned = this.#returned.pop()
    if (returned !== undefined) this.#returnedLength -= returned.length
    const chunk = returned ?? this.#unseen.shift(this.#Bytes)
    if (chunk === undefined) this.#leaveChunk()
    else this.#use(chunk)
    return chunk !== undefined
  }

  /** Keeps the rest of the chunk for the frame that goes on. */
  hold(): void {
    this.#held.appendCompact(this.at === 0 ? this.chunk : this.chunk.subarray(this.at))
    this.#leaveChunk()
  }

  /** Delivers the next `count` bytes. */
  take(count: number): Uint8Array {
    const held = this.#held.length
    if (held === 0) return this.takeView(count, 0)
    this.offset += count
    const frame = new this.#Bytes(count)
    this.#held.copyTo(frame)
    if (count > held) frame.set(this.chunk.subarray(this.at, this.at + count - held), held)
    this.#dropAcross(count)
    return frame
  }

  /** As `take()` and then `drop()`, where nothing is held: a view. Hot. */
  takeView(count: number, dropped: number): Uint8Array {
    this.#memory ??= this.#locate()
    const from = this.#start + this.at
    this.at += count + dropped
    this.offset += count + dropped
    return new this.#Bytes(this.#memory, from, count)
  }

  /** Throws the next `count` bytes away. */
  drop(count: number): void {
    this.offset += count
    if (this.#held.length === 0) this.at += count
    else this.#dropAcross(count)
  }

  /** A copy of the next `count` bytes, held or in the chunk; they stay. */
  peek(count: number): Uint8Array {
    const copy = new this.#Bytes(count)
    this.#held.copyTo(copy)
    const rest = count - this.#held.length
    if (rest > 0) copy.set(this.chunk.subarray(this.at, this.at + rest), this.#held.length)
    return copy
  }

  /** All bytes will be looked at again. */
  rewind(): void {
    if (this.#held.length > 0) this.#putBack(this.#held.takeChunks(this.#Bytes))
  }

  /** Puts bytes before all others; all will be looked at again. */
  pushBack(bytes: Uint8Array): void {
    if (bytes.length === 0) return
    this.offset -= bytes.length
    this.rewind()
    this.#putBack([bytes])
  }

  /** Takes every byte there is, in one piece. */
  takeAll(): Uint8Array {
    this.rewind()
    while (this.next() && this.#returnedLength + this.#unseen.length > 0) this.hold()
    const all = this.take(this.#held.length + this.restLength)
    this.#leaveChunk()
    return all
  }

  #use(chunk: Uint8Array): void {
    this.chunk = chunk
    this.serial++
    this.at = 0
    this.#Bytes = classOf(chunk)
    this.#memory = null
  }

  /** Where the chunk lies: asked for only when a view is made, since for a small chunk it costs more than all else. */
  #locate(): ArrayBufferLike {
    this.#start = this.chunk.byteOffset
    return this.chunk.buffer
  }

  /** Nothing of the chunk is needed any more: do not keep its memory alive. */
  #leaveChunk(): void {
    this.chunk = NO_BYTES
    this.at = 0
    this.#memory = null
  }

  #putBack(chunks: readonly Uint8Array[]): void {
    for (const chunk of [this.chunk.subarray(this.at), ...chunks.toReversed()]) {
      if (chunk.length === 0) continue
      this.#returned.push(chunk)
      this.#returnedLength += chunk.length
    }
    this.#leaveChunk()
  }

  #dropAcross(count: number): void {
    const held = Math.min(count, this.#held.length)
    this.#held.drop(held)
    this.at += count - held
  }
}
