/** What is verified: a codec, or any decoder, made anew for each run. */
import { invalidType } from '../errors.js'
import { type Codec, type EncodedChunk, type Encoding, checkCodec } from '../framing/codec.js'
import { MessageScanner, type MessageScannerOptions } from '../framing/message-scanner.js'

/** A decoder that is no codec: what one of your own, or another library's, is wrapped in. */
export interface Decoder<In> {
  /** Takes a chunk. It may throw for what is malformed, as `read()` and `end()` may. */
  write(chunk: Uint8Array): void
  /** The next message; null: more input is needed, or after `end()` there is none. */
  read(): In | null
  /** Marks the end of input. */
  end(): void
  /** Bytes looked at so far, where it counts them: for the verification of its cost. */
  readonly bytesLookedAt?: number
}

/** A codec, or a function that makes one or a decoder for each run. */
export type DecoderSource<In, Out = In> = Codec<In, Out> | (() => Codec<In, Out> | Decoder<In>)

export class Subject<In, Out> {
  readonly #make: () => Codec<In, Out> | Decoder<In>
  readonly #limits: MessageScannerOptions

  constructor(source: DecoderSource<In, Out>, limits: MessageScannerOptions) {
    if (typeof source !== 'function' && isDecoder(source)) {
      throw invalidType('source', 'a function that makes a new decoder, since each is used once', source)
    }
    this.#make = typeof source === 'function' ? source : () => source
    this.#limits = limits
    this.decoder()
  }

  /** A new one. */
  decoder(): Decoder<In> {
    const made = this.#make()
    return isDecoder<In>(made) ? made : new MessageScanner<In>(made, this.#limits)
  }

  /** A new encoder, or null: a decoder has none. */
  encoder(): Encoding<Out> | null {
    const made = this.#make()
    return isDecoder<In>(made) ? null : checkCodec('source', made)
  }
}

const encoder = new TextEncoder()

/** All bytes of what an encoder gave for a message. */
export async function encodedBytes(given: ReturnType<Encoding<unknown>['encode']>): Promise<Uint8Array> {
  const parts: Uint8Array[] = []
  if (isChunk(given)) parts.push(chunkBytes(given))
  else for await (const chunk of given) parts.push(chunkBytes(chunk))
  return joined(parts)
}

export function joined(parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((length, part) => length + part.length, 0))
  let at = 0
  for (const part of parts) {
    bytes.set(part, at)
    at += part.length
  }
  return bytes
}

/** A copy: the encoder may use its memory again. */
function chunkBytes(chunk: EncodedChunk): Uint8Array {
  if (typeof chunk === 'string') return encoder.encode(chunk)
  return ArrayBuffer.isView(chunk)
    ? new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength).slice()
    : new Uint8Array(chunk).slice()
}

function isChunk(given: ReturnType<Encoding<unknown>['encode']>): given is EncodedChunk {
  return typeof given === 'string' || ArrayBuffer.isView(given) || given instanceof ArrayBuffer
}

function isDecoder<In>(made: object): made is Decoder<In> {
  const { write, read, end } = Object(made) as Record<string, unknown>
  return typeof write === 'function' && typeof read === 'function' && typeof end === 'function'
}
