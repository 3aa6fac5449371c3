import { StringDecoder } from 'node:string_decoder'
import { NO_BYTES, copyOf } from '../framing/bytes.js'
import type { FrameScanner } from '../framing/frame-scanner.js'
import type { Ending } from '../framing/scan-state.js'
import type { CheckedOptions } from './splitter-options.js'

/** What the platform's decoder has of a cut character: not in its documentation, but there since it exists. */
interface DecoderState {
  /** Bytes of the character that are missing; 0: no character is cut. */
  readonly lastNeed: number
  /** Bytes of the character. */
  readonly lastTotal: number
  /** Those that are there, then rubbish. */
  readonly lastChar: Buffer
}

/**
 * Turns the bytes of a frame into what the options ask for: a Buffer, a string, an object.
 *
 * Owns: under `null`, with an encoding, the bytes of a character that is cut. They count as not delivered: `reclaim()`
 * gives them back, for a terminator that is set then and for `takeUnread()`.
 */
export class FrameShaper {
  readonly #scanner: FrameScanner
  readonly #options: CheckedOptions
  #decoder: StringDecoder | null = null
  /** Where in the stream the piece decoded last ended. */
  #decodedTo = 0

  constructor(scanner: FrameScanner, options: CheckedOptions) {
    this.#scanner = scanner
    this.#options = options
  }

  /** Bytes of a cut character that wait for the rest of it. */
  get pendingLength(): number {
    const { lastNeed, lastTotal } = this.#decoderState
    return lastNeed === 0 ? 0 : lastTotal - lastNeed
  }

  /** What to deliver for the frame or piece that the scanner just gave; null: nothing yet, a character is cut. */
  shape(bytes: Buffer, inPieces: boolean): unknown {
    const { encoding, copy, details } = this.#options
    const { ending, offset, matched } = this.#scanner
    if (encoding !== undefined && ending === 'piece') return this.#decode(bytes, encoding)
    const data = encoding === undefined ? (copy ? copyOf(bytes) : bytes) : bytes.toString(encoding)
    if (details) return { data, offset, ending, matched }
    return inPieces ? { data, ending } : data
  }

  /** What the end of input leaves of a cut character; null when none is. */
  flush(): unknown {
    const offset = this.#decodedTo - this.pendingLength
    const data = this.#decoder === null ? '' : this.#decoder.end()
    this.#decoder = null
    return data === '' ? null : this.#piece(data, offset)
  }

  /** Gives back the bytes of a cut character. */
  reclaim(): Uint8Array {
    const bytes = copyOf(this.#decoderState.lastChar.subarray(0, this.pendingLength))
    this.#decoder = null
    return bytes
  }

  get #decoderState(): DecoderState {
    return (this.#decoder as unknown as DecoderState | null) ?? NO_DECODER
  }

  #decode(bytes: Buffer, encoding: BufferEncoding): unknown {
    const { offset } = this.#scanner
    const from = offset - this.pendingLength
    this.#decoder ??= new StringDecoder(encoding)
    const data = this.#decoder.write(bytes)
    this.#decodedTo = offset + bytes.length
    return data === '' ? null : this.#piece(data, from)
  }

  #piece(data: string, offset: number): unknown {
    const ending: Ending = 'piece'
    return this.#options.details ? { data, offset, ending, matched: 0 } : data
  }
}

const NO_DECODER: DecoderState = { lastNeed: 0, lastTotal: 0, lastChar: Buffer.from(NO_BYTES) }
