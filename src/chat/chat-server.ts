import { EventEmitter } from 'node:events'
import { type AddressInfo, type ListenOptions, type Server, type ServerOpts, type Socket, createServer } from 'node:net'
import { type TlsOptions, createServer as createTlsServer } from 'node:tls'
import { invalidState, invalidType, tooSlow } from '../errors.js'
import { checkFunction, checkLimit, checkOneOf, checkOptions, checkTimeout } from '../framing/checks.js'
import { type Chunk, isChunk, toBuffer } from '../producers/source.js'
import { AsyncChat, type AsyncChatClass, type ChannelSide, type Ending, serve } from './async-chat.js'
import type { CloseInfo } from './chat-options.js'
import { asError } from './hook-runner.js'

/** The timeouts of a server's channels: to be passed on to them, or not. */
export interface ChannelDefaults {
  readonly idleTimeout: number
  readonly frameTimeout: number
}

/** Makes the channel of a connection: a function, or a subclass of {@link AsyncChat}. */
export type ChatFactory<T extends AsyncChat = AsyncChat> = ((socket: Socket, defaults: ChannelDefaults) => T) | AsyncChatClass<T>

/** Options of {@link createChatServer}: those of `net.createServer`, and these. */
export interface ChatServerOptions extends Omit<ServerOpts, 'allowHalfOpen' | 'pauseOnConnect'> {
  /** The server speaks TLS, with these options of `tls.createServer`. @defaultValue none: it does not */
  readonly tls?: TlsOptions | undefined
  /** Connections at the same time; a further one is closed at once. @defaultValue Infinity */
  readonly maxConnections?: number | undefined
  /** For channels that have none of their own, in ms; 0: none. @defaultValue 120000 */
  readonly idleTimeout?: number | undefined
  /** For channels that have none of their own, in ms; 0: none. @defaultValue 60000 */
  readonly frameTimeout?: number | undefined
}

/** What becomes of a member that is slow, when something is broadcast. */
export type SlowMember =
  /** It is closed: it holds the memory of all. */
  | 'close'
  /** It does not get this. */
  | 'skip'
  /** It gets this all the same, and memory grows with it. */
  | 'queue'

/** Options of {@link ChatServer.broadcast}. */
export interface BroadcastOptions {
  /** What becomes of channels for which more than their `maxQueuedBytes` wait. @defaultValue 'close' */
  readonly slow?: SlowMember | undefined
  /** A channel that does not get it: the one it came from. */
  readonly except?: AsyncChat | undefined
}

/** Events of a {@link ChatServer}, with their arguments. */
export interface ChatServerEvents<T extends AsyncChat> {
  /** A connection has its channel. */
  channel: [channel: T]
  /** A channel ended with an error; without a channel: a connection that came to none (its TLS, the factory). */
  channelError: [error: Error, channel: T | null]
  listening: []
  /** No connection is left, and no new one comes. */
  close: []
  /** The server itself failed, to listen for instance. */
  error: [error: Error]
}

const DEFAULT_IDLE_MS = 120_000
const DEFAULT_FRAME_MS = 60_000
const DEFAULT_DRAIN_MS = 10_000
const SLOW_MEMBERS: readonly SlowMember[] = ['close', 'skip', 'queue']

/** A server of channels over TCP, TLS or Unix sockets: see {@link createChatServer}, which makes one. */
export class ChatServer<T extends AsyncChat = AsyncChat> extends EventEmitter<ChatServerEvents<T>> {
  /** The channels that are not over. asynchat: the `map` of asyncore. */
  readonly channels: Set<T> = new Set()
  /** The server below: a `net.Server`, or a `tls.Server`. */
  readonly server: Server
  readonly #makeChannel: (socket: Socket) => T
  readonly #defaults: ChannelDefaults
  readonly #sides = new Map<T, ChannelSide>()
  /** Connections, those in a TLS handshake too. */
  readonly #sockets = new Set<Socket>()
  /** Connections that were given away, and live; those over TLS. */
  #detachedCount = 0
  readonly #detached = new Set<Socket>()
  #closing: Promise<void> | null = null
  #onEmpty: (() => void) | null = null

  /** As {@link createChatServer}. */
  constructor(factory: ChatFactory<T>, options: ChatServerOptions = {}) {
    super()
    const { tls, maxConnections, idleTimeout = DEFAULT_IDLE_MS, frameTimeout = DEFAULT_FRAME_MS, ...serverOptions } =
      checkOptions('options', options)
    this.#defaults = {
      idleTimeout: checkTimeout('options.idleTimeout', idleTimeout),
      frameTimeout: checkTimeout('options.frameTimeout', frameTimeout),
    }
    this.#makeChannel = maker(checkFunction('factory', factory), this.#defaults)
    // Over TLS the channel makes it so: who ends before the handshake is over is to be gone at once.
    const netOptions: ServerOpts = { noDelay: true, ...serverOptions, allowHalfOpen: tls === undefined }
    this.server = tls === undefined ? createServer(netOptions) : createTlsServer({ ...netOptions, ...checkOptions('options.tls', tls) })
    if (maxConnections !== undefined) this.maxConnections = maxConnections
    this.server.on(tls === undefined ? 'connection' : 'secureConnection', (socket: Socket) => this.#accept(socket))
    this.server.on('connection', (socket: Socket) => {
      this.#sockets.add(socket)
      socket.once('close', () => this.#sockets.delete(socket))
    })
    // Anybody can fail to speak TLS: it is told to who listens, and no warning.
    this.server.on('tlsClientError', (error: Error) => this.#report(error, null, true))
    this.server.on('listening', () => this.emit('listening'))
    this.server.on('error', (error) => this.emit('error', error))
  }

  /** Connections at the same time; a further one is closed at once. A positive integer or Infinity. */
  get maxConnections(): number {
    return this.server.maxConnections ?? Infinity
  }

  set maxConnections(count: number) {
    this.server.maxConnections = checkLimit('maxConnections', count)
  }

  /** Begins to listen; `'listening'` follows. Its arguments are those of `net.Server#listen`. */
  listen(port?: number, hostname?: string, backlog?: number, onListening?: () => void): this
  listen(port?: number, hostname?: string, onListening?: () => void): this
  listen(port?: number, onListening?: () => void): this
  listen(path: string, backlog?: number, onListening?: () => void): this
  listen(path: string, onListening?: () => void): this
  listen(options: ListenOptions, onListening?: () => void): this
  listen(handle: object, onListening?: () => void): this
  listen(...args: unknown[]): this {
    if (this.#closing !== null) throw invalidState('listen() after close()')
    this.server.listen(...(args as [number]))
    return this
  }

  /** Whether it listens. */
  get listening(): boolean {
    return this.server.listening
  }

  /** As `net.Server#address()`: `{ port, address, family }`, the path of a Unix socket, null before `'listening'`. */
  address(): AddressInfo | string | null {
    return this.server.address()
  }

  /** The server alone does not keep the process alive. */
  unref(): this {
    this.server.unref()
    return this
  }

  /**
   * Pushes a string or bytes to every channel that can still be pushed to; how many got it. One that is slow, or gone,
   * or stuck does not keep the others from it.
   */
  broadcast(data: Chunk, options: BroadcastOptions = {}): number {
    const { slow, except } = checkBroadcast(options)
    if (!isChunk(data)) throw invalidType('data', 'a string or bytes', data)
    const bytes = toBuffer(data)
    let count = 0
    for (const [channel, side] of this.#sides) {
      if (channel === except || !side.canPush) continue
      const isSlow = channel.queuedBytes > channel.maxQueuedBytes
      if (isSlow && slow === 'close') side.abort(tooSlow(channel.queuedBytes, channel.maxQueuedBytes))
      if (isSlow && slow !== 'queue') continue
      channel.push(bytes)
      count++
    }
    return count
  }

  /**
   * Ends the server: no new connections; for each channel a hook in progress may finish and push, then
   * `closeWhenDone()`. What is left after `drain` ms is destroyed (0: at once). Resolves when no channel is left.
   */
  close(options: { readonly drain?: number | undefined } = {}): Promise<void> {
    const { drain = DEFAULT_DRAIN_MS } = checkOptions('options', options)
    checkTimeout('options.drain', drain)
    return (this.#closing ??= this.#close(drain))
  }

  /** As `close()`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  async #close(drainMs: number): Promise<void> {
    const closed = new Promise<void>((resolve) => {
      this.server.close(() => resolve())
    })
    for (const side of this.#sides.values()) side.closeAfterHook()
    const timer = setTimeout(() => {
      for (const channel of this.channels) channel.close()
    }, drainMs)
    if (this.channels.size > 0) {
      await new Promise<void>((resolve) => {
        this.#onEmpty = resolve
      })
    }
    clearTimeout(timer)
    // What is left came to no channel, or was handed over by detach(): then it is somebody else's.
    if (this.#detachedCount === 0) for (const socket of this.#sockets) socket.destroy()
    if (this.#detachedCount + this.#detached.size === 0) await closed
    this.emit('close')
  }

  #accept(socket: Socket): void {
    if (this.#closing !== null) {
      socket.destroy()
      return
    }
    let channel: T
    try {
      channel = this.#makeChannel(socket)
    } catch (error) {
      socket.on('error', () => {})
      socket.destroy()
      this.#report(asError(error), null, false)
      return
    }
    this.channels.add(channel)
    const onOver = ({ error }: CloseInfo, { isTaken, isDetached }: Ending): void => {
      this.#forget(channel)
      if (isDetached) this.#keepDetached(socket)
      if (error !== undefined) this.#report(error, channel, isTaken)
    }
    this.#sides.set(channel, serve(channel, { ...this.#defaults, onOver }))
    this.emit('channel', channel)
  }

  /** Somebody else has it now: `close()` is not to end it, and not to wait for it. */
  #keepDetached(socket: Socket): void {
    // The socket below a TLS socket cannot be told from others: then none of those in a handshake is destroyed.
    if (this.#sockets.delete(socket)) {
      this.#detached.add(socket)
      socket.once('close', () => this.#detached.delete(socket))
      return
    }
    this.#detachedCount++
    socket.once('close', () => this.#detachedCount--)
  }

  #forget(channel: T): void {
    this.channels.delete(channel)
    this.#sides.delete(channel)
    if (this.channels.size === 0) this.#onEmpty?.()
  }

  /** An error is never silent: where nobody listens and nobody has taken it, it is a warning. */
  #report(error: Error, channel: T | null, isTaken: boolean): void {
    if (this.listenerCount('channelError') > 0) this.emit('channelError', error, channel)
    else if (!isTaken) process.emitWarning(error)
  }
}

/**
 * Makes a server that gives each connection a channel. It does not listen yet.
 *
 * `factory` is a subclass of {@link AsyncChat}, or a function that makes the channel of a socket; it gets the defaults
 * for its timeouts too, which hold for a channel that has none of its own. Events: see {@link ChatServerEvents}. It
 * works in the workers of `node:cluster` as it is. asynchat: a `dispatcher` whose `handle_accept` makes an `async_chat`.
 *
 * @example
 * ```ts
 * import { once } from 'node:events'
 * import { AsyncChat, createChatServer } from 'asynchat'
 * import type { AddressInfo } from 'node:net'
 *
 * class Echo extends AsyncChat {
 *   override handleConnect(): void {
 *     this.setTerminator('\n')
 *   }
 *   override handleFrame(line: Buffer): void {
 *     this.push(`${line}\n`)
 *   }
 * }
 *
 * const server = createChatServer(Echo).listen(0, '127.0.0.1')
 * await once(server, 'listening')
 * const chat = AsyncChat.connect({ port: (server.address() as AddressInfo).port, host: '127.0.0.1' })
 * chat.push('hello\n')
 * console.log(String(await chat.readFrame('\n')))
 * await server.close()
 * ```
 * ```text
 * hello
 * ```
 */
export function createChatServer<T extends AsyncChat>(factory: ChatFactory<T>, options: ChatServerOptions = {}): ChatServer<T> {
  return new ChatServer(factory, options)
}

function checkBroadcast(options: BroadcastOptions): { slow: SlowMember; except: AsyncChat | undefined } {
  const { slow = 'close', except } = checkOptions('options', options)
  if (except !== undefined && !(except instanceof AsyncChat)) throw invalidType('options.except', 'an AsyncChat', except)
  return { slow: checkOneOf('options.slow', slow, SLOW_MEMBERS), except }
}

/** A subclass is called with `new`, any other function as it is. */
function maker<T extends AsyncChat>(factory: ChatFactory<T>, defaults: ChannelDefaults): (socket: Socket) => T {
  const isClass = factory === (AsyncChat as unknown) || factory.prototype instanceof AsyncChat
  if (isClass) return (socket) => new (factory as AsyncChatClass<T>)(socket, { ...defaults })
  return (socket) => {
    const channel = (factory as (socket: Socket, defaults: ChannelDefaults) => T)(socket, { ...defaults })
    if (channel instanceof AsyncChat) return channel
    throw invalidType('factory', 'a function that gives an AsyncChat', channel)
  }
}
