import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { type AddressInfo, type Socket, connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { setImmediate as turn } from 'node:timers/promises'
import { connect as connectTls } from 'node:tls'
import t, { type Test } from 'tap'
import { AsyncChat, type ChatServer, type ChatServerOptions, createChatServer } from 'asynchat'
import { type Mail, type SmtpServerOptions, type SmtpSession, createSmtpServer } from '../../docs/examples/smtp-server.js'
import { startModule } from '../support/run-node.js'
import { cert, key } from '../support/tls.js'
import { until } from '../support/until.js'

type Delivered = Omit<Mail, 'content'> & { readonly content: string }

interface Served {
  readonly port: number
  readonly mails: Delivered[]
  readonly server: ChatServer<SmtpSession>
}

/** The server on a free port, gone when the test is over, and the mails that it took. */
async function serve(t: Test, options: Partial<SmtpServerOptions> = {}, serverOptions: ChatServerOptions = {}): Promise<Served> {
  const mails: Delivered[] = []
  const deliver = async ({ content, ...envelope }: Mail): Promise<void> => {
    const pieces: Buffer[] = []
    for await (const piece of content) pieces.push(piece)
    mails.push({ ...envelope, content: Buffer.concat(pieces).toString('latin1') })
  }
  const server = createSmtpServer({ deliver, ...options }, serverOptions).listen(0, '127.0.0.1')
  t.teardown(() => server.close({ drain: 0 }))
  await once(server, 'listening')
  return { port: (server.address() as AddressInfo).port, mails, server }
}

const dial = (port: number): Socket => connect({ port, host: '127.0.0.1', noDelay: true })

/** Sends the pieces one by one and gives all that the server says until it ends. */
async function session(port: number, pieces: Iterable<string | Uint8Array>, { halfClose = false } = {}): Promise<string> {
  const socket = dial(port)
  const said: Buffer[] = []
  socket.on('data', (chunk: Buffer) => said.push(chunk))
  const ended = once(socket, 'end')
  ended.catch(() => {})
  for (const piece of pieces) {
    if (!socket.readable) break
    socket.write(piece)
    await turn()
  }
  if (halfClose) socket.end()
  await ended
  socket.destroy()
  return Buffer.concat(said).toString('latin1')
}

const byteByByte = (script: string): string[] => script.split('')
const codes = (said: string): number[] => Array.from(said.matchAll(/^(\d{3}) .*\r\n/gm), ([, code]) => Number(code))
const codesOf = async (port: number, script: string): Promise<number[]> => codes(await session(port, [`${script}QUIT\r\n`]))
const base64 = (plain: string): string => Buffer.from(plain).toString('base64')

/** A client that waits for answers. */
class Client {
  socket: Socket
  #said = ''

  constructor(socket: Socket) {
    this.socket = this.use(socket)
  }

  use(socket: Socket): Socket {
    socket.setEncoding('latin1').on('data', (text: string) => (this.#said += text)).on('error', () => {})
    this.socket = socket
    return socket
  }

  /** The next answer, with all of its lines. */
  async answer(): Promise<string> {
    const whole = /^(?:\d{3}-.*\r\n)*\d{3} .*\r\n/
    await until(`an answer after ${this.#said}`, () => whole.test(this.#said) || this.socket.destroyed)
    const [answer = ''] = whole.exec(this.#said) ?? []
    this.#said = this.#said.slice(answer.length)
    return answer
  }

  async say(line: string): Promise<string> {
    this.socket.write(`${line}\r\n`)
    return this.answer()
  }
}

async function client(t: Test, port: number): Promise<Client> {
  const one = new Client(dial(port))
  t.teardown(() => one.socket.destroy())
  t.equal(await one.answer(), '220 Ready\r\n')
  return one
}

const START = 'EHLO me\r\nMAIL FROM:<a@b.c>\r\nRCPT TO:<d@e.f>\r\nDATA\r\n'
const authenticate = (user: string, password: string): boolean => user === 'ann' && password === 'sesame'

t.test('createSmtpServer: gives the same answers and mails at every cut of a session', async (t) => {
  const { port, mails } = await serve(t, { authenticate })
  const script = [
    'ehlo me', 'MAIL FROM:<early@b.c>', 'AUTH LOGIN', base64('ann'), base64('sesame'),
    'MAIL FROM:<a@b.c> BODY=8BITMIME', 'RCPT TO:<d@e.f>', 'rcpt to:<g@h.i>', 'DATA', 'Subject: x', '', '..', '..x', '.y', '\r\n\n.\n', '.',
    'NOPE', 'RSET', 'MAIL FROM:<>', 'RCPT TO:<d@e.f>', 'DATA', '.', 'QUIT', 'NOOP', '',
  ].join('\r\n')
  const wanted = [
    '220 Ready', '250-Hello me', '250-PIPELINING', '250-8BITMIME', '250 AUTH LOGIN', '530 Log in first', `334 ${base64('Username:')}`, `334 ${base64('Password:')}`, '235 Welcome',
    '250 OK', '250 OK', '250 OK', '354 End with a dot on a line of its own', '250 Accepted',
    '500 Unknown command', '250 OK', '250 OK', '250 OK', '354 End with a dot on a line of its own', '250 Accepted', '221 Bye', '',
  ].join('\r\n')
  const wantedMails = [
    { from: 'a@b.c', to: ['d@e.f', 'g@h.i'], user: 'ann', isSecure: false, content: 'Subject: x\r\n\r\n.\r\n.x\r\ny\r\n\r\n\n.\n\r\n' },
    { from: '', to: ['d@e.f'], user: 'ann', isSecure: false, content: '' },
  ]
  t.equal(await session(port, [script]), wanted, 'in one write')
  t.same(mails.splice(0), wantedMails, 'in one write')
  t.equal(await session(port, byteByByte(script)), wanted, 'byte by byte')
  t.same(mails.splice(0), wantedMails, 'byte by byte')
  const wrongCuts: number[] = []
  for (let cut = 1; cut < script.length; cut++) {
    const said = await session(port, [script.slice(0, cut), script.slice(cut)])
    if (said !== wanted || JSON.stringify(mails) !== JSON.stringify(wantedMails)) wrongCuts.push(cut)
    mails.length = 0
  }
  t.same(wrongCuts, [])
})

t.test('createSmtpServer: ends a mail at CRLF, dot, CRLF and at nothing that looks like it', async (t) => {
  const { port, mails } = await serve(t)
  const endings = ['\n.\n', '\n.\r\n', '\r\n.\n', '\r.\r', '\r.\r\n', '\r\n.\r', '\n.\r', '\r.\n', '\r\n\0.\r\n', '\r\n.\0\r\n', '\r\n.\n\r\n', '\r\n.\r\r\n', '\r\n. \r\n', '\r\r\n\n.\r\n']
  for (const ending of endings) {
    const smuggled = `hello${ending}MAIL FROM:<evil@b.c>\r\nRCPT TO:<d@e.f>\r\nDATA\r\nevil`
    const script = `${START}${smuggled}\r\n.\r\nQUIT\r\n`
    for (const pieces of [[script], byteByByte(script)]) {
      t.same(codes(await session(port, pieces)), [220, 250, 250, 250, 354, 250, 221], JSON.stringify(ending))
      const [mail, ...others] = mails.splice(0)
      // A dot after a real CRLF is the stuffing of the protocol.
      t.equal(mail?.content, `${smuggled.replaceAll('\r\n.', '\r\n')}\r\n`, 'its text is all that came')
      t.equal(mail?.from, 'a@b.c')
      t.same(others, [], 'one mail')
    }
  }
})

t.test('createSmtpServer: ends a command at CRLF and takes no bare CR or LF in it', async (t) => {
  const { port } = await serve(t)
  for (const line of ['NOOP\n', 'NOOP\nNOOP', 'NOOP\rNOOP', '\nNOOP', '\rNOOP', 'NOOP\r', 'NOOP \n', 'NOOP\0', 'NOOP \xff', 'RCPT TO:<a\nb>', ' NOOP', '']) {
    const said = [220, 500, 221]
    t.same(await codesOf(port, `${line}\r\n`), said, JSON.stringify(line))
    t.same(codes(await session(port, byteByByte(`${line}\r\nQUIT\r\n`))), said, `${JSON.stringify(line)}, byte by byte`)
  }
  t.same(await codesOf(port, 'EHLO me\r\nMAIL FROM:<a@b.c>\nRCPT TO:<d@e.f>\r\nRCPT TO:<d@e.f>\r\n'), [220, 250, 500, 503, 221])
})

t.test('createSmtpServer: takes the dots of the protocol out of a mail, and no others', async (t) => {
  const { port, mails } = await serve(t)
  for (const [sent, content] of [
    ['', ''],
    ['\r\n', '\r\n'],
    ['..\r\n', '.\r\n'],
    ['...\r\n', '..\r\n'],
    ['.a\r\n', 'a\r\n'],
    ['a.\r\n', 'a.\r\n'],
    ['a\r\n..\r\nb\r\n', 'a\r\n.\r\nb\r\n'],
    [' .\r\n', ' .\r\n'],
    ['\r\n\r\n..\r\n\r\n', '\r\n\r\n.\r\n\r\n'],
    [`${'x'.repeat(65_536)}\r\n`, `${'x'.repeat(65_536)}\r\n`],
    ['\0\x01\xfe\xff\r\n', '\0\x01\xfe\xff\r\n'],
  ] as const) {
    const script = Buffer.from(`${START}${sent}.\r\nQUIT\r\n`, 'latin1')
    t.same(codes(await session(port, [script])), [220, 250, 250, 250, 354, 250, 221], JSON.stringify(sent.slice(0, 20)))
    t.same(mails.splice(0).map((mail) => mail.content), [content])
  }
})

const long = (length: number, start = 'NOOP '): string => `${start.padEnd(length - 2, 'x')}\r\n`

t.test('createSmtpServer: takes a command of 512 bytes, and closes after one of 513 with an answer', async (t) => {
  const { port, server } = await serve(t, { authenticate })
  t.same(await codesOf(port, long(512)), [220, 250, 221])
  const tooLong = ['220 Ready', '500 Line too long', ''].join('\r\n')
  for (const script of [`${long(513)}NOOP\r\n`, long(513).slice(0, -2), long(100_000), 'x'.repeat(100_000)]) {
    t.equal(await session(port, [script]), tooLong, `${script.length} bytes`)
    t.equal(await session(port, [...byteByByte(script.slice(0, 520)), script.slice(520)]), tooLong, `${script.length} bytes, the first of them one by one`)
  }
  t.same(codes(await session(port, [`AUTH LOGIN\r\n${long(513, '')}NOOP\r\n`])), [220, 334, 500], 'in a dialogue')
  await until('no channel is left', () => server.channels.size === 0)
})

t.test('createSmtpServer: takes a line of text of 64 KiB, and closes after a longer one without taking the mail', async (t) => {
  const { port, mails } = await serve(t)
  t.same(codes(await session(port, [`${START}a\r\n${'x'.repeat(65_537)}\r\n.\r\nQUIT\r\n`])), [220, 250, 250, 250, 354, 500])
  t.same(mails, [])
})

t.test('createSmtpServer: answers what is unknown, out of turn or wrong, and goes on', async (t) => {
  const { port, mails } = await serve(t)
  const from = 'EHLO me\r\nMAIL FROM:<a@b.c>\r\n'
  for (const [script, ...wanted] of [
    ['NOPE\r\nEHLOO me\r\nconstructor\r\n', 500, 500, 500],
    ['VRFY x\r\nexpn x\r\nHELP\r\n', 502, 502, 502],
    ['STARTTLS\r\nAUTH LOGIN\r\n', 502, 502],
    ['EHLO\r\nHELO\r\nHELO me\r\nMAIL FROM:<>\r\n', 501, 501, 250, 250],
    ['MAIL FROM:<a@b.c>\r\nRCPT TO:<d@e.f>\r\nDATA\r\n', 503, 503, 503],
    [`${from}MAIL FROM:<a@b.c>\r\n`, 250, 250, 503],
    [`${from}DATA\r\n`, 250, 250, 503],
    [`${from}RCPT TO:<d@e.f>\r\nRSET\r\nRCPT TO:<d@e.f>\r\nDATA\r\n`, 250, 250, 250, 250, 503, 503],
    [`${from}RCPT TO:<d@e.f>\r\nEHLO me\r\nDATA\r\n`, 250, 250, 250, 250, 503],
    ['EHLO me\r\nMAIL FROM:a@b.c\r\nMAIL FROM: <a@b.c>\r\nMAIL FROM:<a@b.c> X=1\r\nMAIL\r\nMAIL FROM:<a>b>\r\n', 250, 501, 501, 501, 501, 501],
    [`${from}RCPT TO:<>\r\nRCPT TO:<d e>\r\nRCPT TO:<d@e.f> X=1\r\n`, 250, 250, 501, 501, 501],
    ['RSET x\r\nDATA x\r\nQUIT x\r\nSTARTTLS x\r\nNOOP x\r\nnoop  \r\n', 501, 501, 501, 501, 250, 250],
    [`${START}.\r\nRCPT TO:<d@e.f>\r\n`, 250, 250, 250, 354, 250, 503],
    [`${from}${'RCPT TO:<d@e.f>\r\n'.repeat(101)}`, 250, 250, ...Array<number>(100).fill(250), 452],
  ] as const) {
    t.same(await codesOf(port, script), [220, ...wanted, 221], JSON.stringify(script.slice(0, 80)))
  }
  t.equal(mails.length, 1)
})

t.test('createSmtpServer: answers nothing after QUIT', async (t) => {
  const { port } = await serve(t)
  t.equal(await session(port, ['QUIT\r\nNOOP\r\n']), '220 Ready\r\n221 Bye\r\n')
})

t.test('createSmtpServer: logs in by a dialogue, and takes mail only then', async (t) => {
  const { port, mails } = await serve(t, { authenticate })
  const dialogue = (...lines: string[]): Promise<number[]> => codesOf(port, `EHLO me\r\n${lines.join('\r\n')}\r\n`)
  const [user, password] = [base64('ann'), base64('sesame')]
  t.same(await dialogue('MAIL FROM:<a@b.c>'), [220, 250, 530, 221], 'not logged in')
  t.same(await dialogue('AUTH LOGIN', user, password, 'MAIL FROM:<a@b.c>'), [220, 250, 334, 334, 235, 250, 221])
  t.same(await dialogue(`auth login ${user}`, password, 'MAIL FROM:<a@b.c>'), [220, 250, 334, 235, 250, 221], 'with an initial response')
  t.same(await dialogue('AUTH LOGIN', '*', 'NOOP'), [220, 250, 334, 501, 250, 221], 'cancelled at the user')
  t.same(await dialogue('AUTH LOGIN', user, '*', 'MAIL FROM:<a@b.c>'), [220, 250, 334, 334, 501, 530, 221], 'cancelled at the password')
  t.same(await dialogue('AUTH LOGIN', 'QUIT!', 'NOOP'), [220, 250, 334, 501, 250, 221], 'no base64, and no command')
  t.same(await dialogue('AUTH LOGIN', user, user, 'MAIL FROM:<a@b.c>'), [220, 250, 334, 334, 535, 530, 221], 'a wrong password')
  t.same(await dialogue('AUTH LOGIN', user, password, 'AUTH LOGIN'), [220, 250, 334, 334, 235, 503, 221], 'twice')
  t.same(await dialogue('AUTH PLAIN x', 'AUTH'), [220, 250, 504, 504, 221], 'another way')
  t.same(codes(await session(port, [`AUTH LOGIN\r\n${user}\r\n`], { halfClose: true })), [220, 334, 334, 501], 'gone in the middle')
  t.same(mails, [])
})

t.test('createSmtpServer: goes on over TLS after STARTTLS, and forgets what was said in clear', async (t) => {
  const { port, mails } = await serve(t, { authenticate, tls: { key, cert } })
  const one = await client(t, port)
  t.equal(await one.say('EHLO me'), '250-Hello me\r\n250-PIPELINING\r\n250-8BITMIME\r\n250 STARTTLS\r\n', 'no AUTH in clear')
  t.match(await one.say('AUTH LOGIN'), /^503/)
  t.match(await one.say('STARTTLS'), /^220/)
  one.socket.removeAllListeners('data')
  const secure = connectTls({ socket: one.socket, ca: cert, servername: 'localhost' })
  t.teardown(() => secure.destroy())
  await once(secure, 'secureConnect')
  one.use(secure)
  t.match(await one.say(`AUTH LOGIN ${base64('ann')}`), /^334/)
  t.match(await one.say(base64('sesame')), /^235/)
  t.match(await one.say('MAIL FROM:<a@b.c>'), /^503/, 'EHLO was forgotten')
  t.equal(await one.say('EHLO me'), '250-Hello me\r\n250-PIPELINING\r\n250 8BITMIME\r\n', 'no STARTTLS any more')
  t.match(await one.say('STARTTLS'), /^503/)
  t.match(await one.say('MAIL FROM:<a@b.c>'), /^250/)
  t.match(await one.say('RCPT TO:<d@e.f>'), /^250/)
  t.match(await one.say('DATA'), /^354/)
  t.match(await one.say(`${'hello\r\n'.repeat(20_000)}.`), /^250/)
  t.same(mails, [{ from: 'a@b.c', to: ['d@e.f'], user: 'ann', isSecure: true, content: 'hello\r\n'.repeat(20_000) }])
  const closed = once(secure, 'close')
  t.match(await one.say('QUIT'), /^221/)
  await closed
})

t.test('createSmtpServer: refuses a STARTTLS that something follows in clear', async (t) => {
  const { port, mails, server } = await serve(t, { tls: { key, cert } })
  const script = `EHLO me\r\nMAIL FROM:<a@b.c>\r\nSTARTTLS\r\n${START}evil\r\n.\r\n`
  const wanted = [220, 250, 250, 554]
  t.same(codes(await session(port, [script])), wanted)
  for (let length = 1; length <= 12; length++) {
    const start = script.indexOf('STARTTLS\r\n') + 10 + length
    t.same(codes(await session(port, [script.slice(0, start)])), wanted, `${length} bytes`)
  }
  t.same(mails, [])
  await until('no channel is left', () => server.channels.size === 0)
})

t.test('createSmtpServer: closes a connection that has no TLS to say after STARTTLS', async (t) => {
  const { port, mails, server } = await serve(t, { tls: { key, cert } })
  const one = await client(t, port)
  t.match(await one.say('STARTTLS'), /^220/)
  one.socket.write(`${START}evil\r\n.\r\n`)
  await until('no channel is left', () => server.channels.size === 0)
  const other = await client(t, port)
  t.match(await other.say('STARTTLS'), /^220/)
  other.socket.end()
  await until('no channel is left', () => server.channels.size === 0)
  t.same(mails, [])
})

t.test('createSmtpServer: closes a connection that is silent after STARTTLS', async (t) => {
  const { port, server } = await serve(t, { tls: { key, cert } }, { idleTimeout: 100 })
  const one = await client(t, port)
  t.match(await one.say('STARTTLS'), /^220/)
  await until('no channel is left', () => server.channels.size === 0)
})

const mailFrom = (from: string): string => `MAIL FROM:<${from}>\r\nRCPT TO:<d@e.f>\r\nDATA\r\n${'NOOP\r\n'.repeat(1000)}.\r\n`

t.test('createSmtpServer: says why it did not take a mail, and goes on with the next command', async (t) => {
  const lengths: number[] = []
  const deliver = async ({ from, content }: Mail): Promise<void> => {
    let length = 0
    if (from !== 'none') {
      for await (const piece of content) {
        length += piece.length
        if (from === 'some') break
      }
    }
    lengths.push(length)
    if (from !== 'some') throw new Error('the disk is full')
  }
  const { port, server } = await serve(t, { deliver })
  t.same(await codesOf(port, `EHLO me\r\n${mailFrom('all')}${mailFrom('none')}${mailFrom('some')}`), [220, 250, 250, 250, 354, 451, 250, 250, 354, 451, 250, 250, 354, 250, 221])
  t.same(lengths, [6000, 0, 4])
  await until('no channel is left', () => server.channels.size === 0)
})

t.test('createSmtpServer: delivers no mail that the end of the connection cut', async (t) => {
  const failures: unknown[] = []
  const deliver = async ({ content }: Mail): Promise<void> => {
    try {
      for await (const _ of content);
      failures.push('it came to its end')
    } catch (error) {
      failures.push((error as { code?: string }).code ?? (error as Error).message)
      throw error
    }
  }
  const { port, server } = await serve(t, { deliver })
  const warnings: unknown[] = []
  const onWarning = (warning: Error): void => void warnings.push(warning)
  process.on('warning', onWarning)
  t.teardown(() => process.removeListener('warning', onWarning))
  for (const [end, code] of [['', 'The connection ended inside a mail'], ['.', 'ERR_FRAME_INCOMPLETE'], ['.\r', 'ERR_FRAME_INCOMPLETE'], ['more', 'ERR_FRAME_INCOMPLETE']]) {
    t.same(codes(await session(port, [`${START}text\r\n${end}`], { halfClose: true })), [220, 250, 250, 250, 354], `after ${JSON.stringify(end)}`)
    await until('no channel is left', () => server.channels.size === 0)
    t.same(failures.splice(0), [code])
  }
  const one = await client(t, port)
  one.socket.write(`${START}text\r\n`)
  await until('the mail has begun', () => server.channels.size === 1)
  await one.answer()
  one.socket.resetAndDestroy()
  await until('no channel is left', () => server.channels.size === 0)
  t.same(failures.length, 1)
  await turn()
  t.same(warnings, [])
})

t.test('createSmtpServer: says 421 to who is silent, in a mail too', async (t) => {
  const { port, mails } = await serve(t, { authenticate: () => true }, { idleTimeout: 100 })
  t.same(codes(await session(port, [])), [220, 421])
  t.same(codes(await session(port, ['AUTH LOGIN\r\n'])), [220, 334, 421], 'in a dialogue')
  t.same(codes(await session(port, [`AUTH LOGIN\r\nYQ==\r\nYQ==\r\n${START}hello\r\n`])), [220, 334, 334, 235, 250, 250, 250, 354, 421], 'in a mail')
  t.same(mails, [])
})

t.test('AsyncChat: writes all that was pushed before closeWhenDone(), though a hook awaits a read, or asks for one later', async (t) => {
  const LENGTH = 16 * 1024 * 1024
  class Loop extends AsyncChat {
    override async handleConnect(): Promise<void> {
      for (;;) if (String(await this.readFrame('\n')) === 'quit') this.#quit()
    }
    override handleTimeout(): void {
      this.#quit()
    }
    #quit(): void {
      this.push(Buffer.alloc(LENGTH))
      this.closeWhenDone()
    }
  }
  const server = createChatServer(Loop, { idleTimeout: 500 }).listen(0, '127.0.0.1')
  const errors: Error[] = []
  server.on('channelError', (error) => errors.push(error))
  t.teardown(() => server.close({ drain: 0 }))
  await once(server, 'listening')
  for (const said of ['', 'quit\n']) {
    const socket = dial((server.address() as AddressInfo).port)
    let length = 0
    socket.on('data', (chunk: Buffer) => (length += chunk.length)).write(said)
    await once(socket, 'close')
    t.equal(length, LENGTH, said === '' ? 'at a timeout' : 'when asked')
  }
  t.same(errors, [])
})

t.test('createSmtpServer: reads no more of a mail than is taken', async (t) => {
  const LENGTH = 8 * 1024 * 1024
  let open: (() => void) | undefined
  const gate = new Promise<void>((resolve) => (open = resolve))
  let length = 0
  const deliver = async ({ content }: Mail): Promise<void> => {
    for await (const piece of content) {
      if (length === 0) await gate
      length += piece.length
    }
  }
  const { port, server } = await serve(t, { deliver })
  const one = await client(t, port)
  one.socket.write(START)
  one.socket.write(`${'x'.repeat(1022)}\r\n`.repeat(LENGTH / 1024))
  one.socket.write('.\r\n')
  await until('the mail has begun', () => server.channels.size === 1)
  const { transport } = [...server.channels][0] as SmtpSession
  let quietRounds = 0
  for (let seen = -1; quietRounds < 20; quietRounds = seen === (transport as Socket).bytesRead ? quietRounds + 1 : 0) {
    seen = (transport as Socket).bytesRead
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
  t.ok((transport as Socket).bytesRead <= 1024 * 1024, `${(transport as Socket).bytesRead} bytes were read`)
  open?.()
  for (const code of [/^250/, /^250/, /^250/, /^354/, /^250/]) t.match(await one.answer(), code)
  t.equal(length, LENGTH)
})

const MEMORY_CHILD = `
  import { createSmtpServer } from './build/docs/examples/smtp-server.js'
  const deliver = async ({ content }) => {
    let length = 0
    for await (const bytes of content) length += bytes.length
    console.log(length, Math.round(process.resourceUsage().maxRSS / 1024))
  }
  const server = createSmtpServer({ deliver }).listen(0, '127.0.0.1', () => console.log(server.address().port))
`

t.test('createSmtpServer: takes a mail of 50 MB at flat memory', async (t) => {
  const child = startModule(MEMORY_CHILD)
  t.teardown(() => child.kill())
  let out = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text))
  const line = async (): Promise<number[]> => {
    await until('the child says something', () => out.includes('\n'))
    const [first = ''] = out.split('\n')
    out = out.slice(first.length + 1)
    return first.split(' ').map(Number)
  }
  const [port = 0] = await line()
  const one = await client(t, port)
  const send = async (block: string, count: number): Promise<number[]> => {
    for (const command of START.trim().split('\r\n')) await one.say(command)
    for (let index = 0; index < count; index++) if (!one.socket.write(block)) await once(one.socket, 'drain')
    t.match(await one.say('.'), /^250/)
    return line()
  }
  const block = `${'x'.repeat(76)}\r\n`.repeat(1000)
  const [, before = NaN] = await send(block, 64)
  const [length, after = NaN] = await send(block, 642)
  t.equal(length, 78_000 * 642)
  t.comment(`50 MB: the peak of resident memory grew from ${before} to ${after} MiB`)
  t.ok(after - before < 24, `${after - before} MiB more than for 5 MB`)
})

t.test('createSmtpServer: runs as a program', async (t) => {
  const env = { ...process.env, PORT: '0' }
  const child = spawn(process.execPath, ['build/docs/examples/smtp-server.js'], { env, stdio: ['ignore', 'pipe', 'pipe'] })
  t.teardown(() => child.kill())
  const [stdout, stderr] = [text(child.stdout), text(child.stderr)]
  let url = ''
  child.stdout.on('data', (chunk: Buffer) => (url ||= String(chunk)))
  await until('it listens', () => url !== '')
  const port = Number(/^smtp:\/\/127\.0\.0\.1:(\d+)\n$/.exec(url)?.[1])
  t.same(await codesOf(port, `${START}hello\r\n.\r\n`), [220, 250, 250, 250, 354, 250, 221])
  await client(t, port)
  child.kill('SIGTERM')
  const ending = await once(child, 'close')
  if (process.platform !== 'win32') t.same(ending, [0, null], 'SIGTERM ends it with code 0, with a client that stays')
  t.same([await stdout, await stderr], [`${url}A mail of 7 bytes from <a@b.c> to <d@e.f>\n`, ''])
})

/** What curl says; null where there is no curl that speaks SMTP. */
function curl(...args: string[]): Promise<{ code: number | string; stderr: string; stdout: string }> {
  return new Promise((resolve) => {
    execFile('curl', ['--silent', '--show-error', '--max-time', '20', '--noproxy', '*', ...args], (error, stdout, stderr) => {
      resolve({ code: error?.code ?? 0, stdout, stderr })
    })
  })
}

const { stdout: version } = await curl('--version')
const skip = / smtp /.test(version) ? false : 'there is no curl here that speaks SMTP'

t.test('curl: sends mail, in clear, over TLS and logged in', { skip }, async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'asynchat-'))
  t.teardown(() => rm(folder, { recursive: true }))
  const [file, empty, ca] = [join(folder, 'mail.txt'), join(folder, 'empty.txt'), join(folder, 'ca.pem')]
  const content = `Subject: x\r\n\r\n.\r\n..\r\n${'long '.repeat(5_000)}\r\n${'.x\r\n'.repeat(20_000)}`
  await Promise.all([writeFile(file, content), writeFile(empty, ''), writeFile(ca, cert)])
  const { port, mails } = await serve(t, { tls: { key, cert }, authenticate: (user, password) => user === '' || authenticate(user, password) })
  const plain = await serve(t)
  const mail = ['--mail-from', 'me@a.b', '--mail-rcpt', 'you@a.b', '--mail-rcpt', 'them@a.b']
  const sent = { code: 0, stdout: '', stderr: '' }
  const envelope = { from: 'me@a.b', to: ['you@a.b', 'them@a.b'], user: null, isSecure: false }
  const at = `smtp://localhost:${port}`
  const tls = ['--ssl-reqd', '--cacert', ca]

  t.same(await curl(...mail, '--upload-file', file, `smtp://127.0.0.1:${plain.port}`), sent, 'in clear')
  t.same(plain.mails.splice(0), [{ ...envelope, content }])
  t.same(await curl(...mail, '--upload-file', empty, `smtp://127.0.0.1:${plain.port}`), sent, 'an empty mail')
  t.match(plain.mails.splice(0), [{ ...envelope, content: /^(?:\r\n)?$/ }])
  t.match(await curl(...mail, '--ssl-reqd', '--upload-file', file, `smtp://127.0.0.1:${plain.port}`), { code: 64 }, 'no TLS where it is wanted')
  t.same(plain.mails, [])

  t.same(await curl(...mail, ...tls, '--user', 'ann:sesame', '--upload-file', file, at), sent, 'over TLS')
  t.same(mails.splice(0), [{ ...envelope, user: 'ann', isSecure: true, content }])
  t.match(await curl(...mail, ...tls, '--user', 'ann:wrong', '--upload-file', file, at), { code: 67 }, 'a wrong password')
  t.match(await curl(...mail, '--ssl-reqd', '--user', 'ann:sesame', '--upload-file', file, at), { code: 60 }, 'a certificate that it does not trust')
  t.match(await curl(...mail, '--upload-file', file, at), { code: 55 }, 'not logged in')
  t.same(mails, [])
})
