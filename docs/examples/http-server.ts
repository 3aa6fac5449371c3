// npm start   (on a port of your choice: PORT=8080 npm start), then: curl -v --data hello http://127.0.0.1:8080/
//
// The example of asynchat's own page, `class http_request_handler`, name by name and step by step. What differs, and why:
//   ibuffer            collect(), takeCollected(): a body that comes byte by byte costs its bytes, not an object each
//   op is POST         a Content-Length: every method may have a body, and one of 0 bytes ends at once
//   terminator None    the blank line again: what a client "over-sends" is its next request
//   parse()            left to who handles the request
//   obuffer, sessions  push(); the server's `channels`
import { createHash } from 'node:crypto'
import { STATUS_CODES } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { fileURLToPath } from 'node:url'
import { AsyncChat, type ChatServer, type EndInfo, type Ending, type TimeoutKind, createChatServer } from 'asynchat'

export interface HttpServerOptions {
  /** Called for each frame: what it is, why it ended there, where it began in the connection's bytes. */
  readonly onFrame?: (frame: { kind: 'head' | 'body'; ending: Ending; offset: number; length: number }) => void
  /** @defaultValue 16 KiB */
  readonly maxHeadLength?: number
  /** @defaultValue 8 MiB */
  readonly maxBodyLength?: number
  /** For a head or a body, from its first byte; a connection may be silent twice as long. @defaultValue 30,000 */
  readonly timeoutMs?: number
}

type Head = ReturnType<typeof parseHead>

/** Answers a request with what it was: method, path, length and SHA-256 of the body; `/echo` with the body itself. */
export function createHttpServer(options: HttpServerOptions = {}): ChatServer<HttpRequestHandler> {
  return createChatServer((sock) => new HttpRequestHandler(sock, options))
}

/** Answers stay in order and never pile up: while more than this waits for a peer, none of its requests is cut. */
const MAX_QUEUED_BYTES = 64 * 1024
const NO_BODY = Buffer.alloc(0)

export class HttpRequestHandler extends AsyncChat {
  readonly untilBlankLine: { readonly until: string; readonly maxFrameLength: number }
  readonly maxBodyLength: number
  readingHeaders: boolean
  handling: boolean
  headers: Head | null = null
  cgiData: Buffer
  readonly log: HttpServerOptions['onFrame']

  constructor(sock: Socket, options: HttpServerOptions) {
    const { maxHeadLength = 16 * 1024, maxBodyLength = 8 * 1024 * 1024, timeoutMs = 30_000, onFrame } = options
    super(sock, { frameTimeout: timeoutMs, idleTimeout: 2 * timeoutMs, maxQueuedBytes: MAX_QUEUED_BYTES })
    this.untilBlankLine = { until: '\r\n\r\n', maxFrameLength: maxHeadLength }
    this.maxBodyLength = maxBodyLength
    this.setTerminator(this.untilBlankLine)
    this.readingHeaders = true
    this.handling = false
    this.cgiData = NO_BODY
    this.log = onFrame
  }

  /** Buffers the data. */
  override collectIncomingData(data: Buffer): void {
    this.collect(data)
  }

  override foundTerminator(): void {
    const ibuffer = this.takeCollected()
    this.logFrame(ibuffer.length)
    if (this.readingHeaders) {
      this.readingHeaders = false
      this.headers = parseHead(ibuffer)
      const clen = this.headers.fields.get('content-length')
      if (clen !== undefined) {
        // The switch: it rules the very next byte, whatever has arrived by now. A length over the limit never gets here.
        this.setTerminator({ until: parseLength(clen, this.maxBodyLength), maxFrameLength: this.maxBodyLength })
        if (this.headers.expectsContinue) this.push('HTTP/1.1 100 Continue\r\n\r\n')
      } else {
        this.handling = true
        this.setTerminator(this.untilBlankLine)
        this.handleRequest(this.headers)
      }
    } else if (this.headers !== null && !this.handling) {
      this.setTerminator(this.untilBlankLine)
      this.cgiData = ibuffer
      this.handling = true
      this.handleRequest(this.headers)
    }
  }

  /** All of the request is there, and nothing after it was looked at. */
  handleRequest({ method, path, isPersistent }: Head): void {
    const body = path === '/echo' ? this.cgiData : summaryOf(method, path, this.cgiData)
    this.push(answerHead(200, body.length, isPersistent))
    if (method !== 'HEAD') this.push(body)
    if (!isPersistent) this.closeWhenDone()
    this.readingHeaders = true
    this.handling = false
    this.cgiData = NO_BODY
  }

  /** A client may end its side first, and gets its answers; a request that the end cuts is none. */
  override handleEnd({ incomplete }: EndInfo): void {
    if (incomplete > 0 || !this.readingHeaders) refuse(400)
    this.closeWhenDone()
  }

  override handleTimeout(kind: TimeoutKind): void {
    if (kind === 'frame') refuse(408)
    this.close()
  }

  /** No frame can be trusted after a broken one: says why and hangs up. (To a peer that has gone, this goes nowhere.) */
  override handleError(error: Error): void {
    this.push(answerHead(statusOf(error), 0, false))
    this.closeWhenDone()
  }

  logFrame(length: number): void {
    const { ending, offset, readingHeaders } = this
    if (ending !== null) this.log?.({ kind: readingHeaders ? 'head' : 'body', ending, offset, length })
  }
}

const TOKEN = "[!#$%&'*+.^_`|~0-9A-Za-z-]+"
const REQUEST_LINE = new RegExp(`^(${TOKEN}) ([\\x21-\\x7e]+) HTTP/1\\.([01])$`)
// No bare CR or LF, no NUL, no space before the colon, no folded lines.
const FIELD = new RegExp(`^(${TOKEN}):([\\t\\x20-\\x7e\\x80-\\xff]*)$`)

function parseHead(bytes: Buffer) {
  // An empty line before a request is forgiven (RFC 9112, section 2.2).
  const [requestLine = '', ...lines] = bytes.toString('latin1').replace(/^\r\n/, '').split('\r\n')
  const [, method = '', path = '', minor] = REQUEST_LINE.exec(requestLine) ?? refuse(400)
  const fields = parseFields(lines)
  if (minor === '1' && (fields.get('host') ?? ',').includes(',')) refuse(400) // None, or two.
  // Chunks are frames too (a size line, that many bytes, again), but left unread they would pass for requests.
  if (fields.has('transfer-encoding')) refuse(501)
  const connection = wordsOf(fields.get('connection'))
  const isPersistent = minor === '1' ? !connection.includes('close') : connection.includes('keep-alive')
  const expectsContinue = minor === '1' && wordsOf(fields.get('expect')).includes('100-continue')
  return { method, path, fields, isPersistent, expectsContinue }
}

/** Names in lower case; a field that comes twice has both values, with a comma between them. */
function parseFields(lines: readonly string[]): Map<string, string> {
  const fields = new Map<string, string>()
  for (const line of lines) {
    const [, name = '', value = ''] = FIELD.exec(line) ?? refuse(400)
    const earlier = fields.get(name.toLowerCase())
    const trimmed = value.replace(/^[ \t]+/, '')
    fields.set(name.toLowerCase(), earlier === undefined ? trimmed : `${earlier},${trimmed}`)
  }
  return fields
}

function wordsOf(value = ''): string[] {
  return value.toLowerCase().split(/[ \t,]+/)
}

/** Digits and nothing else: a length that two readers read differently hides one request in the body of another. */
function parseLength(value: string, max: number): number {
  if (!/^\d+$/.test(value)) refuse(400)
  return Number(value) <= max ? Number(value) : refuse(413)
}

/** Whatever a hook throws comes to `handleError`. */
function refuse(status: number): never {
  throw Object.assign(new Error(STATUS_CODES[status]), { status })
}

function statusOf(error: Error): number {
  const { status = 500, code } = error as { status?: number; code?: string }
  // Only a head: a body's length was refused before it was a terminator.
  return code === 'ERR_FRAME_TOO_LONG' ? 431 : status
}

function summaryOf(method: string, path: string, body: Buffer): Buffer {
  const sha256 = createHash('sha256').update(body).digest('hex')
  return Buffer.from(`${JSON.stringify({ method, path, length: body.length, sha256 })}\n`)
}

function answerHead(status: number, length: number, isPersistent: boolean): string {
  const connection = isPersistent ? 'keep-alive' : 'close'
  const fields = [`Date: ${new Date().toUTCString()}`, `Content-Length: ${length}`, `Connection: ${connection}`]
  return [`HTTP/1.1 ${status} ${STATUS_CODES[status]}`, ...fields, '', ''].join('\r\n')
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const server = createHttpServer()
  server.on('listening', () => console.log(`http://127.0.0.1:${(server.address() as AddressInfo).port}`))
  server.listen(Number(process.env['PORT'] ?? 0), '127.0.0.1')
  const stop = (): void => void server.close({ drain: 1_000 })
  process.once('SIGINT', stop).once('SIGTERM', stop)
}
