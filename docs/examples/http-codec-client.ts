// node build/docs/examples/http-codec-client.js http://127.0.0.1:8080/   (after the command of http-codec-server.ts, or another server)
import { connect } from 'node:net'
import { fileURLToPath } from 'node:url'
import { type Detached, type FrameIterator, type Transport, framed } from 'asynchat'
import { type HttpMessage, type RequestHead, type ResponseHead, httpCodec, valuesOf } from './http-codec.js'
import { type HttpStream, bodyOf, send } from './http-codec-server.js'

export type Request = Omit<RequestHead, 'type'>
type Body = AsyncIterable<Uint8Array> | Iterable<Uint8Array>

export interface Response {
  readonly head: ResponseHead
  /** Empty behind an interim head, as of 100 Continue. Read what is wanted of it before the next `receive()`. */
  readonly body: AsyncIterable<Uint8Array>
}

/** A client on one connection: any number of requests go out, their responses come in that order. */
export class HttpCodecClient {
  readonly #stream: HttpStream
  readonly #messages: FrameIterator<HttpMessage>
  /** The body of the last response has not been read to its end. */
  #isInBody = false

  constructor(transport: Transport) {
    this.#stream = framed(transport, () => httpCodec('client'))
    this.#messages = this.#stream.iterator({ destroyOnReturn: false })
  }

  /** Sends a request; its body as fast as the server takes it. For one that asks to go on first: `sendHead()`. */
  async send(request: Request, body: Body = []): Promise<void> {
    await this.sendHead(request)
    await this.sendBody(body)
  }

  async sendHead(request: Request): Promise<void> {
    await send(this.#stream, { type: 'request', ...request })
  }

  async sendBody(body: Body): Promise<void> {
    for await (const data of body) await send(this.#stream, { type: 'data', data })
    await send(this.#stream, { type: 'end' })
  }

  /** The next response, the interim ones too; null: the server has ended. */
  async receive(): Promise<Response | null> {
    if (this.#isInBody) for await (const _ of this.#body());
    const { done, value } = await this.#messages.next()
    if (done === true) return null
    const head = value as ResponseHead
    const isInterim = head.status < 200 && head.status !== 101
    this.#isInBody = !isInterim
    return { head, body: this.#body() }
  }

  /** After a 101: the connection, and what came behind the response. */
  async detach(): Promise<Detached> {
    if (this.#isInBody) for await (const _ of this.#body());
    return this.#stream.detach()
  }

  close(): void {
    this.#stream.end()
    this.#stream.destroy()
  }

  async *#body(): AsyncGenerator<Uint8Array, void, void> {
    if (!this.#isInBody) return
    yield* bodyOf(this.#messages)
    this.#isInBody = false
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { hostname, port, host, pathname, search } = new URL(process.argv[2] ?? '')
  const client = new HttpCodecClient(connect({ host: hostname, port: Number(port || 80) }))
  await client.send({ method: 'GET', target: `${pathname}${search}`, fields: [['Host', host], ['Connection', 'close']] })
  const response = await client.receive()
  if (response === null) throw new Error('No response')
  console.error(response.head.status, response.head.reason, valuesOf(response.head, 'content-type').join())
  for await (const data of response.body) process.stdout.write(data)
  client.close()
}
