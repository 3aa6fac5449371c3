/** Transports for tests of the channel: one in memory whose every write can be delayed, and the sockets of both links. */

import { once } from 'node:events'
import { type AddressInfo, type Server, type Socket, connect as connectTcp } from 'node:net'
import { Duplex } from 'node:stream'
import { type TLSSocket, connect as connectTls } from 'node:tls'
import type { ChatServer, ChatServerOptions } from '../../src/index.js'
import { turn, turns } from './consumers.js'
import { cert, key } from './tls.js'

/** When a write is called back: within it, on the next tick, after so many turns of the event loop. */
export type Delay = 'at once' | 'next tick' | number

function callLater(action: () => void, delay: Delay): void {
  if (delay === 'at once' || delay === 0) action()
  else if (delay === 'next tick') process.nextTick(action)
  else setImmediate(callLater, action, delay - 1)
}

export interface WireOptions {
  readonly delays?: readonly Delay[]
  readonly highWaterMark?: number
  /** Whether the peer ends its side when the channel has ended the other one. */
  readonly answersEnd?: boolean
}

/** The channel's end of a connection whose other end is the test. */
export class Wire extends Duplex {
  readonly #delays: readonly Delay[]
  readonly #answersEnd: boolean
  readonly #written: Buffer[] = []
  writeCount = 0
  destroyCount = 0

  constructor({ delays = ['at once'], highWaterMark = 16_384, answersEnd = true }: WireOptions = {}) {
    super({ allowHalfOpen: true, writableHighWaterMark: highWaterMark })
    this.#delays = delays
    this.#answersEnd = answersEnd
  }

  /** What the peer got. */
  get written(): Buffer {
    return Buffer.concat(this.#written)
  }

  /** The peer sends chunks, one in so many turns; 0: all in one go. */
  async send(chunks: readonly Uint8Array[], turnsBetween = 1): Promise<void> {
    for (const chunk of chunks) {
      if (this.destroyed) return
      this.push(chunk)
      await turns(turnsBetween)
    }
  }

  /** The peer sends no more. */
  sendEnd(): void {
    if (!this.destroyed) this.push(null)
  }

  override _read(): void {}

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    const delay = this.#delays[this.writeCount++ % this.#delays.length] as Delay
    this.#written.push(chunk)
    callLater(done, delay)
  }

  override _final(done: () => void): void {
    done()
    if (this.#answersEnd) this.sendEnd()
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.destroyCount++
    done(error)
  }
}

/** Resolves when a count of what happens has not changed for so many turns of the event loop. */
export async function quiet(count: () => number, turnCount = 12): Promise<void> {
  let last = count()
  for (let still = 0; still < turnCount; still++) {
    await turn()
    if (count() === last) continue
    last = count()
    still = -1
  }
}

const POLL_MS = 2
const POLL_COUNT = 5_000

/** Resolves when it holds; rejects after 10 s in which it did not. */
export async function eventually(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  for (let i = 0; i < POLL_COUNT; i++) {
    if (await holds()) return
    await new Promise((resolve) => {
      setTimeout(resolve, POLL_MS)
    })
  }
  throw new Error(`It never came to this: ${what}`)
}

/** A peer's end of a connection. */
export interface Peer {
  readonly socket: Socket
  /** The socket below TLS; without TLS the same. */
  readonly raw: Socket
}

/** A kind of connection over real sockets. */
export interface Link {
  readonly name: 'TCP' | 'TLS'
  /** For a server. */
  readonly options: ChatServerOptions
  /** For `AsyncChat.connect()`. */
  readonly dial: { readonly tls?: { readonly ca: string; readonly servername: string } }
  /** Resolves when connected. A peer ends its side only when it says so. */
  connect(port: number): Promise<Peer>
}

export const LINKS: readonly Link[] = [
  {
    name: 'TCP',
    options: {},
    dial: {},
    connect: async (port) => {
      const socket = connectTcp({ port, host: '127.0.0.1', allowHalfOpen: true })
      await once(socket, 'connect')
      return { socket, raw: socket }
    },
  },
  {
    name: 'TLS',
    options: { tls: { key, cert } },
    dial: { tls: { ca: cert, servername: 'localhost' } },
    connect: async (port) => {
      const raw = connectTcp({ port, host: '127.0.0.1', allowHalfOpen: true })
      raw.on('error', () => {})
      const socket: TLSSocket = connectTls({ socket: raw, ca: cert, servername: 'localhost', allowHalfOpen: true } as object)
      await once(socket, 'secureConnect')
      return { socket, raw }
    },
  },
]

/** Listens on a free port of 127.0.0.1 and gives it. */
export async function listening(server: Server | ChatServer): Promise<number> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}

/** Connections that the server below has open. */
export function openConnections({ server }: ChatServer): Promise<number> {
  return new Promise((resolve, reject) => {
    server.getConnections((error, count) => (error === null ? resolve(count) : reject(error)))
  })
}

/** All that a socket gets until its end; rejects with its error. */
export function allOf(socket: Socket): Promise<Buffer> {
  const chunks: Buffer[] = []
  return new Promise((resolve, reject) => {
    socket.on('data', (chunk: Buffer) => chunks.push(chunk))
    socket.once('end', () => resolve(Buffer.concat(chunks)))
    socket.once('error', reject)
    socket.once('close', () => reject(new Error('Closed before its end')))
  })
}

/** Does it `count` times, at most `width` at the same time. */
export async function inParallel(count: number, width: number, action: (index: number) => Promise<void>): Promise<void> {
  let next = 0
  const work = async (): Promise<void> => {
    while (next < count) await action(next++)
  }
  await Promise.all(Array.from({ length: width }, work))
}

/** Rejections that nobody took and errors that nobody caught, from now on. */
export class Strays {
  readonly list: unknown[] = []
  readonly #take = (error: unknown): void => void this.list.push(error)

  constructor() {
    process.on('unhandledRejection', this.#take)
    process.on('uncaughtException', this.#take)
  }

  stop(): void {
    process.removeListener('unhandledRejection', this.#take)
    process.removeListener('uncaughtException', this.#take)
  }
}
