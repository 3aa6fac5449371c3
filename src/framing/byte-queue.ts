import { type BytesConstructor, inClass } from './bytes.js'

/** Chunks from this length on are worth an object of their own; smaller ones are copied together. */
const LARGE_BYTES = 4096
const MIN_BLOCK_BYTES = 512
const MAX_BLOCK_BYTES = 1024 * 1024

/**
 * Bytes in order, appended in chunks of any size, taken from the front.
 *
 * Owns: chunks that wait. Large ones are kept as they are; small ones are copied into *blocks*, so that a frame that
 * comes in 1-byte chunks costs its bytes and not an object for each.
 *
 * Cost: each byte is copied at most once when appended and once when joined. A block is at most a quarter of what is
 * held already, so memory stays below 1.25 times the bytes, 2.25 while they are joined. The list of chunks is read
 * by a moving index: `shift()` moves all that follow once a list is long.
 */
export class ByteQueue {
  length = 0
  /** Chunks and blocks; the last is the open block while `#open` says so. */
  #parts: Uint8Array[] = []
  #first = 0
  /** Position in the first part of the first byte. */
  #offset = 0
  /** Bytes in the open block, -1 when the last part is no block with room. */
  #filled = -1

  /** Appends by reference: the bytes must not change while they are here. For large chunks. */
  appendReference(chunk: Uint8Array): void {
    this.#close()
    this.#parts.push(chunk)
    this.length += chunk.length
  }

  /** Appends a copy. */
  appendCopy(chunk: Uint8Array): void {
    if (chunk.length === 1 && this.#filled !== -1) {
      // The smallest chunk, the dearest per byte: a call of `set` costs more than all else that is done for it.
      const block = this.#parts[this.#parts.length - 1] as Uint8Array
      block[this.#filled++] = chunk[0] as number
      this.length++
      if (this.#filled === block.length) this.#filled = -1
      return
    }
    let from = 0
    while (from < chunk.length) {
      if (this.#filled === -1) this.#openBlock(chunk.length - from)
      const block = this.#parts.at(-1) as Uint8Array
      const count = Math.min(block.length - this.#filled, chunk.length - from)
      block.set(from === 0 && count === chunk.length ? chunk : chunk.subarray(from, from + count), this.#filled)
      from += count
      this.#filled += count
      this.length += count
      if (this.#filled === block.length) this.#filled = -1
    }
  }

  /** Appends a chunk that its sender gave away: large by reference, small as a copy. */
  append(chunk: Uint8Array): void {
    if (chunk.length >= LARGE_BYTES) this.appendReference(chunk)
    else this.appendCopy(chunk)
  }

  /** As `append`, and copies a chunk too that is a small part of a large piece of memory, which it would keep alive. */
  appendCompact(chunk: Uint8Array): void {
    if (chunk.length >= LARGE_BYTES && chunk.length * 2 >= chunk.buffer.byteLength) this.appendReference(chunk)
    else this.appendCopy(chunk)
  }

  /** Takes the first chunk as it lies in memory; undefined when empty. */
  shift(Bytes: BytesConstructor): Uint8Array | undefined {
    if (this.length === 0) return undefined
    this.#close()
    const part = this.#parts[this.#first] as Uint8Array
    const chunk = this.#offset === 0 ? part : part.subarray(this.#offset)
    this.#dropFirst()
    this.length -= chunk.length
    return inClass(chunk, Bytes)
  }

  /** Takes all chunks as they lie in memory, in order. */
  takeChunks(Bytes: BytesConstructor): Uint8Array[] {
    this.#close()
    const chunks = this.#parts.slice(this.#first)
    if (chunks.length > 0) chunks[0] = (chunks[0] as Uint8Array).subarray(this.#offset)
    this.clear()
    return chunks.map((chunk) => inClass(chunk, Bytes))
  }

  /** Copies the first `target.length` bytes, or all when there are fewer, to the front of `target`. They stay, too. */
  copyTo(target: Uint8Array): void {
    let at = 0
    let offset = this.#offset
    for (let index = this.#first; at < target.length && index < this.#parts.length; index++) {
      const part = this.#parts[index] as Uint8Array
      const count = Math.min(this.#usedOf(index) - offset, target.length - at)
      target.set(offset === 0 && count === part.length ? part : part.subarray(offset, offset + count), at)
      at += count
      offset = 0
    }
  }

  /** Drops the first `count` bytes, at most `length`. */
  drop(count: number): void {
    if (count === this.length) {
      this.clear()
      return
    }
    this.length -= count
    let left = count
    while (left > 0) {
      const available = this.#usedOf(this.#first) - this.#offset
      if (available > left) {
        this.#offset += left
        return
      }
      left -= available
      this.#dropFirst()
    }
  }

  /** Drops everything. Keeps one small block for what comes next, if nobody else has it. */
  clear(): void {
    const block = this.#filled >= 0 && this.#parts.length === 1 ? this.#parts[0] : undefined
    this.length = 0
    this.#first = 0
    this.#offset = 0
    if (block !== undefined && block.length === MIN_BLOCK_BYTES) {
      this.#filled = 0
    } else if (this.#parts.length > 0) {
      this.#parts = []
      this.#filled = -1
    }
  }

  /** Bytes used of a part: the open block is not full. */
  #usedOf(index: number): number {
    const isOpen = this.#filled >= 0 && index === this.#parts.length - 1
    return isOpen ? this.#filled : (this.#parts[index] as Uint8Array).length
  }

  #openBlock(wanted: number): void {
    const share = Math.min(this.length >> 2, MAX_BLOCK_BYTES)
    this.#parts.push(new Uint8Array(Math.max(MIN_BLOCK_BYTES, share, wanted)))
    this.#filled = 0
  }

  /** The open block becomes a chunk like others: nothing is added to it any more. */
  #close(): void {
    if (this.#filled === -1) return
    const block = this.#parts.pop() as Uint8Array
    if (this.#filled > 0) this.#parts.push(block.subarray(0, this.#filled))
    this.#filled = -1
  }

  #dropFirst(): void {
    this.#parts[this.#first++] = NOTHING
    this.#offset = 0
    if (this.#first * 2 > this.#parts.length) {
      this.#parts = this.#parts.slice(this.#first)
      this.#first = 0
    }
  }
}

/** Takes the place of a part that is gone, so that its memory can be freed. */
const NOTHING = new Uint8Array(0)
