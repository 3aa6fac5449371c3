// Counts frames. Byte frames and text frames have a class each, so that one kind of frame does
// not slow the other down; the digest is for the untimed check.
import { createHash } from 'node:crypto'

export class ByteTally {
  count = 0
  length = 0

  take(frame) {
    this.count += 1
    this.length += frame.length
  }

  agreesWith(expected) {
    return this.count === expected.count && this.length === expected.bytes
  }
}

export class TextTally {
  count = 0
  length = 0

  take(frame) {
    this.count += 1
    this.length += frame.length
  }

  agreesWith(expected) {
    return this.count === expected.count && this.length === expected.units
  }
}

/** Counts and hashes every frame with its length, bytes and text alike. */
export class Digest {
  count = 0
  length = 0
  #hash = createHash('sha1')

  take(frame) {
    const bytes = typeof frame === 'string' ? Buffer.from(frame) : frame
    this.count += 1
    this.length += bytes.length
    this.#hash.update(`${bytes.length}:`)
    this.#hash.update(bytes)
  }

  agreesWith(expected) {
    return this.count === expected.count && this.length === expected.bytes
  }

  value() {
    return this.#hash.digest('hex')
  }
}
