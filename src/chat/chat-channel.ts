/**
 * The life of a channel, from the connection to the end: which phase it is in, and what its transport, its output and
 * its owner do to it. What happens in between, on a connection that is open, is the loop's.
 *
 * Theory: a channel is over when both of its sides are. The input is over when the peer has ended it, everything before
 * the end was delivered, and `handleEnd` has answered. The output is over when we have ended it and all was written.
 */
import { channelClosed, frameTimeout, idleTimeout } from '../errors.js'
import type { FrameScanner } from '../framing/frame-scanner.js'
import type { Terminator } from '../framing/terminator.js'
import { type SplitterDoor, TerminatorSplitter, openSplitter } from '../streams/terminator-splitter.js'
import { ChatClocks } from './chat-clocks.js'
import { ChatInput } from './chat-input.js'
import type { CheckedSettings, CloseInfo, TimeoutKind } from './chat-options.js'
import { ChatOutput, type OutputEvents } from './chat-output.js'
import { ChatReads } from './chat-reads.js'
import type { ChatTransport, TransportEvents } from './chat-transport.js'
import type { HookCalls } from './hook-calls.js'
import { asError } from './hook-runner.js'
import { ChatLoop } from './chat-loop.js'

type Phase =
  /** Frames are cut. */
  | 'open'
  /** Handed over, or about to be: nothing is read, what is queued is written. */
  | 'leaving'
  /** `closeWhenDone()`: what comes is thrown away, what is queued is written. */
  | 'finishing'
  /** Destroyed: the transport's close is awaited. */
  | 'closing'
  | 'closed'

export class ChatChannel implements TransportEvents, OutputEvents {
  readonly settings: CheckedSettings
  readonly splitter: TerminatorSplitter
  readonly door: SplitterDoor
  readonly loop: ChatLoop
  readonly input: ChatInput
  readonly reads: ChatReads
  transport: ChatTransport
  output: ChatOutput
  /** During an upgrade: the output of the transport that is being wrapped. */
  formerOutput: ChatOutput | null = null
  phase: Phase = 'open'
  isConnected = false
  isPaused = false
  hasEndedOutput = false
  /** We ended or closed it, and not because of the peer or an error: to push all the same is a mistake. */
  isClosedByUs = false
  /** What ended the channel. */
  error: Error | undefined
  /** Closes when done as soon as nothing is in the way: a hook in progress, an upgrade. */
  isLeavingSoon = false
  /** During an upgrade, in place of `handleConnect`: the new transport is connected, or never will be. */
  #onReplaced: ((error?: Error) => void) | null = null
  /** Something went wrong, or the peer was too slow. */
  #hasFailed = false
  readonly #onClosed: (info: CloseInfo, isDetached: boolean) => void
  readonly #clocks: ChatClocks
  readonly #scanner: FrameScanner
  #isOutputOver = false
  #isTransportOver = false
  #lingerTimer: NodeJS.Timeout | undefined
  /** Bytes of the frame that did not end. */
  #cutLength = 0

  constructor(transport: ChatTransport, settings: CheckedSettings, hooks: HookCalls, onClosed: (info: CloseInfo, isDetached: boolean) => void) {
    const { terminator, maxFrameLength, overflow, acInBufferSize, acOutBufferSize } = settings
    this.settings = settings
    this.transport = transport
    this.loop = new ChatLoop(this, hooks)
    this.#onClosed = onClosed
    // A frame that the end cuts is not lost: it is collected, and not passed for a whole one.
    this.splitter = new TerminatorSplitter(terminator, { maxFrameLength, overflow, rearmCount: false, tail: 'emit' })
    this.door = openSplitter(this.splitter, { isWaiting: false, serve: () => this.loop.pump() })
    this.#scanner = this.door.scanner
    this.input = new ChatInput(this.#scanner, acInBufferSize, (chunk) => this.#onChunk(chunk))
    this.reads = new ChatReads(this.#scanner, () => this.loop.schedule())
    this.output = new ChatOutput(acOutBufferSize, this)
    this.#clocks = new ChatClocks((kind) => this.#onLate(kind))
    this.splitter.on('error', (error: Error) => this.close(error)).on('close', () => this.close())
    this.#watch()
  }

  /** Bytes that wait for the peer. */
  get queuedBytes(): number {
    return this.output.queuedBytes + (this.formerOutput?.queuedBytes ?? 0)
  }

  /** Whether no more is to be read, because the peer does not read. */
  get hasEnoughQueued(): boolean {
    return this.output.waitingBytes > this.settings.maxQueuedBytes
  }

  /** Bytes of the frame that goes on, or that the end cut. */
  get unfinishedLength(): number {
    return this.input.unfinishedLength || this.reads.cutLength
  }

  /** Whether what is pushed has a chance. */
  get canPush(): boolean {
    return !this.hasEndedOutput && !this.isOver && this.error === undefined
  }

  get isOver(): boolean {
    return this.phase === 'closing' || this.phase === 'closed'
  }

  /** Whether a read finds the end of input, and nothing before it. */
  get isAtEnd(): boolean {
    return this.input.hasEnded && (this.#scanner.isEmpty || this.reads.hasMetEnd)
  }

  setTerminator(terminator: Terminator): void {
    if (!this.reads.keepTerminator(terminator)) this.splitter.setTerminator(terminator)
    this.input.failure = null
    this.loop.schedule()
  }

  /** Something failed: a hook, the framing, a source. */
  fail(error: Error): void {
    // That of the transport was told, and comes again from a hook that awaited a read.
    if (this.isOver || error === this.error || error === this.reads.farewell) return
    this.#hasFailed = true
    this.loop.report(error, false)
  }

  /** Destroys everything now. */
  close(error?: Error): void {
    if (this.isOver) return
    this.#decideWhoEnds()
    this.phase = 'closing'
    this.error ??= error
    this.#stop()
    if (!this.#isTransportOver) this.#awaitClose(() => this.transport.destroy(error))
    // Of a transport that is being wrapped we do not see the close.
    if (this.#isTransportOver || this.transport.isReleased) process.nextTick(() => this.#finish())
  }

  /** As `close()`, because of an error: who pushes to it afterwards makes no mistake. */
  abort(error: Error): void {
    this.#hasFailed = true
    this.close(error)
  }

  /** What failed was dealt with, and the channel goes on: if it ends, it is not because of that. */
  recover(): void {
    if (this.phase === 'open' && this.error === undefined) this.#hasFailed = false
  }

  /** Ends the output when all is written. */
  endOutput(): void {
    if (this.hasEndedOutput || this.isOver) return
    this.#decideWhoEnds()
    this.hasEndedOutput = true
    this.output.end(({ writable }) => void writable.end())
  }

  /** Nothing more is read; closes when all is written and the peer has ended too. */
  closeWhenDone(): void {
    this.isLeavingSoon = true
    if (this.phase !== 'open') return
    this.phase = 'finishing'
    this.reads.failAll(this.reads.farewell)
    this.endOutput()
    this.settleEnds()
    this.loop.schedule()
  }

  /** Drops what was received and not delivered, and the sources. */
  discard(): void {
    this.input.discard()
    this.output.discard()
    this.formerOutput?.discard()
  }

  /** As `closeWhenDone()`, when the hook in progress has ended: it may still push. */
  closeAfterHook(): void {
    this.isLeavingSoon = true
    this.loop.schedule()
  }

  /** Ends the channel without its transport, which somebody else has now. */
  leave(): void {
    this.phase = 'closing'
    this.#stop()
    this.transport.release()
    this.#finish(true)
  }

  /** Goes on over another transport, when it is connected; the old one was released. */
  replaceTransport(transport: ChatTransport, onReplaced: (error?: Error) => void): void {
    this.#onReplaced = onReplaced
    this.transport = transport
    this.#watch()
    this.loop.schedule()
  }

  throwIfOver(): void {
    if (this.isOver) throw this.error ?? channelClosed('The channel is closed')
  }

  /** The error of a clock that ran out. */
  timeoutError(kind: TimeoutKind): Error {
    if (kind === 'idle') return idleTimeout(this.#idleTimeout)
    return frameTimeout(this.#frameTimeout, this.#scanner.frameOffset, this.#scanner.frameCount)
  }

  onConnect(): void {
    if (this.isOver) return
    this.isConnected = true
    this.#clocks.touch()
    this.output.start(this.transport)
    if (this.#onReplaced === null) {
      this.loop.begin()
    } else {
      this.phase = 'open'
      this.#settleReplacement()
    }
    this.loop.pump()
  }

  onReadable(): void {
    this.loop.pump()
  }

  onEnd(): void {
    this.input.end()
    // Who ends its side before the new transport is connected will never connect it.
    if (this.#onReplaced !== null) this.close(channelClosed('The peer ended the connection during the upgrade'))
    this.settleEnds()
    this.loop.pump()
  }

  onDrained(): void {
    this.output.drain()
  }

  onFinish(): void {
    this.#isOutputOver = true
    const isWritten = this.hasEndedOutput && this.transport.writable.writableFinished
    if (!isWritten) this.output.fail(channelClosed('The peer takes no more'))
    this.settleEnds()
    // What waited for a slow peer is gone: there may be something to read.
    this.loop.schedule()
  }

  onError(error: Error): void {
    // After the last byte was written, a reset is one way for the peer to end.
    if (this.isOver || (this.phase === 'finishing' && this.#isOutputOver)) return
    this.#hasFailed = true
    this.error ??= error
    this.output.fail(error)
    this.formerOutput?.fail(error)
    this.reads.failAll(error)
    // The close comes at once: there is no waiting for the hook that is pending.
    this.loop.report(error, true)
    this.loop.pump()
  }

  onClose(): void {
    this.#isTransportOver = true
    // What came before the end is still to be delivered and answered for.
    const isUnanswered = this.phase === 'open' && this.input.hasEnded && this.loop.end !== 'done' && this.error === undefined
    if (isUnanswered) this.output.fail(channelClosed('The peer takes no more'))
    else this.#finish()
    this.loop.pump()
  }

  onWrite(bytes: Buffer): void {
    this.#clocks.touch()
    this.#tap('out', bytes)
    // The clock of a peer that takes it, or does not, runs from here.
    this.loop.schedule()
  }

  onWritten(): void {
    this.#clocks.touch()
    this.loop.schedule()
  }

  onQueueLost(): void {
    this.close()
  }

  onDrain(): void {
    this.loop.drained()
  }

  #watch(): void {
    // Whatever becomes of its input: what is queued is to be written.
    this.transport.stayHalfOpen()
    this.transport.watch(this)
  }

  #decideWhoEnds(): void {
    if (!this.input.hasEnded && !this.#hasFailed) this.isClosedByUs = true
  }

  #settleReplacement(error?: Error): void {
    const settle = this.#onReplaced
    this.#onReplaced = null
    settle?.(error)
  }

  /** Both sides over: so is the transport. Only ours: the peer has a moment to end its own. */
  settleEnds(): void {
    if (this.isOver || this.phase === 'leaving') return
    const isFinishing = this.phase === 'finishing'
    const isInputOver = this.input.hasEnded && (isFinishing || this.loop.end === 'done')
    if (this.#isTransportOver && isInputOver) process.nextTick(() => this.#finish())
    if (this.#isTransportOver || !this.#isOutputOver) return
    const destroy = (): void => this.#awaitClose(() => this.transport.destroyWhenWritten(this))
    if (isInputOver) destroy()
    else if (isFinishing) this.#lingerTimer ??= setTimeout(destroy, this.settings.lingerTimeout)
  }

  /** There are transports that never say that they have closed. */
  #awaitClose(destroy: () => void): void {
    destroy()
    clearTimeout(this.#lingerTimer)
    this.#lingerTimer = setTimeout(() => this.#finish(), this.settings.lingerTimeout)
  }

  #onLate(kind: TimeoutKind): void {
    // On a transport that is not there yet, or that we have ended, there is nothing left to say.
    if (this.phase !== 'open') {
      this.close(this.timeoutError(kind))
      return
    }
    this.#hasFailed = true
    // A hook that is pending waits for a read, or no clock would have run: it does not stand in the way.
    this.loop.runBeside(async () => {
      await this.loop.hooks.call('handleTimeout', kind)
      this.recover()
    })
    this.loop.pump()
  }

  #onChunk(chunk: Buffer): void {
    this.#clocks.touch()
    this.#tap('in', chunk)
  }

  #tap(direction: 'in' | 'out', bytes: Buffer): void {
    try {
      this.settings.tap?.(direction, bytes)
    } catch (error) {
      this.fail(asError(error))
    }
  }

  get #idleTimeout(): number {
    return this.settings.idleTimeout ?? 0
  }

  get #frameTimeout(): number {
    return this.#scanner.frameTimeout ?? this.settings.frameTimeout ?? 0
  }

  watchClocks(): void {
    if (this.isOver) return
    // When all is written, lingerTimeout rules.
    const isLive = (this.phase === 'open' || (this.phase === 'finishing' && !this.#isOutputOver)) && !this.isPaused
    // A peer can delay a hand-over too, by not reading or not shaking hands; but not what wraps the transport.
    const isHandingOver = this.phase === 'leaving' && !this.transport.isReleased
    this.#clocks.watch({
      // A peer that does not take what was written is waited for, whatever a hook does.
      waitsForPeer: isHandingOver || (isLive && (this.loop.isHungry || !this.loop.isInHook || this.output.isStuck)),
      waitsForFrame: isLive && this.loop.isHungry && this.#scanner.isInFrame,
      frameCount: this.#scanner.frameCount,
      idleTimeout: this.#idleTimeout,
      frameTimeout: this.#frameTimeout,
    })
  }

  /** Nothing happens any more, but the close. */
  #stop(): void {
    const reason = this.error ?? channelClosed('The channel is closed')
    this.#cutLength = this.unfinishedLength
    this.loop.stop()
    this.output.fail(reason)
    this.formerOutput?.fail(reason)
    this.reads.failAll(reason)
    this.#settleReplacement(reason)
    this.#clocks.stop()
    clearTimeout(this.#lingerTimer)
  }

  /** Whether the peer has ended the channel well: what it had sent and nobody has read can still be read. */
  get isReadableLate(): boolean {
    return this.input.hasEnded && this.error === undefined && !this.isClosedByUs
  }

  /** Destroying it drops its bytes. */
  #closeSplitter(): void {
    const unread = this.isReadableLate ? this.splitter.takeUnread() : null
    this.splitter.destroy()
    if (unread !== null) this.#scanner.pushBack(unread)
  }

  #finish(isDetached = false): void {
    if (this.phase === 'closed') return
    if (!this.isOver) this.#stop()
    clearTimeout(this.#lingerTimer)
    this.phase = 'closed'
    this.isConnected = false
    const info: CloseInfo = {
      ...(this.error === undefined ? {} : { error: this.error }),
      incomplete: this.#cutLength,
      unsent: this.output.unsent + (this.formerOutput?.unsent ?? 0),
    }
    this.#closeSplitter()
    // Never inside another hook, whoever has closed the transport there.
    if (this.loop.isPumping) process.nextTick(this.#onClosed, info, isDetached)
    else this.#onClosed(info, isDetached)
  }
}
