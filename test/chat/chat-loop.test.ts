/** `ChatLoop` by what `AsyncChat` makes of it: what happens in which order, and what waits for what. */
import t from 'tap'
import { AsyncChat } from '../../src/chat/async-chat.js'
import type { AsyncChatOptions } from '../../src/chat/chat-options.js'
import { Wire, comes, quiet } from '../support/told-wire.js'

interface Logged {
  readonly wire: Wire
  readonly chat: AsyncChat
  readonly log: string[]
}

function codeOf(error: Error): string {
  return (error as { code?: string }).code ?? error.message
}

/** A chat that logs what its hooks are told; it takes lines, unless `options` has the pair. */
function logged(options: AsyncChatOptions = {}, wire: Wire = new Wire()): Logged {
  const log: string[] = []
  const chat = new AsyncChat(wire, {
    terminator: '\n',
    ...('collectIncomingData' in options ? {} : { handleFrame: (frame: Buffer) => void log.push(frame.toString()) }),
    handleConnect: () => void log.push('connect'),
    handleDrain: () => void log.push('drain'),
    handleEnd: ({ incomplete }) => void log.push(`end ${incomplete}`),
    handleError: (error) => void log.push(`error ${codeOf(error)}`),
    ...options,
  })
  return { wire, chat, log }
}

t.test('ChatLoop: hooks that wait go before the input, an error before other hooks', async (t) => {
  const { wire, chat, log } = logged({
    acOutBufferSize: 1,
    async handleConnect() {
      log.push('connect')
      // While this is pending, three things come about.
      this.push('xx')
      wire.say('a\nb')
      wire.hangUp()
      await quiet(3)
      throw new Error('mine')
    },
  })
  await quiet()
  t.same(log, ['connect', 'error mine', 'drain', 'a', 'end 1'])
  t.equal(chat.takeCollected().toString(), 'b')
  chat.close()
})

t.test('ChatLoop: a read goes before the hooks of the input, while its hook is pending too', async (t) => {
  const { wire, chat, log } = logged({
    async handleFrame(frame) {
      log.push(`(${frame.toString()}`)
      if (frame.toString() === 'a') {
        const reads = [this.readFrame('\n'), this.readFrame(1), this.readFrame('\n')]
        log.push(...(await Promise.all(reads)).map((read) => `read ${String(read)}`))
      }
      await quiet(1)
      log.push(`${frame.toString()})`)
    },
  })
  wire.say('a\nb\ncd\n', 'e\n')
  await quiet(20)
  t.same(log, ['connect', '(a', 'read b', 'read c', 'read d', 'a)', '(e', 'e)'])
  chat.close()
})

t.test('ChatLoop: a read is served at once by what is at hand, and waits behind another, a pause or an end', async (t) => {
  const wire = new Wire()
  const chat = new AsyncChat(wire, { handleEnd() {} })
  await quiet()
  wire.say('a\nb\nc\nd')
  t.equal(String(await chat.readFrame('\n')), 'a')
  const order: string[] = []
  const note = (word: string, read: Promise<Buffer | null>): Promise<void> => read.then((frame) => void order.push(`${word} ${String(frame)}`))
  chat.pauseReading()
  const paused = note('paused', chat.readFrame('\n'))
  await quiet()
  t.same(order, [])
  chat.resumeReading()
  await paused
  const waiting = chat.readFrame(99).catch(codeOf)
  const behind = note('behind', chat.readFrame('\n'))
  await quiet()
  t.same(order, ['paused b'])
  wire.hangUp()
  t.equal(await waiting, 'ERR_FRAME_INCOMPLETE')
  await behind
  t.same(order, ['paused b', 'behind c'])
  t.equal(String(await chat.readFrame(1)), 'd')
  t.equal(await chat.readFrame('\n'), null)
  chat.close()
})

t.test('ChatLoop: gives the pair content and ends apart, and the tail without an end', async (t) => {
  const log: string[] = []
  const { wire, chat } = logged({
    collectIncomingData: (data) => void log.push(`C(${data.toString()})`),
    foundTerminator: () => void log.push('F'),
    handleEnd: ({ incomplete }) => void log.push(`end ${incomplete}`),
  })
  wire.say('a\n\nb')
  wire.hangUp()
  await quiet()
  t.same(log, ['C(a)', 'F', 'F', 'C(b)', 'end 1'])
  chat.close()
})

t.test('ChatLoop: the pair may cut truncated frames, of which the end is told', async (t) => {
  const log: string[] = []
  const { wire, chat } = logged({
    maxFrameLength: 2,
    overflow: 'truncate',
    collectIncomingData: (data) => void log.push(`C(${data.toString()})`),
    foundTerminator: () => void log.push(`F ${String(chat.ending)}`),
  })
  wire.say('abcd\ne\n')
  await quiet()
  t.same(log, ['C(ab)', 'F truncated', 'C(e)', 'F terminator'])
  chat.close()
})

t.test('ChatLoop: a frame that fails stops the input, and what is no bytes ends the channel', async (t) => {
  const { wire, chat, log } = logged({ maxFrameLength: 1 })
  wire.say('a\nbc\nd\n')
  await quiet()
  t.same(log, ['connect', 'a', 'error ERR_FRAME_TOO_LONG'])
  chat.close()
  const odd = logged({}, new Wire({ readableObjectMode: true }))
  odd.wire.push({})
  t.match(await odd.chat.whenClosed, { error: { code: 'ERR_INVALID_ARG_TYPE' } })
})

t.test('ChatLoop: hooks that do not go together are told after the connection, and nobody takes the input', async (t) => {
  class Half extends AsyncChat {
    override foundTerminator(): void {}
  }
  const wire = new Wire()
  const log: string[] = []
  const chat = new Half(wire, { handleConnect: () => void log.push('connect'), handleError: (error) => void log.push(codeOf(error)) })
  wire.say('a')
  await quiet()
  t.same([log, wire.readableLength], [['ERR_METHOD_NOT_IMPLEMENTED', 'connect'], 1])
  chat.close()
})

t.test('ChatLoop: handleEnd comes once, when nobody reads any more and who got the end has answered', async (t) => {
  const wire = new Wire()
  const log: string[] = []
  const chat = new AsyncChat(wire, { handleEnd: () => void log.push('end') })
  wire.say('a\n')
  wire.hangUp()
  t.equal(String(await chat.readFrame('\n')), 'a')
  t.equal(await chat.readFrame('\n'), null)
  t.same(log, [], 'this is answered first')
  t.equal(await chat.readFrame('\n'), null)
  await comes('the end', () => log.length > 0)
  await quiet()
  t.same(log, ['end'])
  chat.close()
  const leaving = new Wire()
  const closing = new AsyncChat(leaving, { handleEnd: () => void log.push('late') })
  leaving.hangUp()
  t.equal(await closing.readFrame('\n'), null)
  closing.close()
  await quiet()
  t.same(log, ['end'], 'not after the close')
})

t.test('ChatLoop: after handleEnd, however it went, a channel that is not to be half open closes when done', async (t) => {
  for (const handleEnd of [() => {}, () => Promise.reject(new Error('mine'))]) {
    const { wire, chat } = logged({ allowHalfOpen: false, handleEnd })
    wire.hangUp()
    t.match(await chat.whenClosed, { error: undefined })
  }
})

t.test('ChatLoop: what handleError fails with is the end', async (t) => {
  const { chat } = logged({
    handleConnect: () => Promise.reject(new Error('first')),
    handleError: () => Promise.reject(new Error('second')),
  })
  t.match(await chat.whenClosed, { error: { message: 'second' } })
})

t.test('ChatLoop: an error of the transport does not wait for the hook that is pending', async (t) => {
  const { wire, chat, log } = logged({ handleConnect: () => new Promise(() => {}) })
  await quiet()
  wire.destroy(new Error('reset'))
  await chat.whenClosed
  t.same(log, ['error reset'])
  const idle = logged()
  await quiet()
  idle.wire.destroy(new Error('reset'))
  await idle.chat.whenClosed
  t.same(idle.log, ['connect', 'error reset'])
})

t.test('ChatLoop: 100,000 frames in one chunk, and 20,000 reads, use no stack', async (t) => {
  let count = 0
  const { wire, chat } = logged({
    handleFrame() {
      this.setTerminator(++count % 2 === 0 ? '\n' : ';')
    },
  })
  wire.say('a\nb;'.repeat(50_000))
  await comes('all frames', () => count === 100_000)
  t.equal(count, 100_000)
  chat.close()
  const reader = new Wire()
  const read = new AsyncChat(reader)
  const reads = Array.from({ length: 20_000 }, () => read.readFrame('\n'))
  reader.say('a\n'.repeat(20_000))
  t.ok((await Promise.all(reads)).every((frame) => String(frame) === 'a'))
  read.close()
})

t.test('ChatLoop: a chat that nobody reads ends with its peer, whatever the peer has sent', async (t) => {
  for (const sent of ['', 'bye', 'bye\n'.repeat(1000), 'bye\n'.repeat(50_000)]) {
    const wire = new Wire()
    const chat = new AsyncChat(wire)
    if (sent !== '') wire.say(sent)
    wire.hangUp()
    await comes('the close', () => chat.closed)
    t.equal((await chat.whenClosed).error, undefined)
  }
})

t.test('ChatLoop: what a peer sent before its end is there for a reader that comes late', async (t) => {
  const wire = new Wire()
  const chat = new AsyncChat(wire)
  wire.say('220 ready\r\nrest')
  wire.hangUp()
  await comes('the close', () => chat.closed)
  t.equal(String(await chat.readFrame('\r\n')), '220 ready')
  await t.rejects(chat.readFrame('\r\n'), { code: 'ERR_FRAME_INCOMPLETE' })
  await t.rejects(chat.readPieces(4).next(), { code: 'ERR_CHANNEL_CLOSED' }, 'its pieces would be asked for later still')
  t.equal(String(await chat.readFrame(4)), 'rest')
  t.equal(await chat.readFrame(4), null)
})

t.test('ChatLoop: of a peer that never ends, a chat that nobody reads takes no more than a frame', async (t) => {
  const wire = new Wire()
  const chat = new AsyncChat(wire, { maxFrameLength: 100_000 })
  wire.say('x')
  await quiet()
  t.equal(wire.readableLength, 1, 'it takes nothing that hides no end')
  for (let count = 0; count < 20; count++) {
    wire.say('x'.repeat(20_000))
    await quiet()
  }
  t.ok(chat.splitter.takeUnread().length < 200_000)
  chat.close()
})

t.test('ChatLoop: nothing is left for a late reader where we closed, or it failed', async (t) => {
  const acts: readonly ((wire: Wire, chat: AsyncChat) => void)[] = [
    (_, chat) => chat.close(),
    (_, chat) => chat.closeWhenDone(),
    (wire) => wire.destroy(new Error('reset')),
  ]
  for (const act of acts) {
    const wire = new Wire()
    const chat = new AsyncChat(wire)
    wire.say('220 ready\r\n')
    await quiet()
    act(wire, chat)
    wire.hangUp()
    await comes('the close', () => chat.closed)
    await t.rejects(chat.readFrame('\r\n'))
  }
})

t.test('ChatLoop: a chat whose handleConnect is done leaves its bytes and its end to other readers', async (t) => {
  const wire = new Wire()
  const chat = new AsyncChat(wire, { handleConnect() {} })
  wire.say('abc')
  wire.hangUp()
  await quiet()
  t.same([chat.closed, wire.readableLength], [false, 3])
  t.equal(String(await chat.readFrame(3)), 'abc')
  await comes('the close', () => chat.closed)
})
