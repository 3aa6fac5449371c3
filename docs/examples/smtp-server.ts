// npm run pretest && PORT=2525 node build/docs/examples/smtp-server.js   (STARTTLS: TLS_KEY=key.pem TLS_CERT=cert.pem)
// then: curl smtp://127.0.0.1:2525 --mail-from me@example.com --mail-rcpt you@example.com --upload-file mail.txt --crlf
import { readFileSync } from 'node:fs'
import type { AddressInfo, Socket } from 'node:net'
import { type SecureContextOptions, TLSSocket, createSecureContext } from 'node:tls'
import { fileURLToPath } from 'node:url'
import { AsyncChat, type ChatServer, type ChatServerOptions, type HookResult, type Transport, createChatServer } from 'asynchat'

/** A mail that is coming in. */
export interface Mail {
  readonly from: string
  readonly to: readonly string[]
  /** Who has logged in. */
  readonly user: string | null
  readonly isSecure: boolean
  /**
   * Its lines, with CRLF and without the dots of the protocol. No more of them are received than are asked for. Fails
   * where the connection ends inside the mail. A bare CR or LF is data: a relay has to refuse it.
   */
  readonly content: AsyncIterable<Buffer>
}

export interface SmtpServerOptions {
  /** Takes a mail: the client is told 250 when this resolves, 451 when it rejects. */
  readonly deliver: (mail: Mail) => Promise<void>
  /** With it AUTH LOGIN is offered, and mail is taken from who has logged in. */
  readonly authenticate?: (user: string, password: string) => boolean | Promise<boolean>
  /** Key and certificate: with them STARTTLS is offered, and nobody may log in without it. */
  readonly tls?: SecureContextOptions
}

// RFC 5321, 4.5.3.1: a command has at most 512 bytes with its CRLF. A line of text has 1000 by the same section, which
// also asks for no more limits than needed: programs send longer ones. What is held is 64 KiB all the same.
const COMMAND = { until: '\r\n', maxFrameLength: 510 }
const TEXT_LINE = { until: '\r\n', maxFrameLength: 65_536 }
const BARE = /^(?:STARTTLS|DATA|RSET|QUIT)$/i
const MAX_RECIPIENTS = 100
const DOT = '.'.charCodeAt(0)
const CRLF = Buffer.from('\r\n')

export class SmtpSession extends AsyncChat {
  readonly #options: SmtpServerOptions
  #hasGreeted = false
  #isSecure = false
  #user: string | null = null
  #from: string | null = null
  #to: string[] = []
  /** The lone dot is still to come. */
  #isInMail = false

  readonly #commands = new Map<string, (argument: string) => HookResult>([
    ['HELO', (name) => this.#hello(name, [])],
    ['EHLO', (name) => this.#hello(name, ['PIPELINING', '8BITMIME', ...this.#offers])],
    ['STARTTLS', () => this.#startTls()],
    ['AUTH', (argument) => this.#logIn(argument)],
    ['MAIL', (argument) => this.#mail(argument)],
    ['RCPT', (argument) => this.#recipient(argument)],
    ['DATA', () => this.#data()],
    ['RSET', () => this.#reset(250, 'OK')],
    ['NOOP', () => this.#reply(250, 'OK')],
    ['QUIT', () => this.#quit(221, 'Bye')],
    ...['VRFY', 'EXPN', 'HELP', 'TURN'].map((verb) => [verb, () => this.#reply(502, 'Not implemented')] as const),
  ])

  constructor(socket: Socket, options: SmtpServerOptions) {
    super(socket, { terminator: COMMAND })
    this.#options = options
  }

  override handleConnect(): void {
    this.#reply(220, 'Ready')
  }

  /** A command. Nothing is read before it is answered, so the answers to pipelined ones come in order. */
  override handleFrame(line: Buffer): HookResult {
    // Printable ASCII: no bare CR or LF passes for the end of a command.
    const [, verb = '', argument = ''] = /^([A-Za-z]+)(?: ([ -~]*?))? *$/.exec(line.toString('latin1')) ?? []
    const command = this.#commands.get(verb.toUpperCase()) ?? (() => this.#reply(500, 'Unknown command'))
    return argument !== '' && BARE.test(verb) ? this.#reply(501, 'No parameters') : command(argument)
  }

  /** Errors stop the input only: what is said here still goes out. */
  override handleError(error: Error & { code?: string }): HookResult {
    if (error.code === 'ERR_FRAME_TOO_LONG') return this.#quit(500, 'Line too long')
    if (error.code === 'ERR_UNREAD_INPUT') return this.#quit(554, 'Nothing may follow STARTTLS before the handshake')
    return super.handleError(error)
  }

  override handleTimeout(): void {
    this.#quit(421, 'Too slow')
  }

  #hello(name: string, extensions: readonly string[]): void {
    if (name === '') return this.#reply(501, 'Who are you?')
    this.#hasGreeted = true
    this.#reset(250, `Hello ${name}`, ...extensions)
  }

  /** What a client may do at the moment, and not at others. */
  get #offers(): string[] {
    const { tls, authenticate } = this.#options
    if (tls !== undefined && !this.#isSecure) return ['STARTTLS']
    return authenticate !== undefined && this.#user === null ? ['AUTH LOGIN'] : []
  }

  async #startTls(): Promise<void> {
    const { tls } = this.#options
    if (tls === undefined) return this.#reply(502, 'Not implemented')
    if (this.#isSecure) return this.#reply(503, 'Secure already')
    const secureContext = createSecureContext(tls)
    const secure = (socket: Transport): TLSSocket => new TLSSocket(socket as Socket, { isServer: true, secureContext })
    await this.upgrade(secure, { before: '220 Go ahead\r\n' })
    // What was said in clear is not to be believed.
    this.#isSecure = true
    this.#hasGreeted = false
    this.#forgetMail()
  }

  /** A dialogue inside a dialogue: its lines are no commands. */
  async #logIn(argument: string): Promise<void> {
    const { authenticate } = this.#options
    const [mechanism = '', initial] = argument.split(' ')
    if (authenticate === undefined) return this.#reply(502, 'Not implemented')
    if (!this.#offers.includes('AUTH LOGIN') || this.#from !== null) return this.#reply(503, 'Not now')
    if (mechanism.toUpperCase() !== 'LOGIN') return this.#reply(504, 'AUTH LOGIN only')
    const user = await this.#ask('Username:', initial)
    const password = user === null ? null : await this.#ask('Password:')
    if (user === null || password === null) return this.#reply(501, 'Cancelled')
    if (!(await authenticate(user, password))) return this.#reply(535, 'Wrong user or password')
    this.#user = user
    this.#reply(235, 'Welcome')
  }

  /** Null: the client has cancelled with `*`, sent no base64, or is gone. */
  async #ask(question: string, given?: string): Promise<string | null> {
    if (given === undefined) this.#reply(334, Buffer.from(question).toString('base64'))
    const answer = given ?? String((await this.readFrame(COMMAND)) ?? '*')
    const bytes = Buffer.from(answer, 'base64')
    return bytes.toString('base64') === answer ? bytes.toString() : null
  }

  #mail(argument: string): void {
    const [, from] = /^FROM:<([^<> ]*)>(?: BODY=(?:7BIT|8BITMIME))?$/i.exec(argument) ?? []
    if (!this.#hasGreeted || this.#from !== null) return this.#reply(503, 'Not now')
    if (this.#options.authenticate !== undefined && this.#user === null) return this.#reply(530, 'Log in first')
    if (from === undefined) return this.#reply(501, 'MAIL FROM:<address>')
    this.#from = from
    this.#reply(250, 'OK')
  }

  #recipient(argument: string): void {
    const [, to] = /^TO:<([^<> ]+)>$/i.exec(argument) ?? []
    if (this.#from === null) return this.#reply(503, 'MAIL first')
    if (to === undefined) return this.#reply(501, 'RCPT TO:<address>')
    if (this.#to.length === MAX_RECIPIENTS) return this.#reply(452, 'Too many recipients')
    this.#to.push(to)
    this.#reply(250, 'OK')
  }

  /** The mail is read while the hook is pending, line by line: as fast as it is delivered, and no faster. */
  async #data(): Promise<void> {
    if (this.#from === null || this.#to.length === 0) return this.#reply(503, 'MAIL and RCPT first')
    this.#reply(354, 'End with a dot on a line of its own')
    this.#isInMail = true
    const content = this.#readMail()
    const mail: Mail = { from: this.#from, to: this.#to, user: this.#user, isSecure: this.#isSecure, content }
    const isTaken = await this.#options.deliver(mail).then(() => true, () => false)
    await content.return()
    // What nobody wanted to have is in the way of the next command. (Where the connection is gone, this throws.)
    for await (const _ of this.#readMail());
    this.#reset(isTaken ? 250 : 451, isTaken ? 'Accepted' : 'Not accepted: try again later')
  }

  /** The lines up to the lone dot, without the dot that was put before others. Only CRLF ends a line. */
  async *#readMail(): AsyncGenerator<Buffer, void, void> {
    while (this.#isInMail) {
      const line = await this.readFrame(TEXT_LINE)
      if (line === null) throw new Error('The connection ended inside a mail')
      this.#isInMail = line[0] !== DOT || line.length > 1
      if (!this.#isInMail) return
      yield line[0] === DOT ? line.subarray(1) : line
      yield CRLF
    }
  }

  #forgetMail(): void {
    this.#from = null
    this.#to = []
  }

  #reset(code: number, ...lines: string[]): void {
    this.#forgetMail()
    this.#reply(code, ...lines)
  }

  #reply(code: number, ...lines: string[]): void {
    this.push(lines.map((line, index) => `${code}${index < lines.length - 1 ? '-' : ' '}${line}\r\n`).join(''))
  }

  #quit(code: number, text: string): void {
    this.#reply(code, text)
    this.closeWhenDone()
  }
}

/** A server that takes mail; its channels have the timeouts of every chat server, unless `serverOptions` say otherwise. */
export function createSmtpServer(options: SmtpServerOptions, serverOptions: ChatServerOptions = {}): ChatServer<SmtpSession> {
  return createChatServer((socket) => new SmtpSession(socket, options), serverOptions)
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { PORT = '0', TLS_KEY, TLS_CERT } = process.env
  const deliver = async ({ from, to, content }: Mail): Promise<void> => {
    let length = 0
    for await (const bytes of content) length += bytes.length
    console.log(`A mail of ${length} bytes from <${from}> to <${to.join('>, <')}>`)
  }
  const tls = TLS_KEY && TLS_CERT ? { tls: { key: readFileSync(TLS_KEY), cert: readFileSync(TLS_CERT) } } : {}
  const server = createSmtpServer({ deliver, ...tls }).listen(Number(PORT), '127.0.0.1', () => {
    console.log(`smtp://127.0.0.1:${(server.address() as AddressInfo).port}`)
  })
  const stop = (): void => void server.close({ drain: 1_000 })
  process.once('SIGINT', stop).once('SIGTERM', stop)
}
