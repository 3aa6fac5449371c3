import { type FramingError, channelClosed } from '../errors.js'
import type { CodecSource } from '../framing/codec.js'
import type { FrameScanner } from '../framing/frame-scanner.js'
import { MessageScanner, type MessageScannerOptions } from '../framing/message-scanner.js'
import { type Terminator, compileTerminator } from '../framing/terminator.js'
import type { Read, ReadQueue, ReadStep } from './chat-read.js'

/**
 * The reads of a channel in the order of their calls, each from one frame boundary to the next.
 *
 * Owns: the scanner's terminator while a read is served, and the channel's own meanwhile. Rules: what a read did not
 * deliver is unread when it is over, however it ended; then the channel's terminator rules again.
 */
export class ChatReads implements ReadQueue {
  readonly #scanner: FrameScanner
  readonly #onChange: () => void
  /** Those before `#first` are over: taking one off the front of a long array costs its length. */
  #reads: Read[] = []
  #first = 0
  /** The channel's own terminator, while a read's is set. */
  #ownTerminator: Terminator = null
  #isServing = false
  readonly #messages = new WeakMap<CodecSource<any, any>, MessageScanner<unknown>>()
  /** Somebody has read. */
  wasUsed = false
  /** A read was cut short by the end of input: its bytes are unread, and nobody may want them. */
  hasMetEnd = false
  #cutDeliveredLength = 0

  /** The error that ended reads: somebody has heard of it. */
  toldError: Error | null = null
  #farewell: Error | null = null

  constructor(scanner: FrameScanner, onChange: () => void) {
    this.#scanner = scanner
    this.#onChange = onChange
  }

  /**
   * What reads get after `closeWhenDone()`. It ends the hook that awaited one, and is no failure of it: what was pushed
   * is still to go out.
   */
  get farewell(): Error {
    return (this.#farewell ??= channelClosed('Cannot read: the channel is closed, or closing when done'))
  }

  /** Bytes of the frame that the end of input cut; those of it that were read since are not. */
  get cutLength(): number {
    return this.hasMetEnd ? this.#cutDeliveredLength + this.#scanner.bufferedLength : 0
  }

  get isEmpty(): boolean {
    return this.#first === this.#reads.length
  }

  /** The channel's terminator, whatever rules for the moment. */
  getTerminator(): Terminator {
    return this.#isServing ? this.#ownTerminator : this.#scanner.getTerminator()
  }

  /** Keeps the channel's terminator until the read is over. False: none is served. Throws for what is none. */
  keepTerminator(terminator: Terminator): boolean {
    if (!this.#isServing) return false
    compileTerminator(terminator)
    this.#ownTerminator = terminator
    return true
  }

  /** Reads messages from the channel's scanner; the same one for the same codec, which may remember things. */
  messagesOf<In>(codec: CodecSource<In, any>, options: MessageScannerOptions): MessageScanner<In> {
    let messages = this.#messages.get(codec)
    if (messages === undefined) {
      messages = new MessageScanner<unknown>(codec, options, this.#scanner)
      this.#messages.set(codec, messages)
    }
    return messages as MessageScanner<In>
  }

  /** Puts a read behind the others. True: there are none, it can be served. */
  add(read: Read): boolean {
    this.wasUsed = true
    return this.#reads.push(read) === this.#first + 1
  }

  changed(): void {
    this.#onChange()
  }

  /** The read was given up. */
  remove(read: Read): void {
    if (this.#drop(read)) this.#onChange()
  }

  /** Serves the oldest read. */
  serve(hasEnded: boolean): ReadStep {
    const read = this.#reads[this.#first] as Read
    if (!this.#isServing) {
      // What the channel has seen of its own frame is looked at again by the read: a running count is whole again.
      this.#unread()
      this.#ownTerminator = this.#scanner.getTerminator()
      this.#isServing = true
      this.#scanner.setTerminator(read.terminator)
      read.begin?.()
    }
    let step: ReadStep = 'over'
    try {
      step = read.serve(this.#scanner, hasEnded)
    } catch (error) {
      this.#noteCut(error)
      read.fail(error)
    }
    if (step === 'over') this.#drop(read)
    return step
  }

  /** Serves a read that comes when the channel is over, of what its peer had sent before its end. */
  serveLate(read: Read): void {
    this.add(read)
    let step: ReadStep
    do step = this.serve(true)
    while (step === 'served')
    if (step === 'over') return
    read.fail(this.farewell)
    this.#drop(read)
  }

  /** The channel is over: so are they. */
  failAll(error: Error): void {
    let read: Read | undefined
    while ((read = this.#reads[this.#first]) !== undefined) {
      read.fail(error)
      this.toldError = error
      this.#drop(read)
    }
  }

  /** The end of input cut a frame: the rest of it may be nobody's. */
  #noteCut(error: unknown): void {
    const { code, length = 0 } = error as FramingError
    if (code !== 'ERR_FRAME_INCOMPLETE') return
    this.hasMetEnd = true
    this.#cutDeliveredLength = length - this.#scanner.bufferedLength
  }

  /** Takes a read out; if it was served, the channel's terminator rules again. False: it is not here. */
  #drop(read: Read): boolean {
    const index = this.#reads.indexOf(read, this.#first)
    if (index === -1) return false
    if (index === this.#first) this.#dropFirst(read)
    else this.#reads.splice(index, 1)
    return true
  }

  #dropFirst(read: Read): void {
    this.#first++
    if (this.#first * 2 > this.#reads.length) {
      this.#reads.splice(0, this.#first)
      this.#first = 0
    }
    if (!this.#isServing) return
    this.#isServing = false
    read.release?.()
    this.#unread()
    this.#scanner.setTerminator(this.#ownTerminator)
  }

  /** What a read had seen of a frame begins one anew, under whatever rules then: the terminator may be the same. */
  #unread(): void {
    const scanner = this.#scanner
    if (scanner.frameLength === 0) return
    const unread = scanner.takeUnread()
    // Of a frame that was being discarded nothing is left but to say so.
    if (scanner.isInFrame) scanner.read()
    scanner.pushBack(unread)
  }
}
