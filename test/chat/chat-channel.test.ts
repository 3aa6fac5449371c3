/** `ChatChannel` by what `AsyncChat` makes of it: its life, its clocks, and what flows. */
import { Duplex, PassThrough } from 'node:stream'
import t from 'tap'
import { AsyncChat, serve } from '../../src/chat/async-chat.js'
import type { AsyncChatOptions, CloseInfo } from '../../src/chat/chat-options.js'
import { Clock } from '../support/clock.js'
import { Wire, comes, quiet, warningsOf } from '../support/told-wire.js'

function noop(): void {}

interface Logged {
  readonly wire: Wire
  readonly chat: AsyncChat
  readonly log: string[]
}

function codeOf(error: Error): string {
  return (error as { code?: string }).code ?? error.message
}

function toldOf({ error, incomplete, unsent }: CloseInfo): string {
  return [...(error === undefined ? [] : [codeOf(error)]), incomplete, unsent].join(' ')
}

/** A chat that takes lines, and logs all that it is told. */
function logged(options: AsyncChatOptions = {}, wire: Wire = new Wire()): Logged {
  const log: string[] = []
  const chat = new AsyncChat(wire, {
    terminator: '\n',
    handleConnect: () => void log.push('connect'),
    handleFrame: (frame) => void log.push(frame.toString()),
    handleClose: (info) => void log.push(`close ${toldOf(info)}`),
    ...options,
  })
  return { wire, chat, log }
}

// The ends of a channel: each calls handleClose once, and says how it was.

interface EndRow {
  readonly name: string
  readonly options?: AsyncChatOptions
  readonly wire?: ConstructorParameters<typeof Wire>[0]
  readonly act: (logged: Logged) => unknown
  readonly wanted: string
  readonly heard?: string
}

const ends: readonly EndRow[] = [
  { name: 'the peer ends', act: ({ wire }) => wire.hangUp(), wanted: 'connect close 0 0' },
  { name: 'the peer ends inside a frame', act: ({ wire }) => (wire.say('a\nbcd'), wire.hangUp()), wanted: 'connect a close 3 0' },
  { name: 'the peer resets', act: ({ wire }) => wire.destroy(new Error('reset')), wanted: 'connect close reset 0 0' },
  { name: 'the peer resets inside a frame', act: ({ wire }) => (wire.say('a\nbcd'), quiet(2).then(() => wire.destroy(new Error('reset')))), wanted: 'connect a close reset 3 0' },
  { name: 'the transport is destroyed from outside', act: ({ wire }) => wire.destroy(), wanted: 'connect close 0 0' },
  { name: 'the transport fails and does not destroy itself', wire: { autoDestroy: false }, act: ({ wire }) => wire.emit('error', new Error('odd')), wanted: 'connect close odd 0 0' },
  { name: 'the peer ends, of a transport that does not destroy itself', wire: { autoDestroy: false }, act: ({ wire }) => (wire.say('a\n'), wire.hangUp()), wanted: 'connect a close 0 0' },
  { name: 'the peer ends, of a transport that ends its other side then', wire: { allowHalfOpen: false }, act: ({ wire, chat }) => (chat.push('answer'), wire.hangUp()), wanted: 'connect close 0 0', heard: 'answer' },
  { name: 'the transport never says that it has closed', wire: { emitClose: false }, options: { lingerTimeout: 1 }, act: ({ chat }) => chat.close(), wanted: 'connect close 0 0' },
  { name: 'the transport never says that it has closed, after both ends', wire: { emitClose: false, autoDestroy: false }, options: { lingerTimeout: 1 }, act: ({ wire }) => wire.hangUp(), wanted: 'connect close 0 0' },
  { name: 'close()', act: ({ chat }) => (chat.close(), chat.close()), wanted: 'connect close 0 0' },
  { name: 'close(error)', act: ({ chat }) => chat.close(new Error('mine')), wanted: 'connect close mine 0 0' },
  { name: 'close() with output that waits', act: ({ wire, chat }) => (wire.stopListening(), chat.push('a'), chat.push('b'), chat.close()), wanted: 'connect close 0 2' },
  { name: 'closeWhenDone() and the peer\'s end', act: ({ wire, chat }) => (chat.closeWhenDone(), chat.closeWhenDone(), wire.hangUp()), wanted: 'connect close 0 0' },
  { name: 'closeWhenDone() with output that waits', act: ({ wire, chat }) => (chat.push('bye'), chat.closeWhenDone(), wire.say('late\n'), wire.hangUp()), wanted: 'connect close 0 0', heard: 'bye' },
  { name: 'end(), and the peer\'s end after its frames', act: ({ wire, chat }) => (chat.push('bye'), chat.end(), chat.end(), wire.say('a\n'), wire.hangUp()), wanted: 'connect a close 0 0', heard: 'bye' },
  { name: 'close() after closeWhenDone()', act: ({ chat }) => (chat.closeWhenDone(), chat.close(new Error('mine'))), wanted: 'connect close mine 0 0' },
  { name: 'a reset before what was pushed is written', act: ({ wire, chat }) => (wire.stopListening(), chat.push('x'), chat.closeWhenDone(), quiet(2).then(() => wire.destroy(new Error('reset')))), wanted: 'connect close reset 0 1' },
  { name: 'a reset after the last byte was written', act: ({ wire, chat }) => (chat.push('x'), chat.closeWhenDone(), quiet(4).then(() => wire.destroy(new Error('reset')))), wanted: 'connect close 0 0', heard: 'x' },
  { name: 'a handleEnd that goes on, and end() later', options: { handleEnd() {
    setImmediate(() => (this.push('late'), this.end()))
  } }, act: ({ wire }) => wire.hangUp(), wanted: 'connect close 0 0', heard: 'late' },
  { name: 'a handleEnd that goes on, where half-open is not allowed', options: { allowHalfOpen: false, async handleEnd() {
    await quiet(1)
    this.push('late')
  } }, act: ({ wire }) => wire.hangUp(), wanted: 'connect close 0 0', heard: 'late' },
  { name: 'a handleEnd that throws, and a handleError that only ends', options: { handleEnd() {
    throw new Error('mine')
  }, handleError() {
    this.end()
  } }, act: ({ wire }) => wire.hangUp(), wanted: 'connect close 0 0' },
  { name: 'a handleEnd that rejects, where half-open is not allowed', options: { allowHalfOpen: false, handleEnd: () => Promise.reject(new Error('mine')), handleError() {
    this.push('sorry')
  } }, act: ({ wire }) => wire.hangUp(), wanted: 'connect close 0 0', heard: 'sorry' },
  { name: 'a tap that throws', options: { tap() {
    throw new Error('mine')
  } }, act: ({ wire }) => wire.say('a'), wanted: 'connect close mine 0 0' },
  { name: 'a transport of what is no bytes', wire: { readableObjectMode: true }, act: ({ wire }) => wire.push({}), wanted: 'connect close ERR_INVALID_ARG_TYPE 0 0' },
  { name: 'the splitter is destroyed by others', act: ({ chat }) => chat.splitter.destroy(new Error('mine')), wanted: 'connect close mine 0 0' },
  { name: 'the splitter is destroyed by others, without an error', act: ({ chat }) => chat.splitter.destroy(), wanted: 'connect close 0 0' },
]

for (const { name, options, wire: wireOptions, act, wanted, heard = '' } of ends) {
  t.test(`ChatChannel: ends once: ${name}`, async (t) => {
    const all = logged(options, new Wire(wireOptions))
    await quiet(2)
    await act(all)
    await comes('the close', () => all.chat.closed)
    await quiet()
    t.equal(all.log.join(' '), wanted)
    t.equal(all.wire.heard, heard)
    t.equal(all.wire.destroyed, true)
    all.chat.close()
    all.wire.destroy(new Error('late'))
    await quiet()
    t.equal(all.log.join(' '), wanted, 'nothing comes after the end')
  })
}

t.test('ChatChannel: closes when done before it is connected', async (t) => {
  const { wire, chat, log } = logged()
  chat.push('hello')
  chat.closeWhenDone()
  wire.hangUp()
  await chat.whenClosed
  await quiet(1)
  t.same([log, wire.heard], [['connect', 'close 0 0'], 'hello'])
})

t.test('ChatChannel: runs no hook after close() but the last, not even the first', async (t) => {
  const { chat, log } = logged()
  chat.close()
  await chat.whenClosed
  await quiet()
  t.same(log, ['close 0 0'])
})

t.test('ChatChannel: gives a peer that does not end lingerTimeout, once all is written', async (t) => {
  const clock = new Clock()
  t.teardown(() => clock.restore())
  for (const [options, wait] of [[{}, 2000], [{ lingerTimeout: 50 }, 50]] as const) {
    const { wire, chat, log } = logged(options)
    wire.stopListening()
    chat.push('bye')
    chat.closeWhenDone()
    await quiet()
    clock.pass(9000)
    await quiet()
    t.equal(wire.destroyed, false, 'it has not all yet')
    wire.listenAgain()
    await quiet()
    clock.pass(wait - 1)
    await quiet()
    t.equal(wire.destroyed, false)
    clock.pass(1)
    await quiet()
    t.same([wire.destroyed, log, clock.timers.size], [true, ['connect', 'close 0 0'], 0])
  }
  clock.restore()
})

t.test('ChatChannel: delivers the frames that wait when the transport has closed after its end', async (t) => {
  const goOn: (() => void)[] = []
  const { wire, chat, log } = logged({
    handleFrame(frame) {
      log.push(frame.toString())
      return new Promise((resolve) => void goOn.push(resolve))
    },
    handleEnd: ({ incomplete }) => void log.push(`end ${incomplete}`),
  })
  wire.say('a\nb\nc')
  wire.hangUp()
  await quiet()
  chat.end()
  await comes('the close of the transport', () => wire.destroyed)
  await quiet()
  t.same([log, chat.closed], [['connect', 'a'], false])
  goOn[0]?.()
  await quiet()
  goOn[1]?.()
  await quiet()
  t.same(log.slice(2), ['b', 'end 1', 'close 1 0'])
})

t.test('ChatChannel: closeWhenDone() is the end where the transport has closed already', async (t) => {
  for (const inHook of [true, false]) {
    let goOn: () => void = noop
    const { wire, chat, log } = logged({
      async handleFrame(frame) {
        log.push(frame.toString())
        await new Promise<void>((resolve) => void (goOn = resolve))
        if (inHook) this.closeWhenDone()
      },
    })
    wire.say('a\nb\n')
    wire.hangUp()
    await quiet()
    chat.end()
    await comes('the close of the transport', () => wire.destroyed)
    await quiet()
    if (inHook) goOn()
    else chat.closeWhenDone()
    await quiet()
    t.same(log, ['connect', 'a', 'close 0 0'])
  }
})

t.test('ChatChannel: a chat without hooks goes when its reader has come to the end, and answered', async (t) => {
  const wire = new Wire()
  const chat = new AsyncChat(wire)
  wire.say('a\n')
  wire.hangUp()
  t.equal(String(await chat.readFrame('\n')), 'a')
  t.equal(await chat.readFrame('\n'), null)
  chat.push('answer')
  t.match(await chat.whenClosed, { incomplete: 0, unsent: 0 })
  t.equal(wire.heard, 'answer')
  const idle = new Wire()
  const unread = new AsyncChat(idle)
  idle.hangUp()
  await unread.whenClosed
  t.equal(idle.destroyed, true, 'nobody reads at all')
})

t.test('ChatChannel: an end that comes to a reader again is looked at again', async (t) => {
  const wire = new Wire()
  const log: string[] = []
  const chat = new AsyncChat(wire, {
    handleEnd() {
      log.push('end')
      this.closeWhenDone()
    },
  })
  wire.hangUp()
  await comes('the end', () => wire.readableEnded)
  // A read that is asked for between the end and handleEnd is answered first.
  const read = chat.readFrame('\n')
  t.equal(await read, null)
  await chat.whenClosed
  t.same(log, ['end'])
})

t.test('ChatChannel: a transport that fails while a hook is pending is told at once, and once', async (t) => {
  const warnings = warningsOf(t)
  const log: string[] = []
  const wire = new Wire()
  const chat = new AsyncChat(wire, {
    async handleConnect() {
      await this.readFrame('\n')
    },
    handleError: (error) => void log.push(error.message),
    handleClose: (info) => void log.push(`close ${toldOf(info)}`),
  })
  await quiet()
  wire.destroy(new Error('reset'))
  await quiet()
  t.same(log, ['reset', 'close reset 0 0'])
  const odd = new Wire({ autoDestroy: false })
  const failing = new AsyncChat(odd, {
    handleFrame() {
      odd.emit('error', new Error('inside'))
      log.push('frame')
    },
    terminator: '\n',
    handleError: (error) => void log.push(error.message),
  })
  odd.say('a\n')
  await failing.whenClosed
  t.same(log.slice(2), ['frame', 'inside'], 'not inside of another hook that runs')
  t.equal(chat.closed, true)
  t.same(warnings, [])
})

t.test('ChatChannel: ends both sides of a pair', async (t) => {
  for (const side of ['readable', 'writable'] as const) {
    const pair = { readable: new PassThrough(), writable: new PassThrough() }
    const log: string[] = []
    const chat = new AsyncChat(pair, { handleError: (error) => void log.push(error.message), handleClose: (info) => void log.push(`close ${toldOf(info)}`) })
    await quiet()
    pair[side].destroy(new Error(`${side} failed`))
    await chat.whenClosed
    await quiet(1)
    t.same(log, [`${side} failed`, `close ${side} failed 0 0`])
    t.ok(pair.readable.destroyed && pair.writable.destroyed)
  }
})

t.test('ChatChannel: fails what was pushed when the peer takes no more, and reads on', async (t) => {
  const pair = { readable: new PassThrough(), writable: new Duplex({ read() {}, write() {} }) }
  const log: string[] = []
  const chat = new AsyncChat(pair, { terminator: '\n', handleFrame: (frame) => void log.push(frame.toString()) })
  await quiet()
  const fate = new Promise<unknown>((resolve) => chat.push('x', resolve))
  pair.writable.destroy()
  t.match(await fate, { code: 'ERR_CHANNEL_CLOSED' })
  pair.readable.write('a\n')
  await quiet()
  t.same([log, chat.closed, chat.push('y')], [['a'], false, false])
  pair.readable.end()
  await chat.whenClosed
})

t.test('ChatChannel: the close of the transport is the end, once handleEnd has answered', async (t) => {
  const { wire, chat, log } = logged({ handleEnd() {} })
  wire.hangUp()
  await quiet()
  chat.push('x')
  wire.destroy()
  await quiet()
  t.same(log, ['connect', 'close 0 1'])
})

// Clocks

type Tap = Pick<typeof t, 'same' | 'equal'>

interface ClockRow {
  readonly name: string
  readonly options: AsyncChatOptions
  readonly story: (logged: Logged, pass: (ms: number) => Promise<void>, t: Tap) => Promise<void>
}


const clockRows: readonly ClockRow[] = [
  {
    name: 'idleTimeout: an honest peer is not cut before it, and each byte either way puts it off',
    options: { idleTimeout: 100 },
    story: async ({ wire, chat, log }, pass, t) => {
      await pass(99)
      wire.say('a')
      await pass(99)
      chat.push('b')
      await pass(99)
      t.same(log, ['connect'])
      await pass(1)
      t.same(log.slice(1), ['close ERR_FRAME_TIMEOUT 1 0'])
    },
  },
  {
    name: 'idleTimeout: runs while the peer does not read',
    options: { idleTimeout: 100, maxQueuedBytes: 1 },
    story: async ({ wire, chat, log }, pass, t) => {
      wire.stopListening()
      chat.push('abc')
      await pass(0)
      await pass(100)
      t.same(log.slice(1), ['close ERR_FRAME_TIMEOUT 0 1'])
    },
  },
  {
    name: 'idleTimeout: runs while what is to be written before the close is not taken, and no hook can put it off',
    options: { idleTimeout: 100, lingerTimeout: 5000, handleTimeout: () => {} },
    story: async ({ wire, chat, log }, pass, t) => {
      wire.stopListening()
      chat.push('bye')
      chat.closeWhenDone()
      await pass(0)
      await pass(100)
      t.same(log.slice(1), ['close ERR_FRAME_TIMEOUT 0 1'])
    },
  },
  {
    name: 'lingerTimeout: rules when all is written, and not idleTimeout',
    options: { idleTimeout: 100, lingerTimeout: 5000 },
    story: async ({ chat, log }, pass, t) => {
      chat.closeWhenDone()
      await pass(0)
      await pass(4999)
      t.same(log.slice(1), [])
      await pass(1)
      t.same(log.slice(1), ['close 0 0'])
    },
  },
  {
    name: 'frameTimeout: a byte dripped does not put it off',
    options: { frameTimeout: 100 },
    story: async ({ wire, log }, pass, t) => {
      await pass(9000)
      t.same(log, ['connect'], 'no frame has begun')
      for (let count = 0; count < 9; count++) {
        wire.say('x')
        await pass(count === 0 ? 0 : 11)
      }
      t.same(log, ['connect'])
      await pass(11)
      wire.say('x')
      await pass(1)
      t.same(log.slice(1), ['close ERR_FRAME_TIMEOUT 10 0'])
    },
  },
  {
    name: 'frameTimeout: every frame has its own time',
    options: { frameTimeout: 100 },
    story: async ({ wire, log }, pass, t) => {
      for (let count = 0; count < 5; count++) {
        wire.say('a')
        await pass(99)
        wire.say('\n')
        await pass(500)
      }
      t.equal(log.join(' '), 'connect a a a a a')
    },
  },
  {
    name: 'frameTimeout: that of a rule comes before the channel\'s',
    options: { frameTimeout: 100, terminator: { until: '\n', frameTimeout: 30 } },
    story: async ({ wire, log }, pass, t) => {
      wire.say('a')
      await pass(0)
      await pass(30)
      t.same(log.slice(1), ['close ERR_FRAME_TIMEOUT 1 0'])
    },
  },
  {
    name: 'pauseReading() stops both',
    options: { idleTimeout: 100, frameTimeout: 50 },
    story: async ({ wire, chat, log }, pass, t) => {
      wire.say('a')
      await pass(0)
      chat.pauseReading()
      wire.say('b')
      // Which the channel sees when it looks at its clocks.
      await pass(0)
      await pass(9000)
      t.same(log, ['connect'])
      chat.resumeReading()
      await pass(0)
      await pass(49)
      t.same(log, ['connect'])
      await pass(1)
      t.same(log.slice(1), ['close ERR_FRAME_TIMEOUT 2 0'])
    },
  },
]

async function withClock(t: { teardown(action: () => void): unknown }, story: (pass: (ms: number) => Promise<void>) => Promise<void>): Promise<void> {
  const clock = new Clock()
  t.teardown(() => clock.restore())
  try {
    await story(async (ms) => {
      await quiet()
      clock.pass(ms)
      await quiet()
    })
  } finally {
    clock.restore()
  }
}

for (const { name, options, story } of clockRows) {
  t.test(`ChatChannel: ${name}`, async (t) => {
    await withClock(t, async (pass) => {
      const all = logged(options)
      await pass(0)
      await story(all, pass, t)
      all.chat.close()
    })
  })
}

t.test('ChatChannel: both clocks stand still while a hook is pending, and run while it awaits a read', async (t) => {
  await withClock(t, async (pass) => {
    let goOn: () => void = noop
    const kinds: string[] = []
    const { wire, chat } = logged({
      idleTimeout: 100,
      frameTimeout: 50,
      async handleFrame() {
        await new Promise<void>((resolve) => void (goOn = resolve))
        await this.readFrame('\n')
        await new Promise<void>((resolve) => void (goOn = resolve))
      },
      handleTimeout: (kind) => void kinds.push(kind),
    })
    wire.say('a\nb')
    await pass(0)
    await pass(9000)
    t.same(kinds, [], 'the hook is pending')
    goOn()
    await pass(0)
    await pass(49)
    t.same(kinds, [])
    await pass(1)
    t.same(kinds, ['frame'], 'the read waits for its frame')
    await pass(50)
    t.same(kinds.toSorted(), ['frame', 'frame', 'idle'], 'and for the peer')
    wire.say('c\n')
    await pass(0)
    await pass(9000)
    t.equal(kinds.length, 3, 'the hook is pending again')
    chat.close()
  })
})

t.test('ChatChannel: a handleTimeout that is overridden lets the channel live; one that fails goes to handleError', async (t) => {
  await withClock(t, async (pass) => {
    const kinds: string[] = []
    const { wire, chat, log } = logged({
      idleTimeout: 100,
      handleTimeout(kind) {
        kinds.push(kind)
        if (kinds.length === 2) throw new Error('mine')
        if (kinds.length === 3) return Promise.reject(new Error('mine too'))
        return undefined
      },
      handleError: (error) => void log.push(error.message),
    })
    for (let count = 0; count < 4; count++) await pass(100)
    t.same([kinds.length, log], [4, ['connect', 'mine', 'mine too']])
    wire.say('a\n')
    await pass(0)
    t.equal(log.at(-1), 'a')
    chat.close()
  })
})

t.test('ChatChannel: a handleTimeout beside a hook that is pending may fail and be asynchronous too', async (t) => {
  await withClock(t, async (pass) => {
    const log: string[] = []
    const wire = new Wire()
    const chat = new AsyncChat(wire, {
      idleTimeout: 100,
      async handleConnect() {
        log.push(String(await this.readFrame('\n')))
      },
      async handleTimeout() {
        await quiet(1)
        log.push('late')
        throw new Error('mine')
      },
      handleError: (error) => void log.push(error.message),
    })
    await pass(0)
    await pass(100)
    wire.say('a\n')
    await pass(0)
    t.same(log, ['late', 'a', 'mine'], 'its error waits for the hook')
    chat.close()
  })
})

t.test('ChatChannel: says of a late frame where it began', async (t) => {
  await withClock(t, async (pass) => {
    const { wire, chat } = logged({ frameTimeout: 50 })
    wire.say('ab\ncd')
    await pass(0)
    await pass(50)
    const { error } = await chat.whenClosed
    t.match(error, { code: 'ERR_FRAME_TIMEOUT', limit: 50, offset: 3, framesBefore: 1 })
  })
})

t.test('ChatChannel: leaves no timer behind', async (t) => {
  const clock = new Clock()
  t.teardown(() => clock.restore())
  const { wire, chat } = logged({ idleTimeout: 100, frameTimeout: 100 })
  wire.say('a')
  await quiet()
  t.equal(clock.timers.size, 2)
  chat.close()
  await quiet()
  t.equal(clock.timers.size, 0)
  clock.restore()
})

// Flow

t.test('ChatChannel: a peer that asks and never reads is not read from, past maxQueuedBytes', async (t) => {
  const { wire, chat, log } = logged({
    maxQueuedBytes: 100,
    handleFrame(frame) {
      log.push(frame.toString())
      this.push('x'.repeat(30))
    },
  })
  wire.stopListening()
  wire.say('r\n'.repeat(9))
  await quiet()
  t.same([log.length - 1, chat.queuedBytes], [4, 120], 'no frame is cut any more')
  wire.say('s\n'.repeat(9))
  await quiet()
  t.same([log.length - 1, wire.readableLength], [4, 18], 'nor a byte taken')
  wire.listenAgain()
  await quiet()
  t.same([log.length - 1, chat.queuedBytes, wire.heard.length], [18, 0, 540])
  chat.close()
})

t.test('ChatChannel: a read waits for a slow peer too', async (t) => {
  const wire = new Wire()
  const chat = new AsyncChat(wire, { maxQueuedBytes: 2 })
  wire.stopListening()
  chat.push('abc')
  wire.say('a\n')
  let got = ''
  const read = chat.readFrame('\n').then((frame) => (got = String(frame)))
  await quiet()
  t.equal(got, '')
  wire.listenAgain()
  t.equal(await read, 'a')
  chat.close()
})

t.test('ChatChannel: shows all bytes to the tap', async (t) => {
  const log: string[] = []
  const seen = { in: '', out: '' }
  const { wire, chat } = logged({ handleFrame: (frame) => void log.push(frame.toString()), handleConnect: () => void log.push('connect'), tap: (direction, bytes) => void (seen[direction] += bytes.toString()) })
  chat.push('hello')
  wire.say('a\n', 'b')
  await quiet()
  t.same([log, seen], [['connect', 'a'], { in: 'a\nb', out: 'hello' }])
  chat.close()
})

t.test('ChatChannel: a terminator set from outside rules what was received', async (t) => {
  const { wire, chat, log } = logged()
  wire.say('a;b;c\n')
  chat.setTerminator(';')
  await quiet()
  t.same(log, ['connect', 'a', 'b'])
  chat.setTerminator('\n')
  await quiet()
  t.same(log.slice(3), ['c'])
  chat.close()
})

// Hand-over

t.test('ChatChannel: an upgrade that never connects is told of, and so is what is pushed for it', async (t) => {
  const { chat, log } = logged()
  await quiet()
  const next = new Wire()
  Object.assign(next, { connecting: true })
  const upgraded = chat.upgrade(() => next)
  await quiet()
  const fate = new Promise<unknown>((resolve) => chat.push('x', resolve))
  next.destroy(new Error('no handshake'))
  await t.rejects(upgraded, { message: 'no handshake' })
  t.match(await fate, { message: 'no handshake' })
  await quiet()
  t.same(log, ['connect', 'close no handshake 0 1'])
})

t.test('ChatChannel: an error while the output of an upgrade is written fails both', async (t) => {
  const { wire, chat, log } = logged()
  await quiet()
  wire.stopListening()
  const fates: unknown[] = []
  chat.push('old', (error) => fates.push(error?.message))
  const upgraded = chat.upgrade(() => new Wire())
  chat.push('new', (error) => fates.push(error?.message))
  t.equal(chat.queuedBytes, 6)
  await quiet()
  wire.destroy(new Error('reset'))
  await t.rejects(upgraded, { message: 'reset' })
  await quiet()
  t.same([fates, log], [['reset', 'reset'], ['connect', 'close reset 0 2']])
})

t.test('ChatChannel: goes on over the transport of an upgrade, and connects it once', async (t) => {
  const { wire, chat, log } = logged()
  await quiet()
  wire.say('a\n')
  await quiet()
  const next = new Wire()
  await chat.upgrade(() => next, { before: 'go' })
  next.say('b\n')
  chat.push('answer')
  await quiet()
  t.same([log, wire.heard, next.heard], [['connect', 'a', 'b'], 'go', 'answer'])
  chat.close()
})

t.test('ChatChannel: an upgrade that is not connected in time closes the channel', async (t) => {
  await withClock(t, async (pass) => {
    const { chat, log } = logged({ idleTimeout: 100, handleTimeout: () => void log.push('asked') })
    await pass(0)
    const next = new Wire()
    Object.assign(next, { connecting: true })
    const upgraded = chat.upgrade(() => next)
    upgraded.catch(() => {})
    await pass(0)
    await pass(100)
    await t.rejects(upgraded, { code: 'ERR_FRAME_TIMEOUT' })
    await pass(0)
    t.same(log, ['connect', 'close ERR_FRAME_TIMEOUT 0 0'])
  })
})

t.test('ChatChannel: is over without handleClose when its transport was given back', async (t) => {
  const { wire, chat, log } = logged()
  await quiet()
  wire.say('a\nbc')
  await quiet()
  chat.push('bye')
  const { transport, unread } = await chat.detach()
  await quiet()
  t.same([transport, unread.toString(), wire.heard, chat.closed, wire.destroyed, log], [wire, 'bc', 'bye', true, false, ['connect', 'a']])
  await t.rejects(chat.detach(), { code: 'ERR_CHANNEL_CLOSED' })
  wire.destroy()
})

// Hooks

t.test('ChatChannel: a frame that fails is told, and those behind it wait', async (t) => {
  const { wire, chat, log } = logged({ maxFrameLength: 2, handleError: (error) => void log.push(codeOf(error)) })
  wire.say('a\nbcd\ne\n')
  await quiet()
  t.same(log, ['connect', 'a', 'ERR_FRAME_TOO_LONG'])
  wire.say('f\n')
  await quiet()
  t.equal(log.length, 3)
  chat.setTerminator('\n')
  await quiet()
  t.same(log.slice(3), ['ERR_FRAME_TOO_LONG'], 'it is still there, and still too long')
  chat.close()
})

t.test('ChatChannel: hooks that do not go together are told, and nobody takes the input', async (t) => {
  class Half extends AsyncChat {
    override collectIncomingData(): void {}
  }
  const seen: string[] = []
  const wire = new Wire()
  const chat = new Half(wire, { handleError: (error) => void seen.push(codeOf(error)) })
  wire.say('abc')
  await quiet()
  t.same([seen, wire.readableLength], [['ERR_METHOD_NOT_IMPLEMENTED'], 3])
  chat.close()
})

t.test('ChatChannel: a handleError that fails is the end', async (t) => {
  for (const handleError of [() => Promise.reject(new Error('second')), () => {
    throw new Error('second')
  }]) {
    const { chat, log } = logged({
      handleConnect() {
        throw new Error('first')
      },
      handleError,
    })
    await chat.whenClosed
    await quiet(1)
    t.same(log, ['close second 0 0'])
  }
})

t.test('ChatChannel: handleDrain comes when all is written, after a push that gave false', async (t) => {
  const log: string[] = []
  const wire = new Wire({ highWaterMark: 2 })
  const chat = new AsyncChat(wire, { acOutBufferSize: 2, handleDrain: () => void log.push(`drain ${chat.queuedBytes}`) })
  await quiet()
  wire.stopListening()
  t.equal(chat.push('abcde'), false)
  await quiet()
  t.same(log, [])
  for (let count = 0; count < 3; count++) {
    wire.listenAgain()
    wire.stopListening()
    await quiet()
  }
  wire.listenAgain()
  await quiet()
  t.same([log, wire.heard, wire.writeLengths], [['drain 0'], 'abcde', [2, 2, 1]])
  // What is written while the channel closes is no reason for a hook.
  chat.push('xyz')
  chat.close()
  await quiet()
  t.equal(log.length, 1)
})

t.test('ChatChannel: a server closes it when the hook in progress has ended, and pushed', async (t) => {
  let goOn: () => void = noop
  const { wire, chat, log } = logged({
    async handleFrame(frame) {
      log.push(frame.toString())
      await new Promise<void>((resolve) => void (goOn = resolve))
      this.push(`answer ${frame.toString()}`)
    },
  })
  const side = serve(chat, { onOver: () => void log.push('over'), idleTimeout: 0, frameTimeout: 0 })
  t.equal(side.canPush, true)
  wire.say('a\nb\n')
  await quiet()
  side.closeAfterHook()
  await quiet()
  t.equal(side.canPush, true)
  goOn()
  await quiet()
  t.same([log, wire.heard, wire.hasHeardEnd, side.canPush], [['connect', 'a'], 'answer a', true, false])
  wire.hangUp()
  await chat.whenClosed
  await quiet(1)
  t.same(log.slice(2), ['over', 'close 0 0'])
})

t.test('ChatChannel: a reader that leaves frames unread keeps a channel whose transport has closed, until it closes', async (t) => {
  for (const end of ['close', 'closeWhenDone'] as const) {
    const wire = new Wire()
    const chat = new AsyncChat(wire)
    wire.say('a\nb\nc')
    wire.hangUp()
    t.equal(String(await chat.readFrame('\n')), 'a')
    chat.end()
    await comes('the close of the transport', () => wire.destroyed)
    await quiet()
    t.equal(chat.closed, false)
    t.equal(String(await chat.readFrame('\n')), 'b', 'they can still be read')
    chat[end]()
    t.match(await chat.whenClosed, { incomplete: 0, unsent: 0 })
  }
})

t.test('ChatChannel: a reader whose frame the end cut, and who wants no more, is done', async (t) => {
  const wire = new Wire()
  const chat = new AsyncChat(wire)
  wire.say('abc')
  wire.hangUp()
  await t.rejects(chat.readFrame('\n'), { code: 'ERR_FRAME_INCOMPLETE' })
  await chat.whenClosed
  t.equal(wire.hasHeardEnd, true)
})

t.test('ChatChannel: a transport that says inside a hook that it has closed ends the channel after the hook', async (t) => {
  const { wire, chat, log } = logged({
    handleFrame() {
      wire.emit('close')
      log.push('frame')
    },
  })
  wire.say('a\n')
  await chat.whenClosed
  await quiet(1)
  t.same(log, ['connect', 'frame', 'close 0 0'])
  wire.destroy()
})

t.test('ChatChannel: ends once where the transport has closed and handleEnd closes too', async (t) => {
  let goOn: () => void = noop
  const { wire, chat, log } = logged({ handleFrame: () => new Promise<void>((resolve) => void (goOn = resolve)) })
  wire.say('a\n')
  wire.hangUp()
  await quiet()
  chat.end()
  await comes('the close of the transport', () => wire.destroyed)
  await quiet()
  goOn()
  await chat.whenClosed
  await quiet()
  t.same(log, ['connect', 'close 0 0'])
})

t.test('ChatChannel: closes both sides of a pair, and an upgrade whose peer goes before it is connected', async (t) => {
  const pair = { readable: new PassThrough(), writable: new PassThrough() }
  const paired = new AsyncChat(pair)
  await quiet()
  paired.close()
  t.match(await paired.whenClosed, { incomplete: 0 })
  const { chat, log } = logged()
  await quiet()
  const next = new Wire()
  Object.assign(next, { connecting: true })
  const upgraded = chat.upgrade(() => next)
  upgraded.catch(() => {})
  await quiet()
  next.hangUp()
  next.read()
  await t.rejects(upgraded, { code: 'ERR_CHANNEL_CLOSED', message: /during the upgrade/ })
  await quiet()
  t.same(log, ['connect', 'close ERR_CHANNEL_CLOSED 0 0'])
})

t.test('ChatChannel: to push after our own close is a mistake again, when what had failed was dealt with', async (t) => {
  const { chat } = logged({ handleError: () => {} })
  await quiet()
  const fate = new Promise((resolve) => chat.pushWithProducer(() => Promise.reject(new Error('odd')), resolve))
  t.match(await fate, { message: 'odd' })
  await quiet()
  chat.closeWhenDone()
  t.throws(() => chat.push('x'), { code: 'ERR_CHANNEL_CLOSED' })
  chat.close()
})
