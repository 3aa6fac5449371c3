/**
 * The tests that CPython has for asynchat (Lib/test/test_asynchat.py, last in 3.11; those of `fifo` in 2.7), each under
 * its own name: the same client, and a server that sends back in pieces of so many bytes what it got up to `QUIT\n`.
 *
 * Not here: `TestAsynchat_WithPoll` (the same again on another poller), `test_blockingioerror` (sockets of Node do not
 * raise it).
 */

import { once } from 'node:events'
import { type AddressInfo, type Socket, createServer } from 'node:net'
import t from 'tap'
import { AsyncChat, type ConnectOptions } from '../../src/chat/async-chat.js'
import { FrameScanner, type Terminator } from '../../src/framing/index.js'
import { Fifo } from '../../src/producers/fifo.js'
import { SimpleProducer } from '../../src/producers/simple-producer.js'
import { turn } from '../support/chat-session.js'

type Tap = Pick<typeof t, 'teardown'>

const HOST = '127.0.0.1'
const SERVER_QUIT = 'QUIT\n'
const TWO_LINES = "hello world\nI'm not dead yet!\n"
const ONE_LINE = "hello world, I'm not dead yet!\n"

interface EchoServer {
  readonly port: number
  /** What came before the QUIT. */
  readonly received: () => string
}

/** Sends back what it got in pieces of `pieceLength` bytes, when QUIT has come, or when the client has ended too. */
async function startEchoServer(t: Tap, { pieceLength = 1, waitsForEnd = false } = {}): Promise<EchoServer> {
  let received = ''
  const echo = async (socket: Socket): Promise<void> => {
    for (let at = 0; at < received.length && !socket.destroyed; at += pieceLength) {
      // Each piece is a packet of its own: the next one is written in another turn.
      await new Promise((resolve) => socket.write(received.slice(at, at + pieceLength), 'latin1', resolve))
      await turn()
    }
    socket.end()
  }
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    let buffer = ''
    socket.on('error', () => {})
    socket.on('data', (chunk) => {
      buffer += chunk.toString('latin1')
      if (!buffer.includes(SERVER_QUIT) || received !== '') return
      received = buffer.replace(SERVER_QUIT, '')
      if (!waitsForEnd) void echo(socket)
    })
    socket.on('end', () => {
      if (waitsForEnd) void echo(socket)
    })
  })
  server.listen(0, HOST)
  await once(server, 'listening')
  t.teardown(() => server.close())
  return { port: (server.address() as AddressInfo).port, received: () => received }
}

class EchoClient extends AsyncChat {
  readonly contents: string[] = []
  buffer = ''

  override collectIncomingData(data: Buffer): void {
    this.buffer += data.toString('latin1')
  }

  override foundTerminator(): void {
    this.contents.push(this.buffer)
    this.buffer = ''
  }
}

function connect(t: Tap, terminator: Terminator, { port }: EchoServer): EchoClient {
  const options: ConnectOptions = { host: HOST, port, terminator }
  const client = EchoClient.connect(options)
  t.teardown(() => client.close())
  return client
}

const LINES = [
  { name: 'test_line_terminator1: a terminator of one character', terminator: '\n' },
  { name: 'test_line_terminator2: a terminator of two characters', terminator: '\r\n' },
  { name: 'test_line_terminator3: a terminator of three characters, all the same', terminator: 'qqq' },
]

for (const { name, terminator } of LINES) {
  t.test(`AsyncChat: ${name}`, async (t) => {
    for (const pieceLength of [1, 2, 3]) {
      const client = connect(t, terminator, await startEchoServer(t, { pieceLength }))
      client.push('hello ')
      client.push(`world${terminator}`)
      client.push(`I'm not dead yet!${terminator}`)
      client.push(SERVER_QUIT)
      await client.whenClosed
      t.same(client.contents, ['hello world', "I'm not dead yet!"], `pieces of ${pieceLength}`)
    }
  })
}

const COUNTS = [
  { name: 'test_numeric_terminator1: a count of 1 gives exactly one frame', count: 1 },
  { name: 'test_numeric_terminator2: a count of 6 gives exactly one frame', count: 6 },
]

for (const { name, count } of COUNTS) {
  t.test(`AsyncChat: ${name}`, async (t) => {
    const client = connect(t, count, await startEchoServer(t))
    client.push(ONE_LINE)
    client.push(SERVER_QUIT)
    await client.whenClosed
    t.same(client.contents, [ONE_LINE.slice(0, count)])
    t.equal(client.buffer, ONE_LINE.slice(count), 'the rest is collected')
  })
}

t.test('AsyncChat: test_none_terminator: null never ends a frame', async (t) => {
  const client = connect(t, null, await startEchoServer(t))
  client.push(ONE_LINE)
  client.push(SERVER_QUIT)
  await client.whenClosed
  t.same(client.contents, [])
  t.equal(client.buffer, ONE_LINE)
})

t.test('AsyncChat: test_simple_producer: sends what a SimpleProducer gives', async (t) => {
  const client = connect(t, '\n', await startEchoServer(t))
  client.pushWithProducer(new SimpleProducer(TWO_LINES + SERVER_QUIT, 8))
  await client.whenClosed
  t.same(client.contents, ['hello world', "I'm not dead yet!"])
})

t.test('AsyncChat: test_string_producer: takes data for a producer', async (t) => {
  const client = connect(t, '\n', await startEchoServer(t))
  client.pushWithProducer(TWO_LINES + SERVER_QUIT)
  await client.whenClosed
  t.same(client.contents, ['hello world', "I'm not dead yet!"])
})

t.test('AsyncChat: test_empty_line: reports an empty line', async (t) => {
  const client = connect(t, '\n', await startEchoServer(t))
  client.push("hello world\n\nI'm not dead yet!\n")
  client.push(SERVER_QUIT)
  await client.whenClosed
  t.same(client.contents, ['hello world', '', "I'm not dead yet!"])
})

t.test('AsyncChat: test_close_when_done: sends all, and takes nothing more', async (t) => {
  const server = await startEchoServer(t, { waitsForEnd: true })
  const client = connect(t, '\n', server)
  client.push(TWO_LINES)
  client.push(SERVER_QUIT)
  client.closeWhenDone()
  t.same(await client.whenClosed, { incomplete: 0, unsent: 0 }, 'it closes well')
  t.same(client.contents, [])
  t.equal(server.received(), TWO_LINES, 'there more than nothing; here everything')
})

t.test('AsyncChat: test_push: takes bytes of every kind, and nothing else', async (t) => {
  const client = connect(t, '\n', await startEchoServer(t))
  const data = Buffer.from('bytes\n')
  client.push(data)
  client.push(new Uint8Array(data))
  client.push(new DataView(data.buffer, data.byteOffset, data.length))
  t.throws(() => client.push(10 as never), { name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE', message: /"data".*10/ })
  t.throws(() => client.push(undefined as never), { name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE', message: /"data".*undefined/ })
  client.push('bytes\n')
  client.push(SERVER_QUIT)
  await client.whenClosed
  t.same(client.contents, ['bytes', 'bytes', 'bytes', 'bytes'], 'a string is sent here, as UTF-8')
})

t.test('FrameScanner: test_find_prefix_at_end: holds what may be the beginning of the delimiter', async (t) => {
  for (const [haystack, held] of [['qwerty\r', 1], ['qwertydkjf', 0]] as const) {
    const scanner = new FrameScanner({ terminator: '\r\n' })
    scanner.write(Buffer.from(haystack))
    while (scanner.readPiece() !== null);
    t.equal(scanner.bufferedLength, held, haystack)
  }
})

t.test('AsyncChat: test_disallow_negative_terminator: refuses a count below 0 before it is connected', async (t) => {
  const client = connect(t, null, await startEchoServer(t))
  t.throws(() => client.setTerminator(-1), { name: 'RangeError', code: 'ERR_OUT_OF_RANGE', message: /"terminator".*-1/ })
  t.equal(client.getTerminator(), null)
  t.equal(client.connected, false)
})

t.test('Fifo: TestFifo.test_basic', async (t) => {
  const fifo = new Fifo<unknown>()
  fifo.push(7)
  fifo.push('a')
  t.equal(fifo.length, 2)
  t.equal(fifo.first(), 7)
  t.same(fifo.pop(), [true, 7])
  t.equal(fifo.length, 1)
  t.equal(fifo.first(), 'a')
  t.equal(fifo.isEmpty(), false)
  t.same(fifo.pop(), [true, 'a'])
  t.equal(fifo.length, 0)
  t.equal(fifo.isEmpty(), true)
  t.same(fifo.pop(), [false, null])
})

t.test('Fifo: TestFifo.test_given_list', async (t) => {
  const fifo = new Fifo<unknown>(['x', 17, 3])
  t.equal(fifo.length, 3)
  for (const item of ['x', 17, 3]) t.same(fifo.pop(), [true, item])
  t.same(fifo.pop(), [false, null])
})
