import { Buffer } from 'node:buffer'
import { type FramingError, invalidType } from '../errors.js'
import { isBytes } from '../framing/bytes.js'
import type { FrameScanner } from '../framing/frame-scanner.js'
import { asBuffer } from '../streams/on-demand.js'
import { type Overflow, discardInPieces } from '../framing/terminator.js'
import type { ChatTransport } from './chat-transport.js'

/** Who takes the frames of a channel. */
export type InputMode =
  /** `collectIncomingData` and `foundTerminator`. */
  | 'pieces'
  /** `handleFrame`. */
  | 'frames'
  /** Nobody but reads. */
  | 'reads'

/** What a cut gave to the hooks. */
export interface Cut {
  /** Empty: there is nothing to collect. */
  readonly data: Buffer
  /** The frame has ended, as a frame should. */
  readonly isEnd: boolean
  /** The input ended inside the frame. */
  readonly isTail: boolean
}

/**
 * The way in: from the transport to the scanner, and the cuts that the hooks get.
 *
 * Owns: whether the input has ended, and what failed. Rules: one chunk is taken from the transport, and only when the
 * scanner has no more to give; so what nobody has asked for yet stays in the transport, which stops its peer.
 */
export class ChatInput {
  readonly scanner: FrameScanner
  readonly #maxPieceLength: number
  readonly #onChunk: (chunk: Buffer) => void
  /** The peer has ended its side, and all that it sent is in the scanner, or was. */
  hasEnded = false
  /** The frame that nobody can read; until a terminator is set. */
  failure: FramingError | null = null
  /** Bytes of the frame that the end cut. */
  incomplete = 0

  constructor(scanner: FrameScanner, maxPieceLength: number, onChunk: (chunk: Buffer) => void) {
    this.scanner = scanner
    this.#maxPieceLength = maxPieceLength
    this.#onChunk = onChunk
  }

  /** Takes a chunk from the transport. False: it has none for now. */
  feed(transport: ChatTransport): boolean {
    if (this.hasEnded) return false
    const chunk: unknown = transport.readable.read()
    if (chunk === null) return false
    const bytes = bytesOf(chunk, transport)
    this.#onChunk(bytes)
    this.scanner.write(bytes)
    return true
  }

  /**
   * Takes what has come and throws it away, so much at a time. What came before an end is left to whom it may concern.
   * False: there may be more.
   */
  drain(transport: ChatTransport): boolean {
    if (this.hasEnded) return true
    this.scanner.takeUnread()
    for (let count = 0; count < MAX_DRAINED_CHUNKS; count++) if (transport.readable.read() === null) return true
    return false
  }

  /** Sees whether the input has ended where nobody reads it, without taking a byte. */
  lookForEnd(transport: ChatTransport): void {
    if (!this.hasEnded && transport.unreadLength === 0) transport.readable.read(0)
  }

  /** As `lookForEnd()`, where nobody may ever read: takes the bytes that hide an end, no more than a frame, and keeps them. */
  uncoverEnd(transport: ChatTransport): void {
    const { scanner } = this
    while (transport.mayHideEnd && scanner.bufferedLength <= scanner.maxFrameLength && this.feed(transport));
    this.lookForEnd(transport)
  }

  end(): void {
    this.hasEnded = true
    this.scanner.end()
  }

  /** The next cut for the hooks; null: more input is needed. Throws a FramingError, once. */
  cut(mode: InputMode): Cut | null {
    const { scanner } = this
    let data: Uint8Array | null
    try {
      data = this.#read(mode)
    } catch (error) {
      this.failure = error as FramingError
      throw error
    }
    if (data === null) return null
    const { ending } = scanner
    const isTail = ending === 'eof'
    if (isTail) this.incomplete = scanner.position - scanner.offset
    return { data: asBuffer(data), isEnd: ending !== null && ending !== 'piece' && !isTail, isTail }
  }

  /**
   * Throws away what was received and not delivered. A running count goes on. Where all of a frame was delivered but
   * its end, the end is still to come.
   */
  discard(): void {
    const { scanner } = this
    const { endLength } = scanner
    const terminator = scanner.getTerminator()
    const unread = scanner.takeUnread()
    if (isCount(terminator)) scanner.setTerminator(terminator)
    else if (endLength > 0) scanner.pushBack(unread.subarray(0, endLength))
  }

  /** Bytes of the frame that goes on, or that the end cut. */
  get unfinishedLength(): number {
    return this.hasEnded ? this.incomplete : this.scanner.frameLength
  }

  #read(mode: InputMode): Uint8Array | null {
    const { scanner } = this
    if (mode === 'pieces') return scanner.readContent(this.#maxPieceLength)
    return scanner.pieces === true ? scanner.readPiece() : scanner.read()
  }
}

/** Chunks of an end that is thrown away which are taken without a pause: their source may be endless, and at hand. */
const MAX_DRAINED_CHUNKS = 64

/** What was handed out in pieces cannot be taken back. */
export function checkDiscard(mode: InputMode, overflow: Overflow | undefined, name: string): void {
  if (mode === 'pieces' && overflow === 'discard') throw discardInPieces(name)
}

function isCount(terminator: unknown): terminator is number | { until: number } {
  return typeof terminator === 'number' || typeof (terminator as { until?: unknown } | null)?.until === 'number'
}

function bytesOf(chunk: unknown, { readable }: ChatTransport): Buffer {
  if (isBytes(chunk)) return asBuffer(chunk)
  if (typeof chunk === 'string') return Buffer.from(chunk, readable.readableEncoding ?? 'utf8')
  throw invalidType('transport', 'a stream of bytes', chunk)
}
