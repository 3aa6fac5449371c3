/**
 * The few things the core needs to know about byte arrays, without knowing `Buffer`: what is one, and how to make
 * another of the same class. A `Buffer` written comes out as a `Buffer`, a plain `Uint8Array` as a `Uint8Array`.
 */

/** A constructor of the class that views of a chunk have. */
export interface BytesConstructor {
  new (length: number): Uint8Array
  new (buffer: ArrayBufferLike, byteOffset: number, length: number): Uint8Array
}

export const NO_BYTES: Uint8Array = new Uint8Array(0)

/** Is it bytes, of this realm or of another (a worker, a `vm` context)? */
export function isBytes(value: unknown): value is Uint8Array {
  if (value instanceof Uint8Array) return true
  return ArrayBuffer.isView(value) && (value as { [Symbol.toStringTag]?: string })[Symbol.toStringTag] === 'Uint8Array'
}

/**
 * The class that `chunk.subarray()` would give, as the language defines it (`Symbol.species`). Calling it is a third
 * cheaper than `subarray`, which coerces and clamps what is known to be right (test/bench, row `bytes-lf`).
 */
export function classOf(chunk: Uint8Array): BytesConstructor {
  const made = chunk.constructor as unknown as { [Symbol.species]?: BytesConstructor }
  return made[Symbol.species] ?? Uint8Array
}

/** The same bytes, in the same memory, in this class. */
export function inClass(bytes: Uint8Array, Bytes: BytesConstructor): Uint8Array {
  return classOf(bytes) === Bytes ? bytes : new Bytes(bytes.buffer, bytes.byteOffset, bytes.length)
}

/** A copy that owns exactly its memory, of the same class. */
export function copyOf(bytes: Uint8Array): Uint8Array {
  return Uint8Array.prototype.slice.call(bytes)
}

/** Same length, same bytes? */
export function sameBytes(left: Uint8Array, right: Uint8Array): boolean {
  return left.length === right.length && left.every((byte, index) => byte === right[index])
}
