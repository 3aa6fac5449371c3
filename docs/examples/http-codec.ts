// PORT=8080 node build/docs/examples/http-codec-server.js   (this file: HTTP/1.1 as a codec, for http-codec-server.ts and http-codec-client.ts)
import { type DecodeContext, type Decoding, type EncodedChunk, type HttpChunk, type SteppedCodec, httpChunked, parseLength } from 'asynchat'

export type Fields = readonly (readonly [name: string, value: string])[]

export interface RequestHead {
  readonly type: 'request'
  readonly method: string
  readonly target: string
  /** Of the version: 1 for HTTP/1.1. @defaultValue 1 */
  readonly minor?: number
  readonly fields: Fields
}

export interface ResponseHead {
  readonly type: 'response'
  readonly status: number
  readonly reason?: string
  readonly minor?: number
  readonly fields: Fields
}

export type Head = RequestHead | ResponseHead

/** A head, then the body in pieces as they come, then `end`. A head with a status of 100 to 199 stands alone, but 101. */
export type HttpMessage = Head | HttpChunk

export const MAX_HEAD_BYTES = 16 * 1024
/** A line feed of its own ends no line here: what two servers in a row read differently hides a request in another. */
const HEAD = { until: ['\r\n\r\n', '\n\n', '\n\r\n'], maxFrameLength: MAX_HEAD_BYTES }
const REST = { until: null, pieces: true, maxFrameLength: Infinity }
const END: HttpChunk = { type: 'end' }
const NO_BYTES = new Uint8Array(0)

const TOKEN = "[!#$%&'*+.^_`|~0-9A-Za-z-]+"
const REQUEST_LINE = new RegExp(`^(${TOKEN}) ([\\x21-\\x7e]+) HTTP/1\\.([01])$`)
const STATUS_LINE = /^HTTP\/1\.([01]) ([1-5]\d\d)(?: ([\t\x20-\x7e\x80-\xff]*))?$/
// No space before the colon, no folded line, no bare CR or LF, no NUL.
const FIELD = new RegExp(`^(${TOKEN}):[\\t ]*([\\t\\x20-\\x7e\\x80-\\xff]*)$`)

/** How a body ends: by its length, by its last chunk, with the connection. */
type BodyEnd = number | 'chunked' | 'close'

/**
 * One side of a connection. It has a memory, so it goes to `framed()` as `() => httpCodec('server')`: how a response
 * ends depends on the method of its request, and how a body is encoded on its head.
 */
export function httpCodec(side: 'server' | 'client'): SteppedCodec<HttpMessage> {
  const chunked = httpChunked({ extensions: 'refuse' })
  /** Of the requests without a response. */
  const methods: string[] = []
  /** What may be encoded: a head, or more of this body. */
  let going: BodyEnd | null = null

  /** How the body behind this head ends; null: the head stands alone. */
  function bodyEnd(head: Head): BodyEnd | null {
    if (head.type === 'request') {
      methods.push(head.method)
      return declaredEnd(head) ?? 0
    }
    if (head.status < 200 && head.status !== 101) return null
    const method = methods.shift()
    const hasNone = head.status < 200 || head.status === 204 || head.status === 304 || method === 'HEAD'
    // What CONNECT opens is no body.
    const isTunnel = method === 'CONNECT' && head.status < 300
    const end = declaredEnd(head) ?? 'close'
    return hasNone || isTunnel ? 0 : end
  }

  function bodyBytes(part: HttpChunk): EncodedChunk | Iterable<EncodedChunk> {
    if (going === null) throw new TypeError('A body without a head')
    const data = part.type === 'data' ? part.data : NO_BYTES
    const bytes = going === 'chunked' ? chunked.encode(part) : data
    if (typeof going === 'number') {
      const left = going - data.length
      if (left < 0 || (part.type === 'end' && left > 0)) throw new RangeError(`Content-Length leaves ${going} bytes, here are ${data.length}`)
      going = left
    }
    if (part.type === 'end') going = null
    return bytes as EncodedChunk | Iterable<EncodedChunk>
  }

  return {
    name: 'http',

    *decode(ctx) {
      const bytes = yield HEAD
      if (ctx.matched > 0) throw new SyntaxError('A line ends with LF alone')
      const head = parseHead(bytes, side)
      const end = bodyEnd(head)
      if (end === null) return head
      ctx.emit(head)
      if (end === 'chunked') return yield* chunked.decode(ctx)
      if (end === 'close' || end > 0) yield* passBody(ctx, end)
      return END
    },

    encode(message) {
      if (message.type === 'data' || message.type === 'end') return bodyBytes(message)
      if (going !== null) throw new TypeError('A head in a body')
      const bytes = headBytes(message, side)
      going = bodyEnd(message)
      return bytes
    },
  }
}

/** Nothing is kept: what is at hand goes out. */
function* passBody(ctx: DecodeContext<HttpMessage>, end: number | 'close'): Decoding<never> {
  const rule = end === 'close' ? REST : { until: end, pieces: true, maxFrameLength: Infinity }
  do {
    const data = yield rule
    if (data.length > 0) ctx.emit({ type: 'data', data })
  } while (ctx.ending === null)
  return undefined
}

/** The values of a field, of all that have this name, in lower case. */
export function valuesOf({ fields }: Head, name: string): string[] {
  return fields.filter(([one]) => one.toLowerCase() === name).flatMap(([, value]) => value.toLowerCase().split(/[\t ]*,[\t ]*/))
}

/** Whether the connection ends behind this message. */
export function isLast(head: Head): boolean {
  const connection = valuesOf(head, 'connection')
  return connection.includes('close') || (head.minor === 0 && !connection.includes('keep-alive'))
}

/** What the head says of its body. Two answers, or one that is not understood, are an error: never a guess. */
function declaredEnd(head: Head): number | 'chunked' | null {
  const lengths = valuesOf(head, 'content-length')
  const codings = valuesOf(head, 'transfer-encoding')
  if (lengths.length + codings.length === 0) return null
  if (lengths.length + codings.length > 1) throw new SyntaxError('More than one length of a body')
  if (lengths.length === 1) return parseLength(Buffer.from(lengths[0] as string))
  if (codings[0] !== 'chunked' || head.minor === 0) throw new SyntaxError('A transfer coding that is not known')
  return 'chunked'
}

function parseHead(bytes: Uint8Array, side: 'server' | 'client'): Head {
  // An empty line before a head is forgiven (RFC 9112, section 2.2).
  const [first = '', ...lines] = Buffer.from(bytes).toString('latin1').replace(/^\r\n/, '').split('\r\n')
  const fields = lines.map((line): [string, string] => {
    const [, name, value = ''] = FIELD.exec(line) ?? []
    if (name === undefined) throw new SyntaxError(`No field: ${JSON.stringify(line)}`)
    // Spaces and tabs, and no more: what one reader takes off, and another does not, hides a length.
    return [name, value.replace(/[\t ]+$/, '')]
  })
  const found = (side === 'server' ? REQUEST_LINE : STATUS_LINE).exec(first)
  if (found === null) throw new SyntaxError(`No first line: ${JSON.stringify(first)}`)
  const [, one = '', two = '', three = ''] = found
  if (side === 'client') return { type: 'response', minor: Number(one), status: Number(two), reason: three, fields }
  const head: RequestHead = { type: 'request', method: one, target: two, minor: Number(three), fields }
  if (three === '1' && fields.filter(([name]) => name.toLowerCase() === 'host').length !== 1) throw new SyntaxError('No host, or two')
  return head
}

/** Refuses what would be read as something else. */
function headBytes(head: Head, side: 'server' | 'client'): Buffer {
  const { minor = 1 } = head
  const first = head.type === 'request' ? `${head.method} ${head.target} HTTP/1.${minor}` : `HTTP/1.${minor} ${head.status} ${head.reason ?? ''}`
  const lines = head.fields.map(([name, value]) => `${name}: ${value}`)
  const text = [first, ...lines, '', ''].join('\r\n')
  const bytes = Buffer.from(text, 'latin1')
  parseHead(bytes.subarray(0, -4), side === 'server' ? 'client' : 'server')
  if (text !== bytes.toString('latin1') || text.slice(0, -4).split('\r\n').length !== lines.length + 1) throw new TypeError('A head with line ends in it')
  return bytes
}
