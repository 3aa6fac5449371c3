// npm start   (on a port of your choice: PORT=8080 npm start), then: curl -v --data hello http://127.0.0.1:8080/
import { createHash } from 'node:crypto'
import { STATUS_CODES } from 'node:http'
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { fileURLToPath } from 'node:url'
import { TerminatorSplitter, type Ending } from 'asynchat'

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
type Request = Head & { readonly body: Buffer }

/** Answers a request with what it was: method, path, length and SHA-256 of the body; `/echo` with the body itself. */
export function createHttpServer(options: HttpServerOptions = {}): Server {
  // Half-open: a client may end its side first and still gets its answers.
  return createServer({ allowHalfOpen: true, noDelay: true }, (socket) => void serve(socket, options))
}

async function serve(socket: Socket, options: HttpServerOptions): Promise<void> {
  socket.on('error', () => {}) // A reset: 'close' follows, and ends the loop below.
  socket.setTimeout(2 * (options.timeoutMs ?? 30_000), () => socket.destroy())
  try {
    for await (const request of readRequests(socket, options)) {
      const body = request.path === '/echo' ? request.body : summaryOf(request)
      socket.cork() // Head and body leave together.
      socket.write(answerHead(200, body.length, request.isPersistent))
      const written = write(socket, request.method === 'HEAD' ? '' : body)
      socket.uncork()
      // Answers stay in order and never pile up: while a peer does not read them, none of its requests is cut.
      await written
      if (!request.isPersistent) break
    }
  } catch (error) {
    // No frame can be trusted after a broken one: say why and hang up. (To a peer that has gone, this goes nowhere.)
    socket.write(answerHead(statusOf(error), 0, false))
  }
  hangUp(socket)
}

/** The heart: a head up to the blank line, as many bytes of body as it declares, and back to heads. */
async function* readRequests(socket: Socket, options: HttpServerOptions): AsyncGenerator<Request> {
  const { maxHeadLength = 16 * 1024, maxBodyLength = 8 * 1024 * 1024, timeoutMs: frameTimeout = 30_000 } = options
  const untilBlankLine = { until: '\r\n\r\n', maxFrameLength: maxHeadLength, frameTimeout }
  // 'error': a head that is cut by the end of input is not a head.
  const splitter = new TerminatorSplitter(untilBlankLine, { details: true, tail: 'error' })
  socket.once('close', () => splitter.destroy())
  socket.pipe(splitter) // Not pipeline(): it destroys the socket on an error, and the peer would not see its 400.
  let head: Head | null = null
  for await (const { data, ending, offset } of splitter) {
    const isHead: boolean = head === null
    options.onFrame?.({ kind: isHead ? 'head' : 'body', ending, offset, length: data.length })
    head ??= parseHead(data, maxBodyLength)
    if (isHead && head.bodyLength !== null) {
      if (head.expectsContinue) await write(socket, 'HTTP/1.1 100 Continue\r\n\r\n')
      // The switch: it rules the very next byte, whatever has arrived by now. A length of 0 is an empty frame at once.
      splitter.setTerminator({ until: head.bodyLength, maxFrameLength: maxBodyLength, frameTimeout })
      continue
    }
    splitter.setTerminator(untilBlankLine)
    yield { ...head, body: isHead ? Buffer.alloc(0) : data }
    head = null
  }
}

const TOKEN = "[!#$%&'*+.^_`|~0-9A-Za-z-]+"
const REQUEST_LINE = new RegExp(`^(${TOKEN}) ([\\x21-\\x7e]+) HTTP/1\\.([01])$`)
// No bare CR or LF, no NUL, no space before the colon, no folded lines.
const FIELD = new RegExp(`^(${TOKEN}):([\\t\\x20-\\x7e\\x80-\\xff]*)$`)

function parseHead(bytes: Buffer, maxBodyLength: number) {
  // An empty line before a request is forgiven (RFC 9112, section 2.2).
  const [requestLine = '', ...lines] = bytes.toString('latin1').replace(/^\r\n/, '').split('\r\n')
  const [, method = '', path = '', minor] = REQUEST_LINE.exec(requestLine) ?? refuse(400)
  const fields = parseFields(lines)
  if (minor === '1' && (fields.get('host') ?? ',').includes(',')) refuse(400) // None, or two.
  // Chunks are frames too (a size line, that many bytes, again), but left unread they would pass for requests.
  if (fields.has('transfer-encoding')) refuse(501)
  const bodyLength = bodyLengthOf(fields.get('content-length'), maxBodyLength)
  const connection = wordsOf(fields.get('connection'))
  const isPersistent = minor === '1' ? !connection.includes('close') : connection.includes('keep-alive')
  const expectsContinue = minor === '1' && wordsOf(fields.get('expect')).includes('100-continue')
  return { method, path, isPersistent, expectsContinue, bodyLength }
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
function bodyLengthOf(value: string | undefined, max: number): number | null {
  if (value === undefined) return null
  if (!/^\d+$/.test(value)) refuse(400)
  return Number(value) <= max ? Number(value) : refuse(413)
}

function refuse(status: number): never {
  throw Object.assign(new Error(STATUS_CODES[status]), { status })
}

function statusOf(error: unknown): number {
  const { status = 500, code } = error as { status?: number; code?: string }
  if (code === 'ERR_FRAME_TOO_LONG') return 431 // Only a head: a body's length was refused before it was a terminator.
  if (code === 'ERR_FRAME_INCOMPLETE') return 400
  return code === 'ERR_FRAME_TIMEOUT' ? 408 : status
}

function summaryOf({ method, path, body }: Request): Buffer {
  const sha256 = createHash('sha256').update(body).digest('hex')
  return Buffer.from(`${JSON.stringify({ method, path, length: body.length, sha256 })}\n`)
}

function answerHead(status: number, length: number, isPersistent: boolean): string {
  const connection = isPersistent ? 'keep-alive' : 'close'
  const fields = [`Date: ${new Date().toUTCString()}`, `Content-Length: ${length}`, `Connection: ${connection}`]
  return [`HTTP/1.1 ${status} ${STATUS_CODES[status]}`, ...fields, '', ''].join('\r\n')
}

function write(socket: Socket, data: string | Buffer): Promise<void> {
  return new Promise((resolve, reject) => socket.write(data, (error) => (error ? reject(error) : resolve())))
}

/** Ends our side and reads on for a moment: closing on unread input resets the connection, and loses the answer. */
function hangUp(socket: Socket): void {
  socket.unpipe()
  socket.end()
  socket.resume()
  setTimeout(() => socket.destroy(), 1_000).unref()
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const sockets = new Set<Socket>()
  const server = createHttpServer().on('connection', (socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  server.listen(Number(process.env['PORT'] ?? 0), '127.0.0.1', () => {
    console.log(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  })
  const stop = (): void => {
    server.close()
    for (const socket of sockets) socket.destroy()
  }
  process.once('SIGINT', stop).once('SIGTERM', stop)
}
