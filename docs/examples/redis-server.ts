// npm run pretest && PORT=6380 node build/docs/examples/redis-server.js
// then: redis-cli -p 6380, or: redis-benchmark -p 6380 -P 16 -n 200000 -q -t set,get
import { Buffer } from 'node:buffer'
import { type AddressInfo, type Server, type Socket, createServer } from 'node:net'
import { fileURLToPath } from 'node:url'
import { type Codec, type Framed, NULL, RespError, type RespMessage, RespPush, type RespValue, framed, resp } from 'asynchat'
import { Database, KEY_COMMANDS, type Words, integer, textOf, wrongArity } from './redis-keys.js'

export interface RedisServerOptions {
  /** Bytes that may wait for a subscriber who does not read; past it he is closed. @defaultValue 32 MiB */
  readonly maxWaitingBytes?: number
}

type Encoded = readonly (string | Uint8Array)[]
type MaybeWord = readonly [verb: Buffer, word?: Buffer, ...others: Buffer[]]
/** Undefined: all was said. */
type Command = (client: Client, words: Words) => RespValue | undefined

const MIB = 1024 * 1024
const MAX_COMMAND_LENGTH = 512 * MIB
const SETTINGS = { appendonly: 'no', databases: '16', maxmemory: '0', save: '' }
const WHILE_LISTENING = new Set(['SUBSCRIBE', 'UNSUBSCRIBE', 'PING', 'QUIT'])
const encoders = { 2: resp({ protocol: 2, strings: 'simple' }), 3: resp({ protocol: 3, strings: 'simple' }) }
const notVersion = new RespError('ERR Protocol version is not an integer or out of range')
const bulk = (text: string): Buffer => Buffer.from(text, 'latin1')

const COMMANDS = new Map<string, readonly [wordCount: number, run: Command]>([
  ['PING', [-1, (client, [, text]: MaybeWord) => (client.isListening ? [bulk('pong'), text ?? bulk('')] : (text ?? 'PONG'))]],
  ['ECHO', [2, (_client, [, text]) => text]],
  ['SELECT', [2, (client, [, index]) => client.select(Number(integer(index)))]],
  ['HELLO', [-1, (client, [, version]: MaybeWord) => client.greet(version === undefined ? undefined : Number(integer(version, notVersion)))]],
  ['QUIT', [-1, (client) => client.leave('OK')]],
  ['INFO', [-1, ({ server }) => bulk(`# Server\r\nredis_mode:standalone\r\n# Clients\r\nconnected_clients:${server.clients.size}\r\n`)]],
  ['CONFIG', [-3, configure]],
  ['COMMAND', [-1, describe]],
  ['SUBSCRIBE', [-2, (client, [, ...channels]) => client.subscribe(channels.map(textOf))]],
  ['UNSUBSCRIBE', [-1, (client, [, ...channels]) => client.unsubscribe(channels.map(textOf))]],
  ['PUBLISH', [3, ({ server }, [, channel, message]) => server.publish(channel, message)]],
  ...KEY_COMMANDS,
])

function isCommand(message: RespMessage): message is Words {
  return Array.isArray(message) && message.length > 0 && message.every((word) => word instanceof Uint8Array)
}

function unknown([verb, ...args]: Words): RespError {
  const given = args.map((arg) => `'${textOf(arg)}' `).join('')
  return new RespError(oneLine(`ERR unknown command '${textOf(verb)}', with args beginning with: ${given}`))
}

function cannotNow(name: string): RespError {
  const able = '(P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET'
  return new RespError(`ERR Can't execute '${name.toLowerCase()}': only ${able} are allowed in this context`)
}

function protocolError(what: string): string {
  return `-ERR Protocol error: ${oneLine(what)}\r\n`
}

function oneLine(text: string): string {
  return text.replaceAll(/[\r\n]/g, ' ')
}

function configure(client: Client, [, verb, ...given]: Words): RespValue {
  if (textOf(verb).toUpperCase() !== 'GET') throw new RespError(`ERR CONFIG can only GET`)
  const all = Object.keys(SETTINGS)
  const names = given.flatMap((name) => (textOf(name) === '*' ? all : all.includes(textOf(name).toLowerCase()) ? [textOf(name)] : []))
  return client.mapOf(names.map((name) => [bulk(name), bulk(SETTINGS[name.toLowerCase() as keyof typeof SETTINGS])]))
}

/** redis-cli asks for help texts; it can do without. */
function describe(client: Client, [, verb]: MaybeWord): RespValue {
  if (verb !== undefined) return textOf(verb).toUpperCase() === 'COUNT' ? COMMANDS.size : client.mapOf([])
  return Array.from(COMMANDS, ([name, [wordCount]]) => [bulk(name.toLowerCase()), wordCount, [], 0, 0, 0])
}

/** A connection. Its commands are read as values, and its answers written as bytes: it chooses the protocol as it goes. */
class Client {
  readonly server: RedisServer
  readonly stream: Framed<RespMessage, Encoded>
  database: Database
  readonly #channels = new Set<string>()
  #protocol: 2 | 3 = 2
  #isLeaving = false
  #said: (string | Uint8Array)[] = []
  #saidLength = 0
  /** Said, and not taken by the peer. */
  #waitingBytes = 0
  #isFlushing = false
  #onTaken: (() => void) | null = null

  constructor(socket: Socket, server: RedisServer) {
    const commands = resp({ protocol: 2, inline: 'crlf-or-lf', maxLength: MAX_COMMAND_LENGTH })
    const codec: Codec<RespMessage, Encoded> = { ...commands, encode: (said: Encoded) => said }
    this.stream = framed(socket, codec, { errorReply: ({ message }) => [...this.#takeSaid(), protocolError(message)] })
    this.server = server
    this.database = server.databases[0] as Database
  }

  /** With RESP2, where all that comes is a message to a subscriber. */
  get isListening(): boolean {
    return this.#protocol === 2 && this.#channels.size > 0
  }

  /** Commands that came together are answered together. Of who does not read his answers no more is read. */
  async serve(): Promise<void> {
    for await (const commands of this.stream.batches()) {
      for (const command of commands) {
        if (!this.#isLeaving) this.#run(command)
        if (this.#waitingBytes > MIB) await this.#taken()
      }
      if (this.#isLeaving) {
        await this.#end()
        return
      }
      this.#flush()
    }
    await this.#end()
  }

  #run(command: RespMessage): void {
    if (isCommand(command)) this.#sayAnswer(command)
    else if (command !== NULL && (command as readonly unknown[]).length !== 0) this.#sayBytes(this.leave(protocolError("expected '$'")))
  }

  /** Whatever a command does: the answers before it, and those behind it, have their places. */
  #sayAnswer(words: Words): void {
    try {
      this.#say(this.#answer(words))
    } catch (error) {
      this.#say(error instanceof RespError ? error : new RespError(oneLine(`ERR ${String(error)}`)))
    }
  }

  #answer(words: Words): RespValue | undefined {
    const name = textOf(words[0])
    // Most are said in capitals.
    const command = COMMANDS.get(name) ?? COMMANDS.get(name.toUpperCase())
    if (command === undefined) return unknown(words)
    const [wordCount, run] = command
    if (wordCount < 0 ? words.length < -wordCount : words.length !== wordCount) return wrongArity(name.toLowerCase())
    if (this.isListening && !WHILE_LISTENING.has(name.toUpperCase())) return cannotNow(name)
    return run(this, words)
  }

  select(index: number): RespValue {
    const database = this.server.databases[index]
    if (database === undefined) throw new RespError('ERR DB index is out of range')
    this.database = database
    return 'OK'
  }

  greet(protocol: number = this.#protocol): RespValue {
    if (protocol !== 2 && protocol !== 3) throw new RespError('NOPROTO unsupported protocol version')
    this.#protocol = protocol
    return this.mapOf([[bulk('server'), bulk('redis')], [bulk('version'), bulk('7.0.0')], [bulk('proto'), protocol]])
  }

  leave<T>(lastWord: T): T {
    this.#isLeaving = true
    return lastWord
  }

  subscribe(channels: readonly string[]): undefined {
    for (const channel of channels) {
      this.#channels.add(channel)
      this.server.channels.set(channel, (this.server.channels.get(channel) ?? new Set()).add(this))
      this.tell([bulk('subscribe'), bulk(channel), this.#channels.size])
    }
  }

  /** From all, if no channel is given. */
  unsubscribe(channels: readonly string[]): undefined {
    const all = channels.length === 0
    if (all && this.#channels.size === 0) this.tell([bulk('unsubscribe'), null, 0])
    for (const channel of all ? this.#channels : channels) {
      this.#forget(channel)
      this.tell([bulk('unsubscribe'), bulk(channel), this.#channels.size])
    }
  }

  /** What is no answer: it may come at any time. Who does not take it is closed: a publisher waits for nobody. */
  tell(items: RespValue[]): void {
    this.#say(this.#protocol === 3 ? new RespPush(items) : items)
    if (this.#waitingBytes > this.server.maxWaitingBytes) this.close()
    else this.#flush()
  }

  /** RESP2 has no maps. */
  mapOf(entries: readonly [RespValue, RespValue][]): RespValue {
    return this.#protocol === 3 ? new Map(entries) : entries.flat()
  }

  close(): void {
    for (const channel of this.#channels) this.#forget(channel)
    this.stream.destroy()
  }

  #say(reply: RespValue | RespPush | undefined): void {
    if (reply === undefined) return
    const encoded = encoders[this.#protocol].encode(reply as RespMessage)
    if (typeof encoded === 'string') this.#sayBytes(encoded)
    else encoded.forEach((bytes) => this.#sayBytes(bytes))
  }

  #sayBytes(bytes: string | Uint8Array): void {
    this.#said.push(bytes)
    this.#saidLength += bytes.length
    this.#waitingBytes += bytes.length
  }

  /** All clients that have something to say are read before one is answered: it would wake up, and say more. */
  #flush(): void {
    if (this.#isFlushing) return
    this.#isFlushing = true
    setImmediate(this.#write)
  }

  readonly #write = (): void => {
    this.#isFlushing = false
    const length = this.#saidLength
    if (length === 0) return
    this.stream.write(this.#takeSaid(), () => {
      this.#waitingBytes -= length
      this.#onTaken?.()
    })
  }

  #takeSaid(): Encoded {
    const said = this.#said
    this.#said = []
    this.#saidLength = 0
    return said
  }

  /** The peer took some of what was said, or is gone. */
  #taken(): Promise<void> {
    this.#flush()
    return new Promise((resolve) => (this.#onTaken = resolve))
  }

  async #end(): Promise<void> {
    for (const channel of this.#channels) this.#forget(channel)
    this.#write()
    await new Promise((resolve) => this.stream.end(resolve))
  }

  #forget(channel: string): void {
    this.#channels.delete(channel)
    const clients = this.server.channels.get(channel)
    clients?.delete(this)
    if (clients?.size === 0) this.server.channels.delete(channel)
  }
}

/** A server of keys and values, and of channels. */
export class RedisServer {
  readonly maxWaitingBytes: number
  readonly databases: readonly Database[] = Array.from({ length: Number(SETTINGS.databases) }, () => new Database())
  readonly channels = new Map<string, Set<Client>>()
  readonly clients = new Set<Client>()
  readonly server: Server = createServer({ noDelay: true }, (socket) => void this.#serve(socket))

  constructor({ maxWaitingBytes = 32 * MIB }: RedisServerOptions = {}) {
    this.maxWaitingBytes = maxWaitingBytes
  }

  /** How many get the message. */
  publish(channel: Buffer, message: Buffer): number {
    const clients = this.channels.get(textOf(channel)) ?? new Set()
    const { size } = clients
    for (const client of clients) client.tell([bulk('message'), channel, message])
    return size
  }

  close(): void {
    this.server.close()
    for (const client of this.clients) client.close()
  }

  async #serve(socket: Socket): Promise<void> {
    const client = new Client(socket, this)
    this.clients.add(client)
    // However it ends, it concerns nobody else.
    client.stream.on('error', () => {})
    await client.serve().catch(() => {})
    client.close()
    this.clients.delete(client)
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const redis = new RedisServer()
  redis.server.listen(Number(process.env['PORT'] ?? 0), '127.0.0.1', () => {
    console.log(`redis-cli -p ${(redis.server.address() as AddressInfo).port}`)
  })
  const stop = (): void => redis.close()
  process.once('SIGINT', stop).once('SIGTERM', stop)
}
