import process from 'node:process'
import type { Duplex, Readable, Writable } from 'node:stream'
import { channelClosed, invalidType } from '../errors.js'
import { isBytes } from '../framing/bytes.js'

/** What a channel talks through: a Duplex, or two streams, each of which ends alone. */
export type Transport = Duplex | { readonly readable: Readable; readonly writable: Writable }

/** What happens to a transport. */
export interface TransportEvents {
  /** Bytes can be written. At once, on the tick after `watch()`, for a transport that was connected before. */
  onConnect(): void
  /** There may be something to read, or the end of it. */
  onReadable(): void
  onEnd(): void
  /** More can be written. */
  onDrained(): void
  /** The output ended, and all of it was written. */
  onFinish(): void
  onError(error: Error): void
  /** Nothing comes any more, in either direction. */
  onClose(): void
}

/** What a socket has beyond a Duplex, as far as it is looked at. */
interface Socketlike {
  readonly connecting?: boolean
  readonly pending?: boolean
  readonly secureConnecting?: boolean
  connect?(): unknown
  getPeerFinished?(): unknown
}

type Listening = [stream: Readable | Writable, event: string, listener: (...args: any[]) => void]

/**
 * One face for a Duplex and for a pair of streams.
 *
 * Owns: the listeners on them, all of which are gone after `release()`. Rules: an error on one side of a pair destroys
 * both; the events after `release()` are nobody's; what `destroy()` was called on takes errors for good, so that a late
 * one does not end the process.
 */
export class ChatTransport {
  readonly given: Transport
  readonly readable: Readable
  readonly writable: Writable
  /** As it was, to be left so. */
  readonly #allowHalfOpen: boolean | undefined
  readonly #sides: readonly (Readable | Writable)[]
  readonly #closed = new Set<Readable | Writable>()
  #isConnected = false
  #listeners: Listening[] = []
  /** Its events are nobody's. */
  isReleased = false

  /** Throws a `TypeError` for what is no transport, or is destroyed already. */
  constructor(transport: Transport) {
    const { readable, writable } = sidesOf(transport)
    for (const side of [readable, writable]) {
      if (side.destroyed) throw invalidType('transport', 'a stream that is not destroyed', side)
    }
    this.given = transport
    this.readable = readable
    this.writable = writable
    this.#sides = isSame(readable, writable) ? [readable] : [readable, writable]
    this.#allowHalfOpen = (readable as Partial<Duplex>).allowHalfOpen
  }

  /** Bytes that were received and that nobody has read. */
  get unreadLength(): number {
    return this.readable.readableLength
  }

  /**
   * Whether the peer may have ended its side, behind bytes that nobody has read: what no event says. Either it has
   * (the stream's own state tells, which the platform's streams and readable-stream have alike), or nothing more comes
   * because the buffer is full.
   */
  get mayHideEnd(): boolean {
    const { _readableState: state } = this.readable as { readonly _readableState?: { readonly ended?: boolean } }
    const isFull = this.unreadLength >= this.readable.readableHighWaterMark
    return this.unreadLength > 0 && (isFull || state?.ended === true)
  }

  /** A peer that ends its side still gets its answers, and the other way round. */
  stayHalfOpen(): void {
    if (this.#sides.length === 1) (this.readable as Duplex).allowHalfOpen = true
  }

  /** Listens. Nothing is called before the next tick. */
  watch(events: TransportEvents): void {
    const socket = this.readable as Socketlike
    for (const side of this.#sides) {
      this.#on(side, 'error', (error: Error) => {
        if (this.#isLeft(side, error)) return
        events.onError(error)
        this.destroy()
      })
      this.#on(side, 'close', () => this.#onSideClose(side, events))
    }
    this.#on(this.readable, 'end', () => {
      // Half open it would wait for ever for what makes it secure.
      if (!this.#isConnected && isSecuring(socket)) this.destroy(channelClosed('The peer left before the connection was secure'))
      else events.onEnd()
    })
    this.#on(this.readable, 'readable', () => events.onReadable())
    this.#on(this.writable, 'drain', () => events.onDrained())
    this.#on(this.writable, 'finish', () => events.onFinish())
    this.#awaitConnection(() => {
      this.#isConnected = true
      events.onConnect()
    })
    // Of what ended before, there is no event.
    if (this.readable.readableEnded) this.#soon(() => events.onEnd())
    if (this.writable.writableFinished) this.#soon(() => events.onFinish())
  }

  /** Ends the transport, both sides of a pair. */
  destroy(error?: Error): void {
    this.ignoreErrors()
    for (const side of this.#sides) side.destroy(error)
  }

  /**
   * Ends the transport when all was written. A compressor as the writable of a pair still has it then, for somebody else
   * to read: it is over for us, and closes by itself.
   */
  destroyWhenWritten(events: TransportEvents): void {
    this.ignoreErrors()
    for (const side of this.#sides) {
      if (side === this.readable || !isTransform(side)) side.destroy()
      else this.#soon(() => this.#onSideClose(side, events))
    }
  }

  /** An error of it ends no process, whoever listens. */
  ignoreErrors(): void {
    for (const side of this.#sides) side.on('error', ignore)
  }

  /** Nothing of ours is left on it: somebody else has it now. */
  release(): void {
    this.isReleased = true
    for (const [stream, event, listener] of this.#listeners) stream.removeListener(event, listener)
    this.#listeners = []
    if (this.#allowHalfOpen !== undefined) (this.readable as Duplex).allowHalfOpen = this.#allowHalfOpen
  }

  /** Who reads from a pipe left. That is no error yet: a process may have said something before; 'close' follows. */
  #isLeft(side: Readable | Writable, error: Error & { code?: unknown }): boolean {
    return this.#sides.length === 2 && side === this.writable && error.code === 'EPIPE'
  }

  #onSideClose(side: Readable | Writable, events: TransportEvents): void {
    if (this.#closed.has(side)) return
    this.#closed.add(side)
    if (this.#closed.size === this.#sides.length) events.onClose()
    else if (side === this.writable) events.onFinish()
    // Of what is destroyed before its end there is no 'end'.
    else if (!this.readable.readableEnded) events.onEnd()
  }

  #on(stream: Readable | Writable, event: string, listener: (...args: any[]) => void): void {
    stream.on(event, listener)
    this.#listeners.push([stream, event, listener])
  }

  /** As an event of its own: not at all after `release()`. */
  #soon(action: () => void): void {
    const entry: Listening = [this.readable, '', action]
    this.#listeners.push(entry)
    process.nextTick(() => {
      if (this.#listeners.includes(entry)) action()
    })
  }

  #awaitConnection(onConnect: () => void): void {
    const socket = this.writable as Socketlike
    const onSecure = (): void => {
      // A certificate that is not trusted has destroyed the socket, in a listener before this one.
      if (!this.writable.destroyed) onConnect()
    }
    // TCP first, then TLS: 'secure' comes on a server's side as well.
    const awaitSecurity = (): void => {
      if (isSecuring(socket)) this.#on(this.writable, 'secure', onSecure)
      else onConnect()
    }
    const isConnecting = socket.connecting === true || (socket.pending === true && typeof socket.connect === 'function')
    if (isConnecting) this.#on(this.writable, 'connect', awaitSecurity)
    else this.#soon(awaitSecurity)
  }
}

function sidesOf(transport: unknown): { readable: Readable; writable: Writable } {
  // The property `readable` of a stream is a boolean: so a pair is told from a Duplex.
  if (isReadable(transport) && isWritable(transport)) return { readable: transport, writable: transport }
  const { readable, writable } = (transport ?? {}) as { readable?: unknown; writable?: unknown }
  if (isReadable(readable) && isWritable(writable)) return { readable, writable }
  throw invalidType('transport', 'a Duplex stream or { readable, writable } of two streams', transport)
}

function isSame(readable: Readable, writable: Writable): boolean {
  return (readable as unknown) === writable
}

/** Whether a TLS handshake is not done. A server's side that was made by hand says so for ever: its peer tells better. */
function isSecuring(socket: Socketlike): boolean {
  return socket.secureConnecting === true && !isBytes(socket.getPeerFinished?.())
}

/** What comes out of a Transform is what was written to it, and somebody else's to read. */
function isTransform(stream: Readable | Writable): boolean {
  return has(stream, ['read', '_transform'])
}

function isReadable(value: unknown): value is Readable {
  return has(value, ['on', 'removeListener', 'read', 'destroy'])
}

function isWritable(value: unknown): value is Writable {
  return has(value, ['on', 'removeListener', 'write', 'end', 'destroy'])
}

/** By its methods: the classes of readable-stream are not those of the platform. */
function has(value: unknown, methods: readonly string[]): boolean {
  if (typeof value !== 'object' || value === null) return false
  return methods.every((method) => typeof (value as Record<string, unknown>)[method] === 'function')
}

function ignore(): void {}
