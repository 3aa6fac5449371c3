/**
 * What happens next on a channel: the one loop that runs hooks, serves reads and cuts frames.
 *
 * Rules: everything happens in `pump()`, which is never entered again from a hook; calls from outside schedule it for
 * the next tick. Hooks that wait go first, then reads, then the input. While a hook is pending only reads are served:
 * they are that hook's own.
 *
 * Owns: which hook runs, who takes the input, and whether `handleEnd` was called.
 */
import process from 'node:process'
import type { ChatChannel } from './chat-channel.js'
import { type Cut, type InputMode, checkDiscard } from './chat-input.js'
import type { Read } from './chat-read.js'
import type { HookCalls } from './hook-calls.js'
import { HookRunner, asError } from './hook-runner.js'

export class ChatLoop {
  /** What is to be read has not come yet. */
  isHungry = false
  /** Whether `handleEnd` is due, or was run. */
  end: 'none' | 'due' | 'done' = 'none'
  /** A hook runs in this moment, or something else that the loop does. */
  isPumping = false
  /** What `handleError` failed with was told to nobody. */
  hasErrorHookFailed = false
  readonly #channel: ChatChannel
  readonly hooks: HookCalls
  readonly #runner: HookRunner
  #mode: InputMode | null = null
  #isScheduled = false
  #isDrainDue = false
  #isDraining = false
  /** No hook takes the input, nor could have begun to read it. */
  #isUnattended = false

  constructor(channel: ChatChannel, hooks: HookCalls) {
    this.#channel = channel
    this.hooks = hooks
    this.#runner = this.#newRunner()
  }

  /** Whether a hook runs, or its promise is pending. */
  get isInHook(): boolean {
    return this.#runner.isBusy
  }

  /** Who takes the input, from the first time that it matters. Throws where the hooks do not go together. */
  get mode(): InputMode {
    return (this.#mode ??= this.hooks.inputMode())
  }

  /** Goes on with the next tick. */
  schedule(): void {
    if (this.#isScheduled || this.#channel.phase === 'closed') return
    this.#isScheduled = true
    process.nextTick(() => {
      this.#isScheduled = false
      this.pump()
    })
  }

  pump(): void {
    if (this.isPumping) return
    this.isPumping = true
    try {
      while (this.#step());
    } finally {
      this.isPumping = false
    }
    this.#channel.door.release()
    this.#channel.watchClocks()
  }

  /** Queues a read. What is at hand it gets at once: no hook runs for it. */
  read(read: Read): void {
    const { reads, input } = this.#channel
    const isFirst = reads.add(read)
    const isServed = isFirst && this.#mayRead && reads.serve(input.hasEnded) !== 'hungry'
    if (!isServed || input.hasEnded) this.schedule()
  }

  /** Calls `handleDrain` when the hooks before it are done; once, however often all was written meanwhile. */
  drained(): void {
    if (this.#isDrainDue) return
    this.#isDrainDue = true
    this.#runner.add(() => {
      this.#isDrainDue = false
      return this.hooks.call('handleDrain')
    })
    this.schedule()
  }

  /** Runs `handleError` before all that waits; `isBeside`: beside a hook that is pending. */
  report(error: Error, isBeside: boolean): void {
    const hook = (): Promise<void> => this.#runErrorHook(error)
    if (isBeside) this.runBeside(hook)
    else this.#runner.addUrgent(hook)
    this.schedule()
  }

  /** Runs a hook next, and at once where another one is pending. */
  runBeside(hook: () => unknown): void {
    if (this.#runner.isBusy && !this.isPumping) this.#newRunner().run(hook)
    else this.#runner.addUrgent(hook)
  }

  /** Forgets the hooks that wait: the channel is over. */
  stop(): void {
    this.#runner.clear()
  }

  /** The transport is connected. */
  begin(): void {
    try {
      this.hooks.check()
      this.#mode ??= this.hooks.inputMode()
      checkDiscard(this.#mode, this.#channel.settings.overflow, 'options.overflow')
      this.#isUnattended = this.#mode === 'reads' && !this.hooks.isGiven('handleConnect')
    } catch (error) {
      this.#mode = 'reads'
      this.#channel.fail(asError(error))
    }
    this.#runner.add(() => this.hooks.call('handleConnect'))
  }

  /** One thing is done. False: there is nothing to do. */
  #step(): boolean {
    const channel = this.#channel
    this.isHungry = false
    if (channel.phase === 'closed') return false
    if (!this.#runner.isBusy && this.#runner.runNext()) return true
    if (channel.isLeavingSoon && !this.#runner.isBusy) channel.closeWhenDone()
    if (channel.phase === 'finishing') this.#drainLater()
    if (channel.phase !== 'open' || !this.#mayRead) return false
    if (!channel.reads.isEmpty) return this.#serveRead()
    return !this.#runner.isBusy && this.#readOn()
  }

  /** Throws away what comes, so much in a turn of the event loop: it may be endless, and at hand. */
  #drainLater(): void {
    if (this.#isDraining) return
    this.#isDraining = true
    setImmediate(() => {
      const channel = this.#channel
      this.#isDraining = false
      if (channel.phase === 'finishing' && !channel.input.drain(channel.transport)) this.#drainLater()
    })
  }

  get #mayRead(): boolean {
    const channel = this.#channel
    if (!channel.isConnected || channel.isPaused || channel.error !== undefined) return false
    return !channel.hasEnoughQueued
  }

  #serveRead(): boolean {
    const { reads, input } = this.#channel
    const step = reads.serve(input.hasEnded)
    if (step !== 'hungry') return step !== 'unasked'
    const hasMore = this.#feed()
    // Who waits for a peer that has said nothing is not in progress.
    if (!hasMore && this.#channel.isLeavingSoon && input.scanner.isEmpty) reads.failAll(reads.farewell)
    return hasMore
  }

  /** Gives the hooks what comes next. */
  #readOn(): boolean {
    const { input } = this.#channel
    if (this.end !== 'none' || input.failure !== null) return false
    if (this.mode === 'reads') return this.#awaitReads()
    let cut: Cut | null
    try {
      cut = input.cut(this.mode)
    } catch (error) {
      this.#channel.fail(asError(error))
      return true
    }
    if (cut === null && !input.hasEnded) return this.#feed()
    if (cut === null) this.#announceEnd()
    else this.#deliver(cut)
    return true
  }

  #feed(): boolean {
    const channel = this.#channel
    try {
      this.isHungry = !channel.input.feed(channel.transport)
    } catch (error) {
      this.isHungry = true
      channel.onError(asError(error))
      channel.transport.destroy()
    }
    return !this.isHungry
  }

  /** Nobody reads at the moment. Whether the peer has ended is to be seen all the same. */
  #awaitReads(): boolean {
    const channel = this.#channel
    const { input, transport } = channel
    const isNobodys = this.#isUnattended && !channel.reads.wasUsed
    if (isNobodys) input.uncoverEnd(transport)
    else input.lookForEnd(transport)
    if (!channel.isAtEnd && !(isNobodys && input.hasEnded)) return false
    // Who got the end from a read may still answer: handleEnd comes after that.
    this.end = 'due'
    setImmediate(() => {
      this.end = 'none'
      if (channel.reads.isEmpty && !this.#runner.isBusy && channel.phase === 'open') this.#announceEnd()
      this.pump()
    })
    return false
  }

  #deliver({ data, isEnd, isTail }: Cut): void {
    const hooks = this.hooks
    if (this.mode === 'frames') {
      // What is no whole frame must not pass for one.
      this.#runner.run(isTail ? () => hooks.collect(data) : () => hooks.call('handleFrame', data))
    } else if (data.length > 0) {
      this.#runner.run(() => hooks.call('collectIncomingData', data))
    } else if (isEnd) {
      this.#runner.run(() => hooks.call('foundTerminator'))
    }
  }

  #announceEnd(): void {
    this.end = 'due'
    this.#runner.add(() => this.hooks.call('handleEnd', { incomplete: this.#channel.unfinishedLength }))
    // After a hook that failed, and its handleError, too.
    this.#runner.add(() => this.#afterEnd())
  }

  #afterEnd(): void {
    this.end = 'done'
    if (!this.#channel.settings.allowHalfOpen) this.#channel.closeWhenDone()
    this.#channel.settleEnds()
  }

  /** What fails while it deals with an error is the end. */
  async #runErrorHook(error: Error): Promise<void> {
    try {
      await this.hooks.call('handleError', error)
      this.#channel.recover()
    } catch (thrown) {
      this.hasErrorHookFailed = true
      this.#channel.abort(asError(thrown))
    }
  }

  #newRunner(): HookRunner {
    return new HookRunner((error) => this.#channel.fail(error), () => this.pump())
  }
}
