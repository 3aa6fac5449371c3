/**
 * Codecs run over given chunks, and what came of it as plain data: bytes as latin1 strings, maps as lists of entries.
 */

import { FramingError } from '../../src/errors.js'
import type { Codec, CodecSource } from '../../src/framing/codec.js'
import { MessageScanner, type MessageScannerOptions } from '../../src/framing/message-scanner.js'
import { byteByByte, cutAt, EVERY_CUT_MAX_LENGTH, everyCut, guarded } from './cuts.js'

export interface Decoded {
  readonly messages: readonly unknown[]
  /** Its code, then its message. */
  readonly error: string | null
}

export interface DecodeOptions extends MessageScannerOptions {
  /** Whether the end of input comes. */
  readonly isEnded?: boolean
}

export const bytesOf = (text: string): Uint8Array => Buffer.from(text, 'latin1')

/** Bytes as latin1 text, also in lists, maps and objects; all else as it is. */
export function told(value: unknown): unknown {
  if (value instanceof Uint8Array) return Buffer.from(value).toString('latin1')
  if (value instanceof Map) return Array.from(value, told)
  if (Array.isArray(value)) return value.map(told)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, told(member)]))
}

/** All that a codec reads from these chunks. */
export function decode<In>(codec: CodecSource<In, never>, chunks: readonly Uint8Array[], { isEnded = true, ...options }: DecodeOptions = {}): Decoded {
  const scanner = new MessageScanner<In>(codec, options)
  const messages: unknown[] = []
  const drain = (): void => {
    for (let message; (message = scanner.read()) !== null; ) messages.push(told(message))
  }
  try {
    for (const chunk of chunks) {
      scanner.write(chunk)
      drain()
    }
    if (isEnded) scanner.end()
    drain()
    return { messages, error: null }
  } catch (error) {
    if (!(error instanceof FramingError)) throw error
    return { messages, error: `${error.code} ${error.message}` }
  }
}

/** Whole, byte by byte, at every cut when it is short, else at every single one. */
export function* cutsOf(bytes: Uint8Array): Generator<readonly Uint8Array[]> {
  yield [guarded(bytes)]
  yield byteByByte(bytes)
  if (bytes.length <= EVERY_CUT_MAX_LENGTH) yield* everyCut(bytes)
  else for (let position = 1; position < bytes.length; position++) yield cutAt(bytes, [position])
}

/** What a codec reads, if it is the same at every cut; else a text that tells the first two that differ. */
export function decodeAtEveryCut<In>(codec: CodecSource<In, never>, wire: string | Uint8Array, options: DecodeOptions = {}): Decoded | string {
  const bytes = typeof wire === 'string' ? bytesOf(wire) : wire
  let first: Decoded | null = null
  for (const chunks of cutsOf(bytes)) {
    const result = decode(codec, chunks, options)
    first ??= result
    if (JSON.stringify(result) !== JSON.stringify(first)) {
      return `whole: ${JSON.stringify(first)}\n${JSON.stringify(told(chunks))}: ${JSON.stringify(result)}`
    }
  }
  return first as Decoded
}

/** What an encoder gives, in one piece. */
export function encode<Out>(codec: Codec<never, Out> | Codec<any, Out>, message: Out): Uint8Array {
  const chunks = codec.encode(message)
  const isOne = typeof chunks === 'string' || ArrayBuffer.isView(chunks) || chunks instanceof ArrayBuffer
  const parts = isOne ? [chunks] : Array.from(chunks as Iterable<string | Uint8Array>)
  return Buffer.concat(parts.map((part) => Buffer.from(part as string)))
}
