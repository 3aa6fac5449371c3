// PORT=8080 node build/docs/examples/http-codec-server.js   then: curl -v --data hello http://127.0.0.1:8080/echo
import { createHash } from 'node:crypto'
import { STATUS_CODES } from 'node:http'
import { type AddressInfo, type Server, type Socket, createServer } from 'node:net'
import { fileURLToPath } from 'node:url'
import { type Framed, type FramingError, framed } from 'asynchat'
import { MAX_HEAD_BYTES, type Fields, type HttpMessage, type RequestHead, type ResponseHead, httpCodec, isLast, valuesOf } from './http-codec.js'

export type HttpStream = Framed<HttpMessage>

const TIMEOUT_MS = 30_000

/**
 * `/echo` gives the body back as it comes, in chunks where it came in chunks; anything else says what the request was.
 * `Upgrade: echo` makes it a connection that gives back every byte.
 */
export function createHttpCodecServer(): Server {
  return createServer({ allowHalfOpen: true }, (socket) => {
    socket.setTimeout(2 * TIMEOUT_MS, () => socket.destroy())
    // A client that breaks the protocol, or leaves, has had what there is to say.
    new Connection(socket).serve().catch(() => socket.destroy())
  })
}

class Connection {
  readonly #socket: Socket
  readonly #stream: HttpStream
  /** A head was sent whose body was not: another one has no place. */
  #isAnswering = false

  constructor(socket: Socket) {
    this.#socket = socket
    this.#stream = framed(socket, () => httpCodec('server'), { frameTimeout: TIMEOUT_MS, errorReply: (error) => (this.#isAnswering ? undefined : refusal(error)) })
  }

  /** One request after the other. A client may send many at once: those that wait are not looked at. */
  async serve(): Promise<void> {
    const messages = this.#stream.iterator({ destroyOnReturn: false })
    let isOver = false
    for await (const head of messages) {
      // The rest of a body that nobody wanted; and what comes after the last request is none.
      if (head.type !== 'request' || isOver) continue
      // What HTTP/1.0 does not have it cannot ask for.
      const isModern = head.minor !== 0
      if (isModern && valuesOf(head, 'expect').includes('100-continue')) await send(this.#stream, { type: 'response', status: 100, reason: 'Continue', fields: [] })
      if (isModern && isUpgrade(head)) {
        await this.#upgrade(messages)
        return
      }
      await this.#answer(head, bodyOf(messages))
      isOver = isLast(head)
      if (isOver) this.#stream.end()
    }
    this.#stream.end()
  }

  async #answer(request: RequestHead, body: AsyncIterable<Uint8Array>): Promise<void> {
    if (request.method === 'CONNECT') {
      await this.#respond(request, [['Content-Length', '0']], [], 501)
      return
    }
    if (request.target === '/echo' && request.method !== 'HEAD') {
      const sameLength = request.fields.filter(([name]) => /^(?:content-length|transfer-encoding)$/i.test(name))
      await this.#respond(request, sameLength.length === 0 ? [['Content-Length', '0']] : sameLength, body)
      return
    }
    const hash = createHash('sha256')
    let length = 0
    for await (const data of body) {
      hash.update(data)
      length += data.length
    }
    const { method, target } = request
    const summary = Buffer.from(`${JSON.stringify({ method, target, length, sha256: hash.digest('hex') })}\n`)
    await this.#respond(request, [['Content-Length', String(summary.length)]], method === 'HEAD' ? [] : [summary])
  }

  async #respond(request: RequestHead, fields: Fields, body: AsyncIterable<Uint8Array> | Iterable<Uint8Array>, status = 200): Promise<void> {
    this.#isAnswering = true
    await send(this.#stream, responseHead(status, [['Connection', isLast(request) ? 'close' : 'keep-alive'], ...fields]))
    // The body of the request is asked for as fast as the answer is taken.
    for await (const data of body) await send(this.#stream, { type: 'data', data })
    await send(this.#stream, { type: 'end' })
    this.#isAnswering = false
  }

  /** The socket is a plain one again. What came behind the request was not for HTTP: it is the first that goes back. */
  async #upgrade(messages: AsyncIterator<HttpMessage>): Promise<void> {
    for await (const _ of bodyOf(messages));
    await send(this.#stream, { type: 'response', status: 101, reason: 'Switching Protocols', fields: [['Upgrade', 'echo'], ['Connection', 'upgrade']] })
    const { unread } = await this.#stream.detach()
    this.#socket.unshift(unread)
    this.#socket.on('error', () => {}).pipe(this.#socket)
  }
}

/** Resolves when it is queued and there is room for more. */
export function send(stream: HttpStream, message: HttpMessage): Promise<void> {
  return new Promise((resolve, reject) => {
    stream.write(message, (error) => (error ? reject(error) : resolve()))
  })
}

/** The data up to the end of a body. Leaving it early leaves the rest where it is. */
export async function* bodyOf(messages: AsyncIterator<HttpMessage>): AsyncGenerator<Uint8Array, void, void> {
  for (;;) {
    const { done, value } = await messages.next()
    if (done === true || value.type === 'end') return
    if (value.type === 'data') yield value.data
  }
}

function isUpgrade(head: RequestHead): boolean {
  return valuesOf(head, 'connection').includes('upgrade') && valuesOf(head, 'upgrade').includes('echo')
}

function responseHead(status: number, fields: Fields): ResponseHead {
  return { type: 'response', status, reason: STATUS_CODES[status] ?? '', fields: [['Date', new Date().toUTCString()], ...fields] }
}

function refusal(error: Error): ResponseHead {
  return responseHead(statusOf(error), [['Content-Length', '0'], ['Connection', 'close']])
}

function statusOf(error: Error): number {
  const { code, limit } = error as Partial<FramingError>
  if (code === 'ERR_FRAME_TIMEOUT') return 408
  if (code !== 'ERR_FRAME_TOO_LONG') return 400
  return limit === MAX_HEAD_BYTES ? 431 : 413
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const server = createHttpCodecServer().listen(Number(process.env['PORT'] ?? 0), '127.0.0.1', () => {
    console.log(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  })
}
