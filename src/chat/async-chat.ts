import type { ChildProcess } from 'node:child_process'
import { abortError, channelClosed, frameTooLong, invalidState, invalidType, methodNotImplemented } from '../errors.js'
import { ByteQueue } from '../framing/byte-queue.js'
import { checkBytes, checkFunction, checkOptions, checkBoolean } from '../framing/checks.js'
import type { CodecSource } from '../framing/codec.js'
import type { Ending as FrameEnding } from '../framing/scan-state.js'
import type { FrameRule, Terminator } from '../framing/terminator.js'
import { type Chunk, type Source, checkSource, isChunk, isThenable } from '../producers/source.js'
import type { ProducerReadable } from '../streams/producer-readable.js'
import type { TerminatorSplitter } from '../streams/terminator-splitter.js'
import { ChatChannel } from './chat-channel.js'
import { checkDiscard } from './chat-input.js'
import { type AsyncChatOptions, type ChatHooks, type CloseInfo, type EndInfo, type TimeoutKind, checkSettings } from './chat-options.js'
import type { PushCallback } from './chat-output.js'
import { FrameRead, MessageRead, PieceRead, type Read, type ReadMessageOptions, type ReadOptions } from './chat-read.js'
import { ChatTransport, type Transport } from './chat-transport.js'
import { type DialOptions, type StartOptions, dial, orUndo, start, stop } from './dial.js'
import { type Detached, type UpgradeOptions, type Wrap, checkHandOver, detach, upgrade } from './hand-over.js'
import { HookCalls } from './hook-calls.js'
import { type HookResult, asError } from './hook-runner.js'

/** How to dial with {@link AsyncChat.connect}, and the options of the channel. */
export type ConnectOptions = DialOptions & AsyncChatOptions
/** What to start with {@link AsyncChat.spawn}, and the options of the channel. */
export type SpawnOptions = StartOptions & AsyncChatOptions

/** How a channel ended, beside what `handleClose` gets. */
export interface Ending {
  /** Somebody has heard of the error: a hook, or who asked for `whenClosed`. */
  readonly isTaken: boolean
  /** Its transport was given back. */
  readonly isDetached: boolean
}

/** What a server does with a channel of its own. */
export interface ServerSide {
  /** The channel is over; it is told before anybody else. The error is then its to report. */
  readonly onOver: (info: CloseInfo, ending: Ending) => void
  /** For a channel that has no timeouts of its own. */
  readonly idleTimeout: number
  readonly frameTimeout: number
}

/** What only its server may do with a channel. */
export interface ChannelSide {
  /** Whether `push` takes anything. */
  readonly canPush: boolean
  /** As `closeWhenDone()`, when the hook in progress has ended. */
  closeAfterHook(): void
  /** As `close()`, of a channel that failed its server. */
  abort(error: Error): void
}

/** Makes a channel a server's. */
export let serve: (chat: AsyncChat, side: ServerSide) => ChannelSide

/** A class of channels. */
export type AsyncChatClass<T extends AsyncChat = AsyncChat> = new (transport: any, options?: any) => T

/**
 * A channel for a protocol of commands and responses: frames come in by hooks, answers go out by `push`.
 *
 * Subclass it, or give the hooks as options. Input: `collectIncomingData` and `foundTerminator`, or `handleFrame`; or
 * none of them, and `await chat.readFrame('\n')`. **A terminator that is set in a hook rules the very next byte.** A
 * hook may be asynchronous: nothing else is read before it is done. Output: `push` queues data, `pushWithProducer` any
 * source; it goes out in order, as fast as the peer takes it. While more than `maxQueuedBytes` wait for a peer that
 * does not read, nothing more is read from it.
 *
 * Errors stop the input only: `handleError` gets the error of a hook, of the framing, of a source or of the transport,
 * and may still push an answer. Without it the channel is closed. `handleClose` is called exactly once, last.
 *
 * asynchat: `async_chat`.
 *
 * @example
 * ```ts
 * import { once } from 'node:events'
 * import type { AddressInfo } from 'node:net'
 * import { AsyncChat, createChatServer } from 'asynchat'
 *
 * class Upper extends AsyncChat {
 *   override handleFrame(line: Buffer): void {
 *     this.push(`${line.toString().toUpperCase()}\n`)
 *   }
 * }
 *
 * const server = createChatServer((socket) => new Upper(socket, { terminator: '\n' })).listen(0, '127.0.0.1')
 * await once(server, 'listening')
 * const chat = AsyncChat.connect({ port: (server.address() as AddressInfo).port, host: '127.0.0.1' })
 * chat.push('hello\nworld\n')
 * console.log(String(await chat.readFrame('\n')), String(await chat.readFrame('\n')))
 * chat.closeWhenDone()
 * await server.close()
 * ```
 * ```text
 * HELLO WORLD
 * ```
 */
export class AsyncChat implements Required<ChatHooks> {
  /** Default of the option `acInBufferSize`, in bytes. asynchat: `ac_in_buffer_size`. */
  static acInBufferSize = 65_536
  /** Default of the option `acOutBufferSize`, in bytes. asynchat: `ac_out_buffer_size`. */
  static acOutBufferSize = 65_536

  readonly #channel: ChatChannel
  readonly #hooks: HookCalls
  readonly #collected = new ByteQueue()
  readonly #closing = new AbortController()
  #whenClosed: Promise<CloseInfo> | null = null
  /** Somebody wants to know how it ends. */
  #isAwaited = false
  /** The `signal` of the options closes it. */
  #isAborted = false
  #resolveClosed: ((info: CloseInfo) => void) | null = null
  #closeInfo: CloseInfo | null = null
  #child: ChildProcess | null = null
  /** Of a server: it is told first. */
  #onOver: ServerSide['onOver'] | null = null

  /**
   * @param transport a Duplex (a socket, connected or connecting; `stdio()`), or `{ readable, writable }`. Throws a
   *   `TypeError` for anything else, and for one that is destroyed
   * @param options its hooks and settings. Wrong ones are a `TypeError` or `RangeError` here
   */
  constructor(transport: Transport, options: AsyncChatOptions = {}) {
    const settings = checkSettings(options, new.target)
    settings.tap = settings.tap?.bind(this)
    this.#hooks = new HookCalls(options, this, AsyncChat.prototype)
    // A subclass may still get its hooks as fields, after this constructor.
    if (new.target === AsyncChat) checkDiscard(this.#hooks.inputMode(), settings.overflow, 'options.overflow')
    this.#channel = new ChatChannel(new ChatTransport(transport), settings, this.#hooks, (info, isDetached) => this.#finish(info, isDetached))
    this.#obey(settings.signal)
  }

  /**
   * Dials and gives the channel at once; what is pushed before the connection waits for it. `{ port, host }` TCP,
   * `{ path }` a Unix socket, with `tls: true` or TLS options over TLS; the other options are those of `net.connect`
   * and of the channel. A connection that fails goes to `handleError`. asynchat: `create_socket` and `connect`.
   */
  static connect<T extends AsyncChat>(this: AsyncChatClass<T>, options: ConnectOptions): T {
    const socket = dial(options)
    return orUndo(() => new this(socket, options), () => void socket.on('error', () => {}).destroy())
  }

  /**
   * Starts a process and talks to it: its stdout is the input, its stdin the output; `child` is the process. Its
   * stderr is ours, unless `stderr` says otherwise. The other options are those of `child_process.spawn` and of the
   * channel. A process that cannot be started goes to `handleError`.
   */
  static spawn<T extends AsyncChat>(this: AsyncChatClass<T>, command: string, args: readonly string[] = [], options: SpawnOptions = {}): T {
    const { child, transport } = start(command, args, options)
    const chat = orUndo(() => new this(transport, options), () => stop(child))
    chat.#child = child
    // The ends of a process that could not be started just close.
    child.on('error', (error) => chat.#channel.onError(error))
    return chat
  }

  // Input

  /**
   * Sets what ends the next frame, from the first byte not delivered on. In `collectIncomingData` that is the byte
   * after the data, or the delimiter that was about to end the frame. Drops a running count; lets the input go on
   * after a frame that failed. Throws a `TypeError` or `RangeError` for what is none. asynchat: `set_terminator`.
   */
  setTerminator(terminator: Terminator): void {
    if (isRule(terminator)) checkDiscard(this.#channel.loop.mode, terminator.overflow, 'terminator.overflow')
    this.#channel.setTerminator(terminator)
  }

  /** What ends the next frame; for a running count the bytes still missing. asynchat: `get_terminator`. */
  getTerminator(): Terminator {
    return this.#channel.reads.getTerminator()
  }

  /** How the frame or piece delivered last ended; null: the frame goes on, or there was none. */
  get ending(): FrameEnding | null {
    return this.#channel.input.scanner.ending
  }

  /** Position in the stream of the first byte of the frame delivered last. */
  get offset(): number {
    return this.#channel.input.scanner.offset
  }

  /** Which delimiter of a set ended the frame delivered last; 0 for a single one and for other endings. */
  get matched(): number {
    return this.#channel.input.scanner.matched
  }

  /**
   * Keeps bytes for `takeCollected()`; throws `ERR_FRAME_TOO_LONG` past the frame's `maxFrameLength`.
   * asynchat: `_collect_incoming_data`.
   */
  collect(data: Uint8Array): void {
    const { maxFrameLength, offset, frameCount } = this.#channel.input.scanner
    const length = this.#collected.length + checkBytes('data', data).length
    if (length > maxFrameLength) throw frameTooLong(maxFrameLength, length, offset, frameCount)
    this.#collected.appendCompact(data)
  }

  /**
   * What was collected, and forgets it. In `handleEnd` of a channel with `handleFrame`: the bytes of the frame that
   * the end cut. asynchat: `_get_data`.
   */
  takeCollected(): Buffer {
    const bytes = Buffer.allocUnsafe(this.#collected.length)
    this.#collected.copyTo(bytes)
    this.#collected.clear()
    return bytes
  }

  /**
   * The next frame, or null where the input ended before it. The channel's terminator does not change. Reads are
   * served in the order of their calls; one that is given up (`signal`, `timeout`) loses no byte.
   *
   * Rejects with `ERR_FRAME_INCOMPLETE` where the end of input cut the frame, with `ERR_FRAME_TOO_LONG` (for a count
   * too), in both cases with the bytes still unread; with the channel's error, or `ERR_CHANNEL_CLOSED`, when it ends;
   * with `ERR_INVALID_STATE` where two would race: a channel that has input hooks may only read while one of its hooks
   * runs or is pending, and not inside a frame that is being collected.
   */
  readFrame(terminator: Terminator, options?: ReadOptions): Promise<Buffer | null> {
    try {
      const read = new FrameRead(terminator, options, this.#channel.reads)
      this.#add(read)
      return read.promise
    } catch (error) {
      return Promise.reject(asError(error))
    }
  }

  /**
   * The next frame in pieces, as they arrive and are asked for; for frames of any length. Leaving the loop early
   * leaves the rest unread. An end of input before the frame's own is `ERR_FRAME_INCOMPLETE`, but for `null`, which
   * means everything up to it. Otherwise as `readFrame()`.
   */
  readPieces(terminator: Terminator, options?: ReadOptions): AsyncIterableIterator<Buffer, undefined> {
    const read = new PieceRead(terminator, options, this.#channel.reads)
    this.#add(read)
    return read
  }

  /**
   * The next message, as the codec reads it, or null where the input ended before it. In all else as `readFrame()`; a
   * read that is given up leaves all bytes of its message unread. A codec that remembers something from one message to
   * the next is one `() => codec` for all reads of this channel.
   */
  readMessage<In>(codec: CodecSource<In, any>, options: ReadMessageOptions = {}): Promise<In | null> {
    try {
      const { maxMessageLength, ...readOptions } = checkOptions('options', options)
      const messages = this.#channel.reads.messagesOf(codec, maxMessageLength === undefined ? {} : { maxMessageLength })
      const read = new MessageRead<In>(messages, readOptions, this.#channel.reads)
      this.#add(read)
      return read.promise
    } catch (error) {
      return Promise.reject(asError(error))
    }
  }

  /** No further byte is looked at, until `resumeReading()`; the clocks stand still. */
  pauseReading(): void {
    this.#channel.isPaused = true
  }

  resumeReading(): void {
    this.#channel.isPaused = false
    this.#channel.loop.schedule()
  }

  // Output

  /**
   * Queues a string (as UTF-8) or bytes (by reference: do not change them). False: more than `acOutBufferSize` bytes
   * wait now (`handleDrain` tells when they are gone), or the peer is gone. The callback runs once, when it is written
   * or with the reason why it never will be.
   *
   * Throws a `TypeError` for anything else, `ERR_CHANNEL_CLOSED` after `closeWhenDone()`, `end()` or `close()`; where
   * the peer or an error has closed the channel it does not. asynchat: `push`.
   */
  push(data: Chunk, callback?: PushCallback): boolean {
    if (!isChunk(data)) throw invalidType('data', 'a string or bytes (a producer goes to pushWithProducer())', data)
    return this.#push(data, callback)
  }

  /** As `push`, of any {@link Source}: it is asked for more as fast as the peer takes it. asynchat: `push_with_producer`. */
  pushWithProducer(source: Source, callback?: PushCallback): boolean {
    checkSource('source', source)
    return this.#push(source, callback)
  }

  /** Bytes that were pushed and not written; a source of unknown size counts `acOutBufferSize`. */
  get queuedBytes(): number {
    return this.#channel.queuedBytes
  }

  /** Ends the output when all is written; the input goes on. */
  end(): void {
    this.#channel.endOutput()
  }

  // The end

  /**
   * Ends the channel well: no further input hook starts, what is queued is written, at once when nothing is; then the
   * output ends. The transport is destroyed when the peer has ended its side too, or after `lingerTimeout`.
   * asynchat: `close_when_done`.
   */
  closeWhenDone(): void {
    this.#channel.closeWhenDone()
  }

  /** Destroys the transport now: nothing more is read or written, and no hook runs but `handleClose`. asynchat: `close`. */
  close(error?: Error): void {
    if (error !== undefined && !(error instanceof Error)) throw invalidType('error', 'an Error', error)
    this.#channel.close(error)
  }

  /**
   * Drops what was received and not delivered, what was collected, and the queued sources (their callbacks get
   * `ERR_DISCARDED`). The terminator, a running count and a pending close stay. asynchat: `discard_buffers`.
   */
  discardBuffers(): void {
    this.#channel.discard()
    this.#collected.clear()
  }

  /** Whether the channel is over, and `handleClose` called, or about to be. */
  get closed(): boolean {
    return this.#channel.phase === 'closed'
  }

  /** Whether the transport is connected. asynchat: `connected`. */
  get connected(): boolean {
    return this.#channel.isConnected
  }

  /** Resolves with what `handleClose` gets; never rejects. */
  get whenClosed(): Promise<CloseInfo> {
    this.#isAwaited = true
    return this.#untilClosed()
  }

  /** Aborted when the channel is over. */
  get signal(): AbortSignal {
    return this.#closing.signal
  }

  /** Closes when done, and waits for it. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.closeWhenDone()
    await this.#untilClosed()
  }

  // Hand-over

  /**
   * Changes the transport under the channel, as STARTTLS does: stops reading, writes what was pushed and `before`,
   * wraps the transport and goes on over what `wrap` gave, when it is connected. What is pushed meanwhile goes over the
   * new one.
   *
   * Rejects with `ERR_UNREAD_INPUT`, and changes nothing, where bytes were received that nobody has read: they came
   * unprotected. An error of `wrap` closes the channel.
   */
  upgrade(wrap: Wrap, options: UpgradeOptions = {}): Promise<void> {
    return handOver(() => {
      checkFunction('wrap', wrap)
      const { before, allowUnread = false } = checkOptions('options', options)
      checkBoolean('options.allowUnread', allowUnread)
      if (before !== undefined) checkSource('options.before', before)
      checkHandOver(this.#channel, 'upgrade()')
      return upgrade(this.#channel, wrap, options)
    })
  }

  /**
   * Ends the channel and gives its transport back, not destroyed and without a listener of ours, when all that was
   * pushed is written. `unread` was received and not delivered: the next owner has it first. `handleClose` is not called.
   */
  detach(): Promise<Detached> {
    return handOver(() => {
      checkHandOver(this.#channel, 'detach()')
      return detach(this.#channel)
    })
  }

  /** The stream that holds the input. The channel is its reader. */
  get splitter(): TerminatorSplitter {
    return this.#channel.splitter
  }

  /** The stream that holds the output. The channel is its reader. */
  get producers(): ProducerReadable {
    return this.#channel.output.producers
  }

  /** The transport, as it was given; after an upgrade what `wrap` gave. */
  get transport(): Transport {
    return this.#channel.transport.given
  }

  /** The process of `spawn()`; else null. */
  get child(): ChildProcess | null {
    return this.#child
  }

  /** The largest piece given to `collectIncomingData`, in bytes. */
  get acInBufferSize(): number {
    return this.#channel.settings.acInBufferSize
  }

  /** The high-water mark of the queue, and the largest write, in bytes. */
  get acOutBufferSize(): number {
    return this.#channel.settings.acOutBufferSize
  }

  /** Bytes for a slow peer past which no frame is cut. */
  get maxQueuedBytes(): number {
    return this.#channel.settings.maxQueuedBytes
  }

  // The hooks, to be overridden

  handleConnect(): HookResult {}

  collectIncomingData(_data: Buffer): HookResult {
    throw methodNotImplemented('collectIncomingData')
  }

  foundTerminator(): HookResult {
    throw methodNotImplemented('foundTerminator')
  }

  handleFrame(_frame: Buffer): HookResult {
    throw methodNotImplemented('handleFrame')
  }

  handleEnd(_info: EndInfo): HookResult {
    this.closeWhenDone()
  }

  handleClose(_info: CloseInfo): HookResult {}

  handleError(error: Error): HookResult {
    this.#channel.abort(error)
  }

  handleDrain(): HookResult {}

  handleTimeout(kind: TimeoutKind): HookResult {
    this.#channel.abort(this.#channel.timeoutError(kind))
  }

  #push(source: Source, callback: PushCallback | undefined): boolean {
    if (callback !== undefined) checkFunction('callback', callback)
    const channel = this.#channel
    if (channel.isClosedByUs) throw channelClosed('Cannot push: the channel is closed, or closing when done')
    return channel.output.push(source, callback)
  }

  /** Queues a read, or refuses it where it would race with something else that reads. */
  #add(read: Read): void {
    const channel = this.#channel
    if (channel.phase !== 'open' || channel.error !== undefined) {
      // What came to its end well can be read to its end, by those that ask late too.
      if (channel.isReadableLate && !channel.input.scanner.isEmpty) channel.reads.serveLate(read)
      else if (channel.isReadableLate && channel.isAtEnd) read.end()
      else read.fail(channel.error ?? channel.reads.farewell)
      return
    }
    try {
      this.#checkPlace()
    } catch (error) {
      // It watches a signal and a clock.
      read.fail(error)
      throw error
    }
    channel.loop.read(read)
  }

  #checkPlace(): void {
    const { loop, input } = this.#channel
    const { mode, isInHook } = loop
    if (mode !== 'reads' && !isInHook) {
      throw invalidState('a read outside of a hook, in a channel whose hooks take the input')
    }
    const { deliveredLength, isSkipping } = input.scanner
    if (deliveredLength > 0) throw invalidState('a read inside a frame of which a part was delivered')
    if (isSkipping) throw invalidState('a read inside a frame that is too long, and skipped')
  }

  #obey(signal: AbortSignal | undefined): void {
    if (signal === undefined) return
    const abort = (): void => {
      this.#isAborted = !this.#channel.isOver
      this.#channel.abort(abortError(signal.reason))
    }
    if (signal.aborted) return abort()
    signal.addEventListener('abort', abort, { once: true })
    this.signal.addEventListener('abort', () => signal.removeEventListener('abort', abort), { once: true })
  }

  /** The channel is over: tells everybody, the hook last. */
  #finish(info: CloseInfo, isDetached: boolean): void {
    const { error } = info
    const { toldError } = this.#channel.reads
    const isTaken = this.#isAwaited || this.#isAborted || toldError === error || this.#hooks.isGiven('handleClose') || (this.#hooks.isGiven('handleError') && !this.#channel.loop.hasErrorHookFailed)
    this.#closeInfo = info
    try {
      // What a listener of the server throws is its own, and keeps nobody from hearing of the end.
      this.#onOver?.(info, { isTaken, isDetached })
    } finally {
      this.#closing.abort()
      this.#resolveClosed?.(info)
      if (error !== undefined && !isTaken && this.#onOver === null) process.emitWarning(error)
      if (!isDetached) this.#runCloseHook(info)
    }
  }

  #untilClosed(): Promise<CloseInfo> {
    return (this.#whenClosed ??= new Promise((resolve) => {
      if (this.#closeInfo === null) this.#resolveClosed = resolve
      else resolve(this.#closeInfo)
    }))
  }

  /** Nobody is left to be told of its failure. */
  #runCloseHook(info: CloseInfo): void {
    try {
      const result = this.#hooks.call('handleClose', info)
      if (isThenable(result)) result.then(undefined, warn)
    } catch (error) {
      warn(error)
    }
  }

  static {
    serve = (chat, { onOver, idleTimeout, frameTimeout }) => {
      const { settings } = chat.#channel
      settings.idleTimeout ??= idleTimeout
      settings.frameTimeout ??= frameTimeout
      chat.#onOver = onOver
      return chat.#channel
    }
  }
}

/** A mistake in the call is told to who made it; that a hand-over failed, by the channel too, awaited or not. */
function handOver<T>(begin: () => Promise<T>): Promise<T> {
  try {
    const promise = begin()
    promise.catch(() => {})
    return promise
  } catch (error) {
    return Promise.reject(asError(error))
  }
}

function isRule(terminator: Terminator): terminator is FrameRule {
  return typeof terminator === 'object' && terminator !== null && 'until' in terminator
}

function warn(error: unknown): void {
  process.emitWarning(asError(error))
}
