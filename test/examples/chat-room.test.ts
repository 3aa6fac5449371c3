import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { type AddressInfo, type Socket, connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import type { ChatServer } from 'asynchat'
import { type ChatRoomOptions, type Member, createChatRoom } from '../../docs/examples/chat-room.js'

const SCRIPT = fileURLToPath(new URL('../../docs/examples/chat-room.js', import.meta.url))

/** A member's side: node:net, and lines cut by hand. */
class Peer {
  readonly socket: Socket
  #received = ''

  constructor(port: number, { reads = true } = {}) {
    this.socket = connect({ port, host: '127.0.0.1', noDelay: true })
    this.socket.on('error', () => {}) // A reset, where the room has closed a member who has not read.
    if (!reads) return
    this.socket.setEncoding('utf8').on('data', (data) => {
      this.#received += String(data)
    })
  }

  get lines(): string[] {
    return this.#received.split('\n').slice(0, -1)
  }

  say(...lines: string[]): void {
    this.socket.write(lines.map((line) => `${line}\n`).join(''))
  }

  /** The next line, or lines, taken. */
  async hear(count = 1): Promise<string[]> {
    await until(() => this.lines.length >= count || this.socket.closed)
    const lines = this.lines.slice(0, count)
    this.#received = this.#received.slice(lines.join('\n').length + 1)
    return lines
  }
}

async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await delay(2)
}

interface Opened {
  readonly room: ChatServer<Member>
  readonly errors: string[]
  readonly join: (options?: { reads?: boolean }) => Promise<Peer>
}

async function open(t: Test, options: ChatRoomOptions = {}): Promise<Opened> {
  const room = createChatRoom(options)
  const errors: string[] = []
  room.on('channelError', ({ message }) => errors.push(message))
  room.listen(0, '127.0.0.1')
  await once(room, 'listening')
  const peers: Peer[] = []
  t.teardown(async () => {
    for (const { socket } of peers) socket.destroy()
    await room.close({ drain: 0 })
  })
  const join = async ({ reads = true } = {}): Promise<Peer> => {
    const joined = once(room, 'channel')
    const peer = new Peer((room.address() as AddressInfo).port, { reads })
    peers.push(peer)
    const [member] = (await joined) as [Member]
    await until(() => member.nick !== '')
    return peer
  }
  return { room, errors, join }
}

t.test('chat-room: says each line to all, and who joins, is renamed and leaves', async (t) => {
  const { room, errors, join } = await open(t)
  const ann = await join()
  t.same(await ann.hear(), ['* You are guest1. Say something, or: /nick NAME, /who, /quit'])
  const ben = await join()
  t.match(await ben.hear(), [/^\* You are guest2\./])
  t.same(await ann.hear(), ['* guest2 has joined'])

  ann.say('/nick Ann')
  t.same(await ann.hear(), ['* You are Ann'])
  t.same(await ben.hear(), ['* guest1 is now Ann'])
  ben.say('/nick ann', '/nick', `/nick ${'x'.repeat(25)}`, '/nick a\x1bb', '/nick Bj\u00f6rn', '/dance', '/who')
  t.same(await ben.hear(7), [
    '* There is a ann already',
    '* A name is 1 to 24 letters, digits, _ or -',
    '* A name is 1 to 24 letters, digits, _ or -',
    '* You are a',
    '* You are Bj\u00f6rn',
    '* There is /nick NAME, /who and /quit',
    '* Here: Ann, Bj\u00f6rn',
  ])
  t.same(await ann.hear(2), ['* guest2 is now a', '* a is now Bj\u00f6rn'])

  ben.say('', 'gr\u00fc\u00df \u{1f600}', '\x1b[2J\tclear')
  const said = ['<Bj\u00f6rn> gr\u00fc\u00df \u{1f600}', '<Bj\u00f6rn> [2J clear']
  t.same(await ann.hear(2), said)
  t.same(await ben.hear(2), said)

  ben.say('/quit', 'not heard')
  t.same(await ben.hear(), ['* Bye'])
  await until(() => ben.socket.closed)
  t.same(await ann.hear(), ['* Bj\u00f6rn has left'])
  ann.socket.end()
  await until(() => room.channels.size === 0)
  t.same(ann.lines, [])
  t.same(errors, [])
})

t.test('chat-room: keeps characters whole that come in pieces', async (t) => {
  const { join } = await open(t)
  const [ann, ben] = [await join(), await join()]
  await ann.hear(2)
  for (const byte of Buffer.from('\u{1f600}\u00e4\r\n')) {
    ben.socket.write(Buffer.of(byte))
    await delay(0)
  }
  ben.socket.write(Buffer.from([0x61, 0xff, 0xc3, 0x0a]))
  t.same(await ann.hear(2), ['<guest2> \u{1f600}\u00e4', '<guest2> a\ufffd\ufffd'])
})

t.test('chat-room: takes lines of 512 bytes, and not longer ones', async (t) => {
  const { join } = await open(t)
  const ann = await join()
  await ann.hear()
  ann.say('x'.repeat(512), '\u00e4'.repeat(256), 'x'.repeat(513), `${'x'.repeat(511)}\u00e4`, 'x'.repeat(1_000_000), 'on')
  const tooLong = '* Not said: a line has at most 512 bytes'
  t.same(await ann.hear(6), [`<guest1> ${'x'.repeat(512)}`, `<guest1> ${'\u00e4'.repeat(256)}`, tooLong, tooLong, tooLong, '<guest1> on'])
})

t.test('chat-room: says nothing of a line whose member is gone before its end', async (t) => {
  const { room, join } = await open(t)
  const ann = await join()
  await ann.hear()
  for (const leave of ['end', 'destroy', 'resetAndDestroy'] as const) {
    const ben = await join()
    t.same(await ann.hear(), ['* guest2 has joined'])
    ben.say('whole')
    ben.socket.write('half a li')
    t.same(await ann.hear(), ['<guest2> whole'])
    await until(() => [...room.channels].some(({ transport }) => (transport as Socket).bytesRead === 'whole\nhalf a li'.length))
    ben.socket[leave]()
    t.same(await ann.hear(), [leave === 'resetAndDestroy' ? '* guest2 has been lost' : '* guest2 has left'], leave)
  }
  t.same(ann.lines, [])
})

t.test('chat-room: closes a member who never reads; the others hear every line, and little waits for anybody', async (t) => {
  const MAX_QUEUED_BYTES = 65_536
  const MAX_ROUNDS = 600
  const { room, errors, join } = await open(t, { maxQueuedBytes: MAX_QUEUED_BYTES })
  const [ann, ben] = [await join(), await join()]
  const deaf = await join({ reads: false })
  await ann.hear(3)
  await ben.hear(2)
  const text = 'x'.repeat(490)
  let most = 0
  const broadcast = room.broadcast.bind(room)
  room.broadcast = (...args) => {
    const count = broadcast(...args)
    for (const { queuedBytes } of room.channels) most = Math.max(most, queuedBytes)
    return count
  }
  let round = 0
  for (; round < MAX_ROUNDS && room.channels.size === 3; round++) {
    const wanted = Array.from({ length: 100 }, (_, index) => `<guest1> ${round} ${index} ${text}`)
    ann.say(...wanted.map((line) => line.slice('<guest1> '.length)))
    await until(() => ben.lines.length >= wanted.length && ann.lines.length >= wanted.length)
    const [annHeard, benHeard] = [ann.lines, ben.lines].map((lines) => lines.filter((line) => !line.startsWith('* ')))
    if (String(annHeard) !== String(wanted) || String(benHeard) !== String(wanted)) t.fail(`round ${round}: not every line, once and in order`)
    await ann.hear(100)
    await ben.hear(100)
  }
  t.equal(room.channels.size, 2, `closed after ${round} rounds of 50 KB`)
  t.match(errors, [/^The channel is too slow: \d+ bytes wait for it, the limit is 65536$/])
  t.same([await ann.hear(), await ben.hear()], [['* guest3 has been lost'], ['* guest3 has been lost']])
  t.ok(most > MAX_QUEUED_BYTES && most < MAX_QUEUED_BYTES + 1024, `at most ${most} bytes waited for a member`)
  ben.say('still here')
  t.same(await ann.hear(), ['<guest2> still here'])
  deaf.socket.destroy()
})

t.test('chat-room: closes nobody who reads, however much is said at once', async (t) => {
  const COUNT = 20_000
  const { room, errors, join } = await open(t, { maxQueuedBytes: 65_536 })
  const [ann, ben, cid] = [await join(), await join(), await join()]
  await ann.hear(3)
  await ben.hear(2)
  await cid.hear(1)
  for (const peer of [ann, ben]) peer.say(...Array.from({ length: COUNT }, () => 'a'))
  for (const peer of [ann, ben, cid]) {
    const heard = await peer.hear(2 * COUNT)
    t.same([1, 2].map((number) => heard.filter((line) => line === `<guest${number}> a`).length), [COUNT, COUNT])
  }
  t.equal(room.channels.size, 3)
  t.same(errors, [])
})

t.test('chat-room: closes a member who talks and does not read, alone as he may be', async (t) => {
  const { room, errors, join } = await open(t, { idleTimeout: 50 })
  const { socket } = await join({ reads: false })
  const chunk = `${'x'.repeat(500)}\n`.repeat(200)
  for (let count = 0; count < 300 && room.channels.size > 0; count++) {
    socket.write(chunk)
    await until(() => !socket.writableNeedDrain || socket.closed)
  }
  await until(() => room.channels.size === 0)
  t.same(errors, ['The channel is idle: no byte came or went for 50 ms'])
})

t.test('chat-room: sees 200 come and go, and keeps none', async (t) => {
  const COUNT = 200
  const { room, errors, join } = await open(t)
  const ann = await join()
  await ann.hear()
  const peers = Array.from({ length: COUNT }, () => new Peer((room.address() as AddressInfo).port))
  const joined = await ann.hear(COUNT)
  t.equal(new Set(joined.filter((line) => /^\* guest\d+ has joined$/.test(line))).size, COUNT, 'each with a name of its own')
  ann.say('/who')
  t.equal((await ann.hear())[0]?.split(', ').length, COUNT + 1)
  for (const [index, peer] of peers.entries()) {
    if (index % 2 === 0) peer.say('/quit')
    else peer.socket.destroy()
  }
  const left = await ann.hear(COUNT)
  t.same(left.map((line) => line.replace('left', 'joined')).toSorted(), joined.toSorted())
  await until(() => room.channels.size === 1)
  ann.say('/quit')
  await until(() => ann.socket.closed)
  await until(() => room.channels.size === 0)
  const connectionCount = await new Promise((resolve) => {
    room.server.getConnections((_error, count) => resolve(count))
  })
  t.equal(connectionCount, 0)
  t.same(errors, [])
})

t.test('chat-room: takes leave of its members when it is stopped, with exit code 0', { skip: process.platform === 'win32' && 'no signals' }, async (t) => {
  const child = spawn(process.execPath, [SCRIPT], { stdio: ['ignore', 'pipe', 'pipe'] })
  const stderr = text(child.stderr)
  const [line] = (await once(child.stdout, 'data')) as [Buffer]
  t.match(String(line), /^nc 127\.0\.0\.1 \d+\n$/)
  const peer = new Peer(Number(String(line).split(' ')[2]))
  await peer.hear()
  child.kill()
  t.same(await once(child, 'close'), [0, null])
  t.same(await peer.hear(), ['* The room closes'])
  t.equal(await stderr, '')
})
