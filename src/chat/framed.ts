import type { TransformOptions } from 'node:stream'
import { channelClosed, failureOf, invalidState, invalidType } from '../errors.js'
import { checkFunction, checkOptions, checkTimeout } from '../framing/checks.js'
import { type CodecSource, checkCodec } from '../framing/codec.js'
import { MessageScanner } from '../framing/message-scanner.js'
import type { DecoderOptions } from '../streams/decoder.js'
import { encoded } from '../streams/encoder.js'
import { MessageSupply } from '../streams/message-supply.js'
import { type DemandControls, DuplexOnDemand, demandOf } from '../streams/on-demand.js'
import { transformOptions } from '../streams/splitter-options.js'
import type { Callback, WriteGate } from '../streams/write-gate.js'
import { WrittenCodecs } from '../streams/written-codecs.js'
import { CHUNK_WANTED, type Source, isChunk, toBuffer } from '../producers/source.js'
import { ChatOutput, type OutputEvents } from './chat-output.js'
import { ChatTransport, type Transport, type TransportEvents } from './chat-transport.js'
import type { Detached } from './hand-over.js'

/** Options of {@link framed}: those of a decoder, and these. */
export interface FramedOptions<Out> extends Omit<DecoderOptions, 'writableHighWaterMark'> {
  /** Messages written and not sent from which `write()` gives false. @defaultValue 16 */
  readonly writableHighWaterMark?: number
  /** The last message to a peer that broke the protocol: it is written before the stream is destroyed with the error. */
  readonly errorReply?: (error: Error) => Out | undefined
}

const DEFAULT_MESSAGE_COUNT = 16
const HIGH_WATER_MARK_BYTES = 65_536
/** Time for a last message to be taken by a peer that broke the protocol. */
const LAST_WORDS_MS = 2_000

/** A Duplex of messages over a transport of bytes: see {@link framed}, which makes one. */
export class Framed<In, Out = In> extends DuplexOnDemand<In> {
  readonly #scanner: MessageScanner<In>
  readonly #demand: DemandControls
  readonly #transport: ChatTransport
  readonly #errorReply: ((error: Error) => Out | undefined) | undefined
  readonly #output: ChatOutput
  readonly #gate: WriteGate
  readonly #codecs: WrittenCodecs<Out>
  #isConnected = false
  /** The scanner has used up what it was given. */
  #isHungry = true
  #hasEnded = false
  /** All that was written goes to the output at once, however much: it is the last. */
  #isDraining = false
  /** The output is ending, for another reason than `end()`. */
  #isLeaving = false
  /** How the peer broke the protocol: what else comes from it, its end too, is nothing. */
  #refusal: Error | null = null
  /** Why nothing can be sent any more, though there may be something to read. */
  #outputError: Error | null = null
  #isDetached = false
  /** Of a write that waits until less is queued. */
  #resume: Callback | null = null
  #finalDone: Callback | null = null

  constructor(transport: Transport, codec: CodecSource<In, Out>, options: FramedOptions<Out> = {}) {
    const { errorReply, writableHighWaterMark = DEFAULT_MESSAGE_COUNT, frameTimeout = 0, ...others } = checkOptions('options', options)
    if (errorReply !== undefined) checkFunction('options.errorReply', errorReply)
    checkTimeout('options.frameTimeout', frameTimeout)
    const port = new ChatTransport(transport)
    const checked = checkCodec<In, any>('codec', codec)
    const scanner = new MessageScanner<In>(checked, others)
    const supply = new MessageSupply<In>(scanner, (error) => {
      // Nothing is looked at, or read, any more.
      supply.gate.close()
      this.#refusal = error
      void this.#refuse(error)
    })
    const streamOptions: TransformOptions = { ...transformOptions(others), writableObjectMode: true, writableHighWaterMark }
    super({ scanner, supply, frameTimeout, options: streamOptions, destroysAtEnd: false })
    this.#scanner = scanner
    this.#demand = demandOf(this)
    this.#transport = port
    this.#errorReply = errorReply
    this.#codecs = new WrittenCodecs(checked)
    this.#gate = supply.gate
    this.#output = new ChatOutput(HIGH_WATER_MARK_BYTES, this.#outputEvents())
    port.stayHalfOpen()
    port.watch(this.#transportEvents())
  }

  /** Another codec rules from the first byte after the last message delivered, and for what is written from now on. */
  setCodec(codec: CodecSource<In, any>): void {
    const checked = checkCodec<In, any>('codec', codec)
    this.#scanner.setCodec(checked)
    this.#codecs.set(checked)
    this.#demand.lookAgain()
  }

  /** Bytes received that are in no message delivered. */
  get bufferedLength(): number {
    return this.#scanner.bufferedLength
  }

  /** The transport, as it was given. */
  get transport(): Transport {
    return this.#transport.given
  }

  /**
   * Gives the transport back, not destroyed and without a listener of ours, when all that was written is sent. `unread`
   * was received and not delivered: the next owner has it first.
   */
  async detach(): Promise<Detached> {
    if (this.destroyed) throw channelClosed('Cannot detach: the stream is destroyed')
    if (!this.#isConnected) throw invalidState('detach() before the transport is connected')
    if (this.#isLeaving) throw invalidState('detach() of a stream that is leaving its transport')
    await this.#finishOutput()
    if (this.destroyed) throw channelClosed('Cannot detach: the stream is destroyed')
    // What comes from now on is the next owner's.
    this.#gate.close()
    const unread = this.takeUnread()
    this.#isDetached = true
    this.#transport.release()
    this.destroy()
    return { transport: this.#transport.given, unread }
  }

  override write(message: Out, done?: (error: Error | null | undefined) => void): boolean
  override write(message: Out, encoding: BufferEncoding, done?: (error: Error | null | undefined) => void): boolean
  override write(message: Out, ...others: any[]): boolean {
    const takesMore = super.write(message, ...others)
    this.#codecs.noteWritten()
    return takesMore
  }

  override _write(message: Out, _encoding: BufferEncoding, done: Callback): void {
    let source: Source
    try {
      if (this.#outputError !== null) throw this.#outputError
      source = encoded(this.#codecs.next(), message)
    } catch (error) {
      done(failureOf(error))
      return
    }
    if (this.#output.push(source, undefined) || this.#isDraining) done()
    else this.#resume = done
  }

  override _final(done: Callback): void {
    if (this.#outputError !== null) {
      done(this.#lostOutput)
      return
    }
    this.#finalDone = done
    this.#output.end(({ writable }) => void writable.end())
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    super._destroy(error, (failure) => {
      const reason = error ?? channelClosed('The stream is destroyed')
      this.#output.fail(reason)
      // The stream itself tells the writes behind this one, and not the one in work, nor who waits for the end.
      this.#goOn(reason)
      this.#finalDone?.(reason)
      this.#finalDone = null
      if (!this.#isDetached) this.#transport.destroy(error ?? undefined)
      done(failure ?? null)
    })
  }

  #transportEvents(): TransportEvents {
    return {
      onConnect: () => this.#onConnect(),
      onReadable: () => this.#onReadable(),
      onEnd: () => this.#onEnd(),
      onDrained: () => this.#output.drain(),
      onFinish: () => this.#onFinish(),
      onError: (error) => void this.destroy(this.#refusal ?? error),
      onClose: () => this.#onClose(),
    }
  }

  #outputEvents(): OutputEvents {
    return {
      onWrite: nothing,
      onWritten: () => this.#onWritten(),
      onDrain: nothing,
      onQueueLost: nothing,
      // A message that is made as it is sent failed on the way.
      fail: (error) => void this.destroy(error),
    }
  }

  #onConnect(): void {
    this.#isConnected = true
    this.#output.start(this.#transport)
    this.#onReadable()
  }

  #onReadable(): void {
    if (this.#refusal !== null) this.#discard()
    if (!this.#isHungry || this.#hasEnded || !this.#isConnected || this.destroyed) return
    const chunk: unknown = this.#transport.readable.read()
    if (chunk === null) return
    this.#isHungry = false
    if (isChunk(chunk)) this.#demand.feed([toBuffer(chunk)], this.#ask, true)
    else this.destroy(invalidType('what the transport gives', CHUNK_WANTED, chunk))
  }

  #discard(): void {
    while (!this.destroyed && this.#transport.readable.read() !== null);
  }

  #onEnd(): void {
    if (this.#refusal !== null) return
    this.#hasEnded = true
    this.#demand.feedEnd(() => void this.push(null))
  }

  /** The output ended and was written, or the peer closed its side of a pair. */
  #onFinish(): void {
    const done = this.#finalDone
    if (done === null || !this.#transport.writable.writableFinished) {
      this.#stopWriting()
    } else {
      this.#finalDone = null
      done()
    }
  }

  /** What came before a clean end is still to be read. */
  #onClose(): void {
    if (!this.#hasEnded || this.#refusal !== null) {
      this.destroy(this.#refusal ?? undefined)
      return
    }
    this.#stopWriting()
    const leave = (): void => void this.destroy(this.#lostOutput ?? undefined)
    if (this.readableEnded) leave()
    else this.once('end', leave)
  }

  /** A write that waits fails; an end that waits is told at the end of what is to be read. */
  #stopWriting(): void {
    this.#outputError ??= this.#refusal ?? channelClosed('The peer takes no more')
    this.#output.fail(this.#outputError)
    this.#goOn(this.#outputError)
  }

  /** What becomes of messages that were written and not sent. */
  get #lostOutput(): Error | null {
    return this.#output.unsent > 0 ? this.#outputError : null
  }

  #onWritten(): void {
    if (this.#isLeaving || this.#output.queuedBytes > HIGH_WATER_MARK_BYTES) return
    this.#goOn()
  }

  #goOn(error: Error | null = null): void {
    const resume = this.#resume
    this.#resume = null
    resume?.(error)
  }

  /** Writes all that the stream was given, and what `makeLast` gives then; nothing after it. */
  #finishOutput(makeLast: () => Source | undefined = nothing): Promise<ChatTransport> {
    this.#isDraining = true
    while (this.writableCorked > 0) this.uncork()
    this.#goOn()
    this.#isDraining = false
    this.#isLeaving = true
    const last = makeLast()
    if (last !== undefined) this.#output.push(last, undefined)
    return this.#output.finish()
  }

  /** The scanner has used up what it had. */
  readonly #ask = (): void => {
    this.#isHungry = true
    this.#onReadable()
  }

  /** The peer broke the protocol. It may be told so, if it takes it in time. */
  async #refuse(error: Error): Promise<void> {
    this.#discard()
    const timer = setTimeout(() => this.destroy(error), LAST_WORDS_MS)
    try {
      if (this.#errorReply !== undefined && !this.writableEnded && !this.#isLeaving) {
        // A codec with a memory encodes it last, too.
        const { writable } = await this.#finishOutput(() => this.#replyTo(error))
        await new Promise((resolve) => {
          writable.end(resolve)
        })
      }
    } catch {
      // The transport's own error has destroyed the stream, or nothing could be said.
    }
    clearTimeout(timer)
    this.destroy(error)
  }

  #replyTo(error: Error): Source | undefined {
    const reply = this.#errorReply?.(error)
    return reply === undefined ? undefined : encoded(this.#codecs.last, reply)
  }
}

/**
 * A Duplex of messages over a transport of bytes: what is read are the peer's messages, what is written goes to it.
 *
 * A codec that is set when a message is taken rules the very next byte, in every way of consuming. The peer is read as
 * fast as its messages are taken; `write()` gives false while it does not take ours. The end of the peer's side ends the
 * readable side only.
 *
 * @example
 * ```ts
 * import { framed, jsonLines } from 'asynchat'
 * import { duplexPair } from 'node:stream'
 *
 * const [here, there] = duplexPair()
 * const client = framed(here, jsonLines())
 * const server = framed(there, jsonLines())
 * client.end({ add: [1, 2] })
 * for await (const request of server) server.write(request)
 * server.end()
 * for await (const answer of client) console.log(answer)
 * ```
 * ```text
 * { add: [ 1, 2 ] }
 * ```
 */
export function framed<In, Out = In>(transport: Transport, codec: CodecSource<In, Out>, options: FramedOptions<Out> = {}): Framed<In, Out> {
  return new Framed(transport, codec, options)
}

function nothing(): undefined {}
