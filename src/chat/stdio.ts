import type { Readable, Writable } from 'node:stream'
import { channelClosed, invalidState, invalidType } from '../errors.js'
import { checkOptions } from '../framing/checks.js'
import { Duplex } from '../streams/base.js'

/** Options of {@link stdio}. */
export interface StdioOptions {
  /** Where input comes from: a Readable of bytes that is not destroyed. @defaultValue process.stdin */
  readonly stdin?: Readable | undefined
  /** Where output goes: a Writable of bytes that is not ended or destroyed. @defaultValue process.stdout */
  readonly stdout?: Writable | undefined
}

/**
 * The process's own input and output as one Duplex, for scripts that talk.
 *
 * Reads stdin only when somebody reads, and calls a write back when stdout has. The end of stdin ends the readable side
 * alone: answers can still be written. `end()` flushes, and leaves stdout open. A reader that goes away (`| head -1`) is
 * the peer's close and no error: the readable side ends, then comes `'close'`, and writes call back `ERR_CHANNEL_CLOSED`.
 * Nothing of it keeps the process alive but a consumer that waits for input.
 *
 * Errors: `TypeError` for a `stdin` or `stdout` that is no stream, or a closed one; `ERR_INVALID_STATE` while another
 * `stdio()` has that stdin. Any other error of stdin or stdout destroys the Duplex with it.
 *
 * @example
 * ```ts
 * import { Readable } from 'node:stream'
 * import { TerminatorSplitter, stdio } from 'asynchat'
 *
 * const io = stdio({ stdin: Readable.from(['one\ntwo\n']) })
 * for await (const line of io.pipe(new TerminatorSplitter('\n', { encoding: 'utf8' }))) io.write(`you said ${line}\n`)
 * io.end('bye\n')
 * ```
 * ```text
 * you said one
 * you said two
 * bye
 * ```
 */
export function stdio(options: StdioOptions = {}): Duplex {
  const { stdin = process.stdin, stdout = process.stdout } = checkOptions('options', options)
  if (!isOpenReadable(stdin)) throw invalidType('options.stdin', 'a Readable that is not destroyed', stdin)
  if (!isOpenWritable(stdout)) throw invalidType('options.stdout', 'a Writable that is not ended or destroyed', stdout)
  if (stdinsInUse.has(stdin)) throw invalidState('another stdio() has this stdin')
  return new StdioDuplex(stdin, stdout)
}

type Callback = (error?: Error | null) => void

const HIGH_WATER_MARK_BYTES = 65_536

/** What stdout says when nobody is there to read it: `EOF` is Windows's word for it. */
const PEER_GONE_CODES: ReadonlySet<unknown> = new Set(['EPIPE', 'EOF', 'ERR_STREAM_DESTROYED'])

/** Two readers of one stdin would each get some of it. */
const stdinsInUse = new WeakSet<Readable>()

/**
 * Owns: its listeners on stdin and stdout, whether stdin flows, and the write that is under way.
 *
 * Rules: neither stdin nor stdout is ever ended or destroyed. stdin flows only while input is asked for. One write at a
 * time is in stdout, and its failure is followed by an `'error'` of stdout, which must find a listener: the listener
 * stays until then, also when the Duplex is gone.
 */
class StdioDuplex extends Duplex {
  readonly #stdin: Readable
  readonly #stdout: Writable
  #input: 'untouched' | 'open' | 'over' = 'untouched'
  #output: 'idle' | 'writing' | 'failed' = 'idle'
  #isPeerGone = false
  #isPaused = false
  /** What the stream waits for: the callback of the write that is in stdout, or of an end that will not come. */
  #done: Callback | null = null

  constructor(stdin: Readable, stdout: Writable) {
    super({ readableHighWaterMark: HIGH_WATER_MARK_BYTES, writableHighWaterMark: HIGH_WATER_MARK_BYTES })
    this.#stdin = stdin
    this.#stdout = stdout
    stdinsInUse.add(stdin)
    stdin.on('end', this.#endInput).on('close', this.#endInput).on('error', this.#fail)
    stdout.on('error', this.#onOutputError).on('close', this.#losePeer)
  }

  override read(size?: number): unknown {
    const chunk: unknown = super.read(size)
    // Who reads a paused stream asks for more. A size of 0 is the stream's own asking.
    if (chunk === null && size !== 0) this.#flow()
    return chunk
  }

  override pause(): this {
    this.#isPaused = true
    if (this.#isHeld) {
      if (this.#input === 'open') this.#stop()
      // Takes back the question that is open, so that it is asked again.
      this.push('')
    }
    return super.pause()
  }

  override resume(): this {
    this.#isPaused = false
    return super.resume()
  }

  override write(chunk: unknown, encoding?: BufferEncoding | Callback, callback?: Callback): boolean {
    const done = callbackIn(encoding, callback)
    return this.#isPeerGone ? this.#refuse(done) : super.write(chunk, encodingIn(encoding), this.#answering(done))
  }

  override end(chunk?: unknown, encoding?: BufferEncoding | Callback, callback?: Callback): this {
    const done = callbackIn(chunk, encoding, callback)
    if (this.#isPeerGone) this.#refuse(done)
    else super.end(typeof chunk === 'function' ? undefined : chunk, encodingIn(encoding), this.#answering(done))
    return this
  }

  /** As any Readable's; but the end of input does not destroy, so that what has been written gets out. */
  override async *[Symbol.asyncIterator](): AsyncGenerator<any, undefined> {
    let isOver = false
    try {
      yield* this.iterator({ destroyOnReturn: false })
      isOver = true
    } finally {
      if (!isOver) this.destroy()
    }
  }

  override _read(): void {
    if (this.#stdin.readableEnded) this.#endInput()
    else if (this.#isHeld) this.push('')
    else this.#flow()
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: Callback): void {
    this.#send(chunk, done)
  }

  override _writev(writes: readonly { readonly chunk: Buffer }[], done: Callback): void {
    this.#send(Buffer.concat(writes.map(({ chunk }) => chunk)), done)
  }

  /** Every write has been called back. What was lost with the peer is no `'finish'`: its end waits for the close. */
  override _final(done: Callback): void {
    if (this.#isPeerGone) this.#done = done
    else done()
  }

  override _destroy(error: Error | null, done: Callback): void {
    this.#leaveInput()
    this.#stdout.off('close', this.#losePeer)
    this.#leaveOutput()
    stdinsInUse.delete(this.#stdin)
    if (this.#isPeerGone) this.#settle(peerGone())
    done(error)
  }

  /** Paused, and by somebody who has no other way of reading. */
  get #isHeld(): boolean {
    return this.#isPaused && this.listenerCount('readable') === 0
  }

  #flow(): void {
    if (this.#input === 'over') return
    if (this.#input === 'untouched') this.#stdin.on('data', this.#onData)
    this.#input = 'open'
    setRef(this.#stdin, 'ref')
    this.#stdin.resume()
  }

  /** process.stdin that is paused while it gives data goes on reading, and so keeps the process alive, unless unref'd. */
  #stop(): void {
    this.#stdin.pause()
    setRef(this.#stdin, 'unref')
  }

  readonly #onData = (chunk: unknown): void => {
    if (!this.push(chunk, this.#stdin.readableEncoding ?? undefined) || this.#isHeld) this.#stop()
  }

  readonly #endInput = (): void => {
    if (this.#input === 'over') return
    this.#leaveInput()
    this.push(null)
  }

  readonly #fail = (error: Error): void => {
    this.destroy(error)
  }

  #leaveInput(): void {
    if (this.#input === 'over') return
    const wasOpen = this.#input === 'open'
    this.#input = 'over'
    this.#stdin.off('data', this.#onData).off('end', this.#endInput).off('close', this.#endInput).off('error', this.#fail)
    if (wasOpen) this.#stop()
  }

  #send(bytes: Buffer, done: Callback): void {
    if (this.#isPeerGone) {
      done()
      return
    }
    this.#done = done
    this.#output = 'writing'
    this.#stdout.write(bytes, (error) => this.#onWritten(error))
  }

  #onWritten(error: Error | null | undefined): void {
    this.#output = error ? 'failed' : 'idle'
    if (this.destroyed) this.#leaveOutput()
    if (error && isPeerGone(error)) this.#losePeer()
    else this.#settle(error)
  }

  #settle(error?: Error | null): void {
    const done = this.#done
    this.#done = null
    done?.(error)
  }

  readonly #onOutputError = (error: Error): void => {
    if (this.#output === 'failed') this.#output = 'idle'
    if (this.destroyed) this.#leaveOutput()
    else if (isPeerGone(error)) this.#losePeer()
    else this.destroy(error)
  }

  /** Takes the listener away, unless a write may yet fail, or has failed and stdout is about to say so. */
  #leaveOutput(): void {
    if (this.#output === 'idle') this.#stdout.off('error', this.#onOutputError)
  }

  /** The peer's close: input ends, after what has been read, and then the Duplex closes. */
  readonly #losePeer = (): void => {
    if (this.#isPeerGone) return
    this.#isPeerGone = true
    this.#settle()
    this.#endInput()
    if (this.readableEnded) {
      this.destroy()
      return
    }
    this.once('end', () => this.destroy())
    // Ends a side that nobody reads, if nothing is left in it.
    this.read(0)
  }

  #refuse(done: Callback | undefined): false {
    if (done !== undefined) process.nextTick(done, peerGone())
    return false
  }

  #answering(done: Callback | undefined): Callback | undefined {
    return done && ((error) => done(this.#isPeerGone ? peerGone() : error))
  }
}

/** The callback among the arguments of `write()` or `end()`: it may take the place of those before it. */
function callbackIn(...given: readonly unknown[]): Callback | undefined {
  return given.find((one) => typeof one === 'function') as Callback | undefined
}

function encodingIn(given: BufferEncoding | Callback | undefined): BufferEncoding {
  return (typeof given === 'function' ? undefined : given) as BufferEncoding
}

function peerGone(): Error {
  return channelClosed('The channel is closed: nobody reads stdout any more')
}

function isPeerGone(error: Error): boolean {
  return PEER_GONE_CODES.has((error as NodeJS.ErrnoException).code)
}

/** Says whether reading keeps the process alive, where the stream has a say in that: a file has not. */
function setRef(stdin: Readable, method: 'ref' | 'unref'): void {
  const { destroyed, [method]: change } = stdin as Readable & Partial<Record<typeof method, () => void>>
  if (!destroyed) change?.call(stdin)
}

function isOpenReadable(value: Partial<Readable> | null): value is Readable {
  return hasMethods(value, 'on', 'off', 'pause', 'resume') && !value?.destroyed
}

function isOpenWritable(value: Partial<Writable> | null): value is Writable {
  return hasMethods(value, 'on', 'off', 'write') && value?.writable !== false && !value?.destroyed
}

function hasMethods(value: object | null, ...names: readonly string[]): boolean {
  return typeof value === 'object' && value !== null && names.every((name) => typeof Reflect.get(value, name) === 'function')
}
