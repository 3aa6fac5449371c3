// npm run pretest && node build/docs/examples/redis-client.js 6379 SET greeting hello   (a Redis server on that port)
import { once } from 'node:events'
import { type NetConnectOpts, connect } from 'node:net'
import { fileURLToPath } from 'node:url'
import { Fifo, type Framed, NULL, RespError, type RespMessage, RespPush, type RespValue, framed, resp } from 'asynchat'

/** Where the server is, as for `net.connect`, and these. */
export type RedisClientOptions = NetConnectOpts & {
  /** How strings are given: as text, or with null as bytes. @defaultValue 'utf8' */
  readonly encoding?: 'utf8' | null
  /** The longest answer in bytes. @defaultValue 512 MiB */
  readonly maxLength?: number
}

export type OnMessage = (message: string | Buffer) => void
export type Word = string | number | Uint8Array

interface Call {
  resolve(answer: RespValue): void
  reject(error: Error): void
}

const MAX_LENGTH = 512 * 1024 * 1024
/** Pushes that answer a call. All others come of themselves. */
const ANSWERS = new Set(['subscribe', 'unsubscribe'])
/** What has more than one answer, or none that ends. */
const NO_CALL = /^(?:[ps]?(?:un)?subscribe|monitor)$/i
const textOf = (value: unknown): string => (value as string | Buffer).toString()

/**
 * Calls commands of Redis, and hears channels, on one connection.
 *
 * Any number of calls may be under way: commands are sent at once, those of one turn together, and answered in order.
 */
export class RedisClient {
  readonly #stream: Framed<RespMessage>
  readonly #calls = new Fifo<Call>()
  readonly #listeners = new Map<string, OnMessage>()
  #error: Error | null = null
  #closed: Promise<void> | null = null
  #onAllAnswered: (() => void) | null = null

  private constructor({ encoding = 'utf8', maxLength = MAX_LENGTH, ...address }: RedisClientOptions) {
    this.#stream = framed(connect(address), resp({ encoding, maxLength }))
    void this.#read()
  }

  /** A client that is connected, and speaks RESP3: there messages can be told from answers. */
  static async open(options: RedisClientOptions): Promise<RedisClient> {
    const client = new RedisClient(options)
    try {
      await client.call('HELLO', 3)
    } catch (error) {
      client.#stream.destroy()
      throw error
    }
    return client
  }

  /**
   * The answer. An error that is one rejects, as a RespError; one inside an array is an item of it. What has not one
   * answer is refused: for channels there is `subscribe()`.
   */
  async call(...words: readonly [Word, ...Word[]]): Promise<RespValue> {
    if (NO_CALL.test(String(words[0]))) throw new TypeError(`${String(words[0])} is no call: it has not one answer`)
    if (this.#closed !== null) throw new Error('The client is closed')
    return this.#call(words)
  }

  #call(words: readonly Word[]): Promise<RespValue> {
    return new Promise((resolve, reject) => {
      if (this.#error !== null) return reject(this.#error)
      this.#calls.push({ resolve, reject })
      this.#stream.write(words.map((word) => (typeof word === 'number' ? String(word) : word)))
    })
  }

  /** Hears a channel, from when this resolves until `unsubscribe` is called. */
  async subscribe(channel: string, onMessage: OnMessage): Promise<void> {
    this.#listeners.set(channel, onMessage)
    await this.#call(['SUBSCRIBE', channel])
  }

  async unsubscribe(channel: string): Promise<void> {
    await this.#call(['UNSUBSCRIBE', channel])
    this.#listeners.delete(channel)
  }

  /** Ends the connection, when all calls are answered. */
  close(): Promise<void> {
    return (this.#closed ??= this.#close())
  }

  async #close(): Promise<void> {
    // A server may drop what it has to say to who has ended.
    if (!this.#calls.isEmpty()) await new Promise<void>((resolve) => (this.#onAllAnswered = resolve))
    if (this.#stream.closed) return
    this.#stream.end()
    await once(this.#stream, 'close')
  }

  async #read(): Promise<void> {
    try {
      for await (const messages of this.#stream.batches()) for (const message of messages) this.#take(message)
      this.#error = new Error('The server has closed the connection')
    } catch (error) {
      this.#error = error as Error
    }
    while (!this.#calls.isEmpty()) this.#calls.pop()[1]?.reject(this.#error)
    this.#onAllAnswered?.()
  }

  #take(message: RespMessage): void {
    if (message instanceof RespPush && !ANSWERS.has(textOf(message.items[0]))) return this.#hear(message)
    const [, call] = this.#calls.pop()
    if (message instanceof RespError) call?.reject(message)
    else call?.resolve(message === NULL ? null : message instanceof RespPush ? message.items : (message as RespValue))
    if (this.#calls.isEmpty()) this.#onAllAnswered?.()
  }

  #hear({ items: [kind, channel, message] }: RespPush): void {
    if (textOf(kind) === 'message') this.#listeners.get(textOf(channel))?.(message as string | Buffer)
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [port, ...words] = process.argv.slice(2)
  const client = await RedisClient.open({ port: Number(port), host: '127.0.0.1' })
  console.log(await client.call(...(words as [string, ...string[]])).catch((error) => String(error)))
  await client.close()
}
