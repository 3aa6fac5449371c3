import { once } from 'node:events'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { PassThrough } from 'node:stream'
import { inspect } from 'node:util'
import t from 'tap'
import { AsyncChat, serve } from '../../src/chat/async-chat.js'
import type { AsyncChatOptions, ChatHooks, CloseInfo } from '../../src/chat/chat-options.js'
import type { Transport } from '../../src/chat/chat-transport.js'
import { type Codec, FramingError, type Terminator, lengthField, lines, netstring } from '../../src/framing/index.js'
import { Clock } from '../support/clock.js'
import { Wire, comes, quiet, warningsOf } from '../support/told-wire.js'

const CLOSED = { code: 'ERR_CHANNEL_CLOSED' }

function noop(): void {}

interface Logged {
  readonly wire: Wire
  readonly chat: AsyncChat
  readonly log: string[]
}

/** A chat whose hooks log what they get; the pair, unless `hooks` takes the input otherwise. */
function logged(options: AsyncChatOptions = {}, wire: Wire = new Wire()): Logged {
  const log: string[] = []
  const pair: ChatHooks = {
    collectIncomingData: (data) => void log.push(`C(${data.toString()})`),
    foundTerminator: () => void log.push('F'),
  }
  const others: ChatHooks = {
    handleConnect: () => void log.push('connect'),
    handleEnd: ({ incomplete }) => void log.push(`end ${incomplete}`),
    handleError: (error) => void log.push(`error ${codeOf(error)}`),
    handleClose: (info) => void log.push(`close ${toldOf(info)}`),
    handleDrain: () => void log.push('drain'),
  }
  const takesFrames = 'handleFrame' in options || 'collectIncomingData' in options
  const chat = new AsyncChat(wire, { ...(takesFrames ? {} : pair), ...others, ...options })
  return { wire, chat, log }
}

function codeOf(error: Error): string {
  return (error as { code?: string }).code ?? error.message
}

function toldOf({ error, incomplete, unsent }: CloseInfo): string {
  return [...(error === undefined ? [] : [codeOf(error)]), incomplete, unsent].join(' ')
}

/** Neighbouring pieces joined. */
function joined(log: readonly string[]): string {
  return log.join(' ').replaceAll(') C(', '')
}

// Hooks

t.test('AsyncChat: has its hooks as methods, as fields, or as options, with itself as this', async (t) => {
  class Methods extends AsyncChat {
    readonly log: string[] = []
    override handleConnect(): void {
      this.log.push('connect')
    }
    override collectIncomingData(data: Buffer): void {
      this.log.push(`C(${data.toString()})`)
    }
    override foundTerminator(): void {
      this.log.push('F')
    }
    override handleEnd(): void {
      this.log.push('end')
      this.closeWhenDone()
    }
    override handleClose(): void {
      this.log.push('close')
    }
  }
  class Fields extends AsyncChat {
    readonly log: string[] = []
    override handleConnect = (): void => void this.log.push('connect')
    override collectIncomingData = (data: Buffer): void => void this.log.push(`C(${data.toString()})`)
    override foundTerminator = (): void => void this.log.push('F')
    override handleEnd = (): void => {
      this.log.push('end')
      this.closeWhenDone()
    }
    override handleClose = (): void => void this.log.push('close')
  }
  const log: string[] = []
  const seen: unknown[] = []
  const note = (word: string) =>
    function (this: AsyncChat): void {
      seen.push(this)
      log.push(word)
    }
  const options: AsyncChatOptions = {
    handleConnect: note('connect'),
    collectIncomingData(data) {
      seen.push(this)
      log.push(`C(${data.toString()})`)
    },
    foundTerminator: note('F'),
    handleEnd() {
      note('end').call(this)
      this.closeWhenDone()
    },
    handleClose: note('close'),
  }
  for (const kind of ['methods', 'fields', 'options'] as const) {
    const wire = new Wire()
    const chat = kind === 'methods' ? new Methods(wire, { terminator: '\n' }) : kind === 'fields' ? new Fields(wire, { terminator: '\n' }) : new AsyncChat(wire, { terminator: '\n', ...options })
    wire.say('a\nb\n')
    wire.hangUp()
    await chat.whenClosed
    await quiet(1)
    const wanted = ['connect', 'C(a)', 'F', 'C(b)', 'F', 'end', 'close']
    t.same(chat instanceof AsyncChat && 'log' in chat ? chat.log : log, wanted, kind)
    if (kind === 'options') t.ok(seen.every((self) => self === chat))
  }
})

t.test('AsyncChat: prefers a hook given as an option', async (t) => {
  class Mine extends AsyncChat {
    override handleFrame(): void {
      t.fail('the method was called')
    }
  }
  const log: string[] = []
  const wire = new Wire()
  const chat = new Mine(wire, { terminator: '\n', handleFrame: (frame: Buffer) => void log.push(frame.toString()) })
  wire.say('a\n')
  await quiet()
  t.same(log, ['a'])
  chat.close()
})

t.test('AsyncChat: calls no hook from inside its constructor, push(), setTerminator(), close() or the like', async (t) => {
  const { wire, chat, log } = logged({ terminator: 'x' })
  wire.say('ab\nc')
  t.same(log, [])
  await quiet()
  t.equal(joined(log.splice(0)), 'connect C(ab\nc)')
  const calls: readonly (() => unknown)[] = [
    () => chat.push('x'), () => chat.pushWithProducer(['y']), () => chat.setTerminator('\n'), () => wire.say('d\n'), () => chat.resumeReading(),
    () => chat.discardBuffers(), () => chat.closeWhenDone(), () => chat.close(),
  ]
  for (const call of calls) {
    const before = log.length
    call()
    t.equal(log.length, before, String(call))
  }
  await quiet()
  t.equal(log.filter((word) => word.startsWith('close')).length, 1)
})

t.test('AsyncChat: looks at the next byte when the promise of a hook has resolved, and leaves it in the transport until then', async (t) => {
  const goOn: (() => void)[] = []
  const { wire, chat, log } = logged({
    terminator: '\n',
    handleFrame(frame) {
      log.push(frame.toString())
      return new Promise((resolve) => void goOn.push(resolve))
    },
  })
  wire.say('a\nb\n')
  await quiet()
  wire.say('c\n')
  await quiet()
  t.same(log, ['connect', 'a'])
  t.equal(wire.readableLength, 2, 'what came meanwhile is not taken')
  chat.setTerminator(1)
  goOn[0]?.()
  await quiet()
  t.same(log.slice(2), ['b'], 'the terminator rules what was at hand')
  goOn[1]?.()
  await quiet()
  t.same(log.slice(3), ['\n'], 'a count is satisfied once')
  chat.close()
})

t.test('AsyncChat: runs one hook at a time', async (t) => {
  let running = 0
  let most = 0
  const slowly = async (): Promise<void> => {
    most = Math.max(most, ++running)
    await quiet(2)
    running--
  }
  const wire = new Wire()
  const chat = new AsyncChat(wire, { terminator: '\n', acOutBufferSize: 1, handleConnect: slowly, collectIncomingData: slowly, foundTerminator: slowly, handleEnd: slowly, handleDrain: slowly, handleError: slowly })
  chat.push('much')
  wire.say('a\nb\nc')
  wire.hangUp()
  await quiet(80)
  t.same([most, running], [1, 0])
  chat.close()
})

t.test('AsyncChat: calls handleConnect once, on the next tick where it is connected already', async (t) => {
  const { chat, log } = logged()
  t.equal(chat.connected, false)
  await new Promise((resolve) => process.nextTick(resolve))
  t.same([log, chat.connected], [['connect'], true])
  await quiet()
  t.same(log, ['connect'])
  chat.close()
  await quiet()
  t.equal(chat.connected, false)
})

const failures: readonly [name: string, hook: () => unknown][] = [
  ['throws', () => {
    throw new RangeError('mine')
  }],
  ['rejects', () => Promise.reject(new RangeError('mine'))],
]

for (const [name, fail] of failures) {
  t.test(`AsyncChat: a hook that ${name} gives handleError the error itself, and no byte is lost or repeated`, async (t) => {
    const seen: Error[] = []
    let hasFailed = false
    const { wire, chat, log } = logged({
      terminator: '\n',
      acInBufferSize: 2,
      collectIncomingData(data) {
        log.push(`C(${data.toString()})`)
        if (hasFailed || data.toString() !== 'cd') return undefined
        hasFailed = true
        return fail() as Promise<void>
      },
      foundTerminator: () => void log.push('F'),
      handleError: (error) => void seen.push(error),
    })
    wire.say('abcdef\ngh\n')
    await quiet()
    t.equal(joined(log), 'connect C(abcdef) F C(gh) F')
    t.equal(seen.length, 1)
    t.ok(seen[0] instanceof RangeError && seen[0].message === 'mine')
    chat.close()
  })

  t.test(`AsyncChat: any hook that ${name} goes to handleError`, async (t) => {
    for (const hook of ['handleConnect', 'collectIncomingData', 'foundTerminator', 'handleFrame', 'handleEnd', 'handleDrain', 'handleTimeout'] as const) {
      const other = hook === 'collectIncomingData' ? { foundTerminator() {} } : hook === 'foundTerminator' ? { collectIncomingData() {} } : { handleFrame() {} }
      const seen: string[] = []
      const wire = new Wire()
      const chat = new AsyncChat(wire, { terminator: '\n', acOutBufferSize: 1, idleTimeout: hook === 'handleTimeout' ? 1 : 0, ...other, [hook]: fail, handleError: (error) => void seen.push(error.message) })
      chat.push('xx')
      wire.say('a\n')
      if (hook === 'handleEnd') wire.hangUp()
      await comes(`the error of ${hook}`, () => seen.length > 0)
      t.equal(seen[0], 'mine', hook)
      chat.close()
    }
  })

  t.test(`AsyncChat: what is no Error and ${name === 'throws' ? 'thrown' : 'rejected with'} comes as the cause of one`, async (t) => {
    const seen: Error[] = []
    // oxlint-disable-next-line typescript/prefer-promise-reject-errors, typescript/only-throw-error -- that is what is tested
    const throwing = name === 'rejects' ? () => Promise.reject('a word') : (): never => { throw 'a word' }
    const { chat } = logged({ handleConnect: throwing, handleError: (error) => void seen.push(error) })
    await quiet()
    t.match(seen, [{ cause: 'a word' }])
    chat.close()
  })

  t.test(`AsyncChat: a handleError that ${name} closes the channel with that error`, async (t) => {
    const warnings = warningsOf(t)
    const { chat, log } = logged({
      handleConnect() {
        throw new Error('first')
      },
      handleError: () => fail() as Promise<void>,
    })
    await chat.whenClosed
    t.same(log, ['close mine 0 0'])
    t.same(warnings, [])
    const untold = new AsyncChat(new Wire(), { handleConnect: () => fail() as Promise<void>, handleError: () => fail() as Promise<void> })
    await quiet()
    t.equal(untold.closed, true)
    t.same(warnings, ['mine'], 'told to nobody else')
  })

  t.test(`AsyncChat: a handleClose that ${name} is a warning`, async (t) => {
    const warnings = warningsOf(t)
    const { chat } = logged({ handleClose: () => fail() as Promise<void> })
    chat.close()
    await chat.whenClosed
    await quiet()
    t.same(warnings, ['mine'])
  })

  t.test(`AsyncChat: what ${name} after the close is dropped`, async (t) => {
    const warnings = warningsOf(t)
    const { chat, log } = logged({
      handleConnect() {
        chat.close()
        return fail() as Promise<void>
      },
    })
    await quiet()
    t.same(log, ['close 0 0'])
    t.same(warnings, [])
  })
}

t.test('AsyncChat: an error that nobody takes is one warning', async (t) => {
  const warnings = warningsOf(t)
  const failing = { handleConnect: () => Promise.reject(new Error('untold')) }
  const untold = new AsyncChat(new Wire(), failing)
  await quiet()
  t.same([warnings.splice(0), untold.closed], [['untold'], true])
  const asked = new AsyncChat(new Wire(), failing)
  t.match(await asked.whenClosed, { error: { message: 'untold' } })
  const told = [
    new AsyncChat(new Wire(), { ...failing, handleClose() {} }),
    new AsyncChat(new Wire(), { ...failing, handleError(error) {
      this.close(error)
    } }),
    new AsyncChat(new Wire()),
  ]
  told[2]?.close()
  await quiet()
  t.same([warnings, told.map(({ closed }) => closed)], [[], [true, true, true]])
})

t.test('AsyncChat: after close() in a hook nothing else is parsed', async (t) => {
  for (const closes of ['close', 'closeWhenDone'] as const) {
    const { wire, chat, log } = logged({
      terminator: '\r\n',
      handleFrame(frame) {
        log.push(frame.toString())
        if (frame.toString() === 'QUIT') {
          if (closes === 'closeWhenDone') chat.push('221')
          chat[closes]()
        }
      },
    })
    wire.say('QUIT\r\nNOOP\r\n')
    await quiet()
    wire.hangUp()
    await chat.whenClosed
    await quiet(1)
    t.same(log, ['connect', 'QUIT', 'close 0 0'], closes)
    if (closes === 'closeWhenDone') t.equal(wire.heard, '221')
  }
})

t.test('AsyncChat: refuses hooks that do not go together at once, where they are options', async (t) => {
  const MISSING = 'ERR_METHOD_NOT_IMPLEMENTED'
  t.throws(() => new AsyncChat(new Wire(), { collectIncomingData: noop }), { code: MISSING, message: /foundTerminator/ })
  t.throws(() => new AsyncChat(new Wire(), { foundTerminator: noop }), { code: MISSING, message: /collectIncomingData/ })
  t.throws(() => new AsyncChat(new Wire(), { handleFrame: noop, collectIncomingData: noop, foundTerminator: noop }), { code: 'ERR_INVALID_ARG_TYPE' })
  t.throws(() => new AsyncChat(new Wire(), { handleFrame: 'no function' as unknown as () => void }), { code: 'ERR_INVALID_ARG_TYPE', message: /options.handleFrame/ })
})

t.test('AsyncChat: tells handleError of methods and fields that do not go together, or are none', async (t) => {
  class Half extends AsyncChat {
    override collectIncomingData(): void {}
  }
  class HalfAsField extends AsyncChat {
    override foundTerminator = (): void => {}
  }
  class Both extends AsyncChat {
    override collectIncomingData(): void {}
    override foundTerminator(): void {}
    override handleFrame(): void {}
  }
  class NoFunction extends AsyncChat {
    override handleFrame = 42 as unknown as () => void
  }
  class CallsBase extends AsyncChat {
    override collectIncomingData(data: Buffer): void {
      super.collectIncomingData(data)
    }
    override foundTerminator(): void {
      super.foundTerminator()
    }
  }
  class CallsBaseFrame extends AsyncChat {
    override handleFrame(frame: Buffer): void {
      super.handleFrame(frame)
    }
  }
  const MISSING = 'ERR_METHOD_NOT_IMPLEMENTED'
  const rows = [[Half, [MISSING]], [HalfAsField, [MISSING]], [Both, ['ERR_INVALID_ARG_TYPE']], [NoFunction, ['ERR_INVALID_ARG_TYPE']], [CallsBase, [MISSING, MISSING]], [CallsBaseFrame, [MISSING]]] as const
  for (const [Class, wanted] of rows) {
    const wire = new Wire()
    const seen: string[] = []
    const chat = new Class(wire, { terminator: '\n', handleError: (error) => void seen.push(codeOf(error)) })
    wire.say('a\n')
    await quiet()
    t.same(seen, wanted, Class.name)
    t.equal(chat.closed, false)
    chat.close()
  }
})

// Input

t.test('AsyncChat: frames do not depend on acInBufferSize; pieces are never empty, nor longer', async (t) => {
  for (const acInBufferSize of [1, 2, 3, 7, 65_536]) {
    for (const input of [['hello\r\n\r\nwo', 'rld\r', '\n', '12345tail\r'], Array.from('hello\r\n\r\nworld\r\n12345tail\r')]) {
      const lengths: number[] = []
      let count = 0
      const { wire, chat, log } = logged({
        terminator: '\r\n',
        acInBufferSize,
        collectIncomingData(data) {
          lengths.push(data.length)
          log.push(`C(${data.toString()})`)
        },
        foundTerminator() {
          log.push('F')
          if (++count === 3) chat.setTerminator(5)
          if (count === 4) chat.setTerminator('\r\n')
        },
      })
      wire.say(...input)
      wire.hangUp()
      await quiet(20)
      t.equal(joined(log), 'connect C(hello) F F C(world) F C(12345) F C(tail\r) end 5')
      t.ok(lengths.every((length) => length > 0 && length <= acInBufferSize), `${acInBufferSize}: ${lengths.join()}`)
      t.equal(chat.acInBufferSize, acInBufferSize)
      chat.close()
    }
  }
})

t.test('AsyncChat: takes its buffer sizes from the class, and refuses wrong ones', async (t) => {
  class Small extends AsyncChat {
    static override acInBufferSize = 3
    static override acOutBufferSize = 5
  }
  const small = new Small(new Wire())
  t.same([small.acInBufferSize, small.acOutBufferSize, small.maxQueuedBytes], [3, 5, 1_048_576])
  t.equal(new Small(new Wire(), { acInBufferSize: 4 }).acInBufferSize, 4)
  t.same([AsyncChat.acInBufferSize, AsyncChat.acOutBufferSize], [65_536, 65_536])
  for (const size of [0, 1.5, -1]) {
    class Wrong extends AsyncChat {
      static override acInBufferSize = size
    }
    class WrongOut extends AsyncChat {
      static override acOutBufferSize = size
    }
    const RANGE = { code: 'ERR_OUT_OF_RANGE' }
    t.throws(() => new Wrong(new Wire()), RANGE)
    t.throws(() => new WrongOut(new Wire()), RANGE)
    t.throws(() => new AsyncChat(new Wire(), { acInBufferSize: size }), RANGE)
    t.throws(() => new AsyncChat(new Wire(), { acOutBufferSize: size }), RANGE)
  }
})

t.test('AsyncChat: a terminator set in collectIncomingData rules the very next byte, the delimiter too', async (t) => {
  const script: readonly [string, Terminator, string, string][] = [
    ['the delimiter is content of the next', ';', 'ab\ncd;e', 'C(ab\ncd) F C(e)'],
    ['a part of it ends the next', '\n', 'ab\r\nc', 'C(ab\r) F C(c)'],
    ['it is counted', 3, 'ab\r\ncde', 'C(ab\r\nc) F C(de)'],
    ['the same one ends it all the same', '\r\n', 'ab\r\nc', 'C(ab) F C(c)'],
  ]
  for (const [name, next, input, wanted] of script) {
    let isSet = false
    const { wire, chat, log } = logged({
      terminator: next === ';' ? '\n' : '\r\n',
      collectIncomingData(data) {
        log.push(`C(${data.toString()})`)
        if (!isSet) this.setTerminator(next)
        isSet = true
      },
      foundTerminator: () => void log.push('F'),
    })
    wire.say(input)
    await quiet()
    t.equal(joined(log.slice(1)), wanted, name)
    chat.close()
  }
})

t.test('AsyncChat: a count fires once, is null then, and says meanwhile what is missing; 0 too', async (t) => {
  const terminators: Terminator[] = []
  const { wire, chat, log } = logged({
    terminator: 5,
    acInBufferSize: 2,
    collectIncomingData(data) {
      log.push(`C(${data.toString()})`)
      terminators.push(this.getTerminator())
    },
    foundTerminator() {
      log.push('F')
      terminators.push(this.getTerminator())
    },
  })
  wire.say('abcdefgh')
  await quiet()
  t.same(terminators, [3, 1, 0, null, null, null])
  t.equal(joined(log.slice(1)), 'C(abcde) F C(fgh)')
  chat.setTerminator(0)
  await quiet()
  t.same([log.at(-1), chat.getTerminator()], ['F', null])
  await quiet()
  t.equal(log.filter((word) => word === 'F').length, 2)
  chat.close()
})

t.test('AsyncChat: says how the last frame ended, where it began, and which delimiter it was', async (t) => {
  const told: unknown[] = []
  const { wire, chat } = logged({
    terminator: ['\n', '\r\n'],
    handleFrame(frame) {
      told.push([frame.toString(), this.ending, this.offset, this.matched])
      if (frame.toString() === 'b') this.setTerminator(2)
    },
  })
  t.same([chat.ending, chat.offset, chat.matched], [null, 0, 0])
  wire.say('a\r\nb\ncdef')
  await quiet()
  t.same(told, [['a', 'terminator', 0, 1], ['b', 'terminator', 3, 0], ['cd', 'count', 5, 0], ['ef', 'piece', 7, 0]])
  chat.close()
})

t.test('AsyncChat: handleFrame gets whole frames under their limits, or pieces where a rule says so', async (t) => {
  const rows: readonly [name: string, options: AsyncChatOptions, input: string, wanted: string][] = [
    ['discards what is too long', { terminator: '\n', maxFrameLength: 2, overflow: 'discard' }, 'abc\nd\n', 'd'],
    ['truncates what is too long', { terminator: '\n', maxFrameLength: 2, overflow: 'truncate' }, 'abc\nd\n', 'ab:truncated d'],
    ['fails for what is too long', { terminator: '\n', maxFrameLength: 2 }, 'd\nabc\n', 'd error ERR_FRAME_TOO_LONG'],
    ['fails for a count that is too long', { terminator: 3, maxFrameLength: 2 }, 'abc', 'error ERR_FRAME_TOO_LONG'],
    ['has the limit of a rule', { terminator: { until: '\n', maxFrameLength: 2, overflow: 'truncate' } }, 'abc\n', 'ab:truncated'],
    ['has the pieces of a rule', { terminator: { until: '\n', pieces: true }, maxFrameLength: 9 }, 'abc\n', 'abc'],
    ['has whole frames where the rule says so', { terminator: { until: '\n', pieces: false } }, 'abc\n', 'abc'],
  ]
  for (const [name, options, input, wanted] of rows) {
    const { wire, chat, log } = logged({
      ...options,
      handleFrame(frame) {
        log.push(`${frame.toString()}${this.ending === 'terminator' ? '' : `:${String(this.ending)}`}`)
      },
    })
    wire.say(input)
    await quiet()
    t.equal(log.slice(1).join(' '), wanted, name)
    chat.close()
  }
})

t.test('AsyncChat: the tail at the end of input is collected, never taken for a frame, and told of', async (t) => {
  const { wire, chat, log } = logged({
    terminator: '\r\n',
    handleFrame: (frame) => void log.push(frame.toString()),
    handleEnd({ incomplete }) {
      log.push(`end ${incomplete} ${this.takeCollected().toString()}`, `${this.takeCollected().length}`)
      this.closeWhenDone()
    },
  })
  wire.say('a\r\nbc\r')
  wire.hangUp()
  await chat.whenClosed
  await quiet(1)
  t.same(log, ['connect', 'a', 'end 3 bc\r', '0', 'close 3 0'])
})

t.test('AsyncChat: collects up to maxFrameLength, and keeps what it has when it is more', async (t) => {
  const chat = new AsyncChat(new Wire(), { maxFrameLength: 4 })
  const data = Buffer.from('ab')
  chat.collect(data)
  chat.collect(Buffer.from('cd'))
  t.throws(() => chat.collect(Buffer.from('e')), { code: 'ERR_FRAME_TOO_LONG', limit: 4, length: 5 })
  t.throws(() => chat.collect('e' as unknown as Buffer), { code: 'ERR_INVALID_ARG_TYPE', message: /data/ })
  t.equal(chat.takeCollected().toString(), 'abcd')
  t.equal(chat.takeCollected().toString(), '')
  chat.collect(data)
  chat.discardBuffers()
  t.equal(chat.takeCollected().toString(), '')
  chat.close()
})

t.test('AsyncChat: collect() and takeCollected() make the pair what handleFrame is', async (t) => {
  class Lines extends AsyncChat {
    readonly lines: string[] = []
    override collectIncomingData(data: Buffer): void {
      this.collect(data)
    }
    override foundTerminator(): void {
      this.lines.push(this.takeCollected().toString())
    }
  }
  const wire = new Wire()
  const chat = new Lines(wire, { terminator: '\n' })
  wire.say('a', 'b\n\n', 'c\n')
  await quiet()
  t.same(chat.lines, ['ab', '', 'c'])
  chat.close()
})

t.test('AsyncChat: after a frame that failed the input stops until a terminator is set; the peer gets its answer', async (t) => {
  for (const goesOn of [true, false]) {
    const { wire, chat, log } = logged({
      terminator: '\n',
      maxFrameLength: 4,
      handleFrame: (frame) => void log.push(frame.toString()),
      handleError(error) {
        log.push(codeOf(error))
        this.push('500 line too long\r\n')
        if (!goesOn) this.closeWhenDone()
      },
    })
    wire.say('ok\ntoo long\nafter\n')
    await quiet()
    t.same([log.splice(0), wire.heard], [['connect', 'ok', 'ERR_FRAME_TOO_LONG'], '500 line too long\r\n'])
    wire.say('x\n')
    await quiet()
    t.same(log, [], 'nothing more is looked at')
    if (goesOn) {
      chat.setTerminator({ until: '\n', maxFrameLength: 9 })
      await quiet()
      t.same(log, ['too long', 'after', 'x'])
      chat.close()
    } else {
      wire.hangUp()
      await chat.whenClosed
      t.equal(wire.hasHeardEnd, true)
    }
  }
})

t.test('AsyncChat: refuses a terminator that is none at the call, and keeps the one it has', async (t) => {
  const chat = new AsyncChat(new Wire(), { terminator: '\n' })
  for (const wrong of [-1, 1.5, NaN, '', true, undefined, [], {}, 1n]) {
    t.throws(() => chat.setTerminator(wrong as unknown as Terminator), { code: /^ERR_/ }, inspect(wrong))
    if (wrong !== undefined) t.throws(() => new AsyncChat(new Wire(), { terminator: wrong as unknown as null }), { code: /^ERR_/ }, inspect(wrong))
  }
  t.equal(chat.getTerminator(), '\n')
  chat.close()
})

// Reads

t.test('AsyncChat: a chat without hooks is read, in the order of the calls', async (t) => {
  const wire = new Wire()
  const chat = new AsyncChat(wire)
  const reads = [chat.readFrame('\n'), chat.readFrame(3), chat.readFrame(['\r\n', '\n'])]
  wire.say('a\nb', 'cde\r', '\nf')
  t.same((await Promise.all(reads)).map(String), ['a', 'bcd', 'e'])
  wire.hangUp()
  await t.rejects(chat.readFrame('\n'), { code: 'ERR_FRAME_INCOMPLETE', bytes: Buffer.from('f') })
  t.equal(String(await chat.readFrame(1)), 'f', 'its bytes were still unread')
  t.equal(await chat.readFrame('\n'), null)
  t.match(await chat.whenClosed, { incomplete: 0, error: undefined })
  t.equal(await chat.readFrame('\n'), null, 'for those that ask late too')
  t.same(await chat.readPieces('\n').next(), { done: true, value: undefined })
})

t.test('AsyncChat: a whole session is an asynchronous handleConnect', async (t) => {
  const wire = new Wire()
  const lines: string[] = []
  const chat = new AsyncChat(wire, {
    async handleConnect() {
      this.push('name? ')
      const name = await this.readFrame('\n')
      this.push('length? ')
      const length = Number(await this.readFrame('\n'))
      for await (const piece of this.readPieces(length)) lines.push(piece.toString())
      this.push(`bye ${String(name)}`)
      this.closeWhenDone()
    },
  })
  for (const byte of 'me\n5\nhello') {
    wire.say(byte)
    await quiet(2)
  }
  wire.hangUp()
  await chat.whenClosed
  t.same([lines.join(''), wire.heard], ['hello', 'name? length? bye me'])
})

t.test('AsyncChat: a hook that is pending reads, and the hooks go on behind it', async (t) => {
  const log: string[] = []
  for (const pair of [true, false]) {
    const wire = new Wire()
    const onFrame = async (chat: AsyncChat, word: string): Promise<void> => {
      log.push(word)
      if (word === 'AUTH') log.push(`user ${String(await chat.readFrame('\n'))}`, `pass ${String(await chat.readFrame(2))}`)
    }
    const options: AsyncChatOptions = pair
      ? {
          collectIncomingData(data) {
            this.collect(data)
          },
          foundTerminator() {
            return onFrame(this, this.takeCollected().toString())
          },
        }
      : {
          handleFrame(frame) {
            return onFrame(this, frame.toString())
          },
        }
    const chat = new AsyncChat(wire, { terminator: '\n', ...options })
    wire.say('AUTH\nme\n', 'x', 'yQUIT\nrest')
    await quiet()
    t.same(log.splice(0), ['AUTH', 'user me', 'pass xy', 'QUIT'])
    t.equal(chat.getTerminator(), '\n')
    chat.close()
  }
})

t.test('AsyncChat: a read where two would race is ERR_INVALID_STATE, and watches nothing', async (t) => {
  const STATE = { code: 'ERR_INVALID_STATE' }
  const { wire, chat } = logged({ terminator: '\n' })
  await quiet()
  await t.rejects(chat.readFrame('\n', { timeout: 50_000 }), STATE)
  t.throws(() => chat.readPieces('\n'), STATE)
  chat.close()
  let inside: unknown
  const collecting = logged({
    terminator: '\n',
    collectIncomingData() {
      inside ??= this.readFrame('\n').catch((error: Error) => codeOf(error))
    },
    foundTerminator() {},
  })
  collecting.wire.say('ab\n')
  await quiet()
  t.equal(await inside, 'ERR_INVALID_STATE', 'inside a frame')
  collecting.chat.close()
  class Half extends AsyncChat {
    override collectIncomingData(): void {}
  }
  const half = new Half(new Wire(), { handleError() {} })
  await t.rejects(half.readFrame('\n', { timeout: 50_000 }), { code: 'ERR_METHOD_NOT_IMPLEMENTED' })
  half.close()
  wire.destroy()
})

t.test('AsyncChat: refuses reads with what is no terminator or option', async (t) => {
  const chat = new AsyncChat(new Wire())
  await t.rejects(chat.readFrame(-1), { code: 'ERR_OUT_OF_RANGE' })
  await t.rejects(chat.readFrame('\n', null as never), { code: 'ERR_INVALID_ARG_TYPE' })
  t.throws(() => chat.readPieces(''), { code: /^ERR_/ })
  t.throws(() => chat.readPieces('\n', { timeout: -1 }), { code: 'ERR_OUT_OF_RANGE' })
  chat.close()
})

t.test('AsyncChat: a read has the limits of the channel or of its rule, a count too, and loses nothing', async (t) => {
  const wire = new Wire()
  const chat = new AsyncChat(wire, { maxFrameLength: 4 })
  wire.say('abcdef\n')
  const TOO_LONG = { code: 'ERR_FRAME_TOO_LONG', limit: 4 }
  await t.rejects(chat.readFrame('\n'), TOO_LONG)
  await t.rejects(chat.readFrame(5), TOO_LONG)
  t.equal(String(await chat.readFrame({ until: '\n', maxFrameLength: 6 })), 'abcdef')
  chat.close()
})

t.test('AsyncChat: a read that is given up loses nothing, with half a frame there', async (t) => {
  const { wire, chat, log } = logged({
    terminator: '\n',
    async handleFrame(frame) {
      log.push(frame.toString())
      if (frame.toString() !== 'ask') return
      const giveUp = new AbortController()
      const read = this.readFrame(9, { signal: giveUp.signal }).catch((error: Error) => error.name)
      await quiet(2)
      giveUp.abort()
      log.push(String(await read))
      log.push(String(await this.readFrame('\n', { signal: giveUp.signal }).catch((error: Error) => error.name)))
    },
  })
  wire.say('ask\nhalf')
  await quiet()
  wire.say(' a frame\n')
  await quiet()
  t.same(log, ['connect', 'ask', 'AbortError', 'AbortError', 'half a frame'])
  chat.close()
})

t.test('AsyncChat: a terminator set during a read is the channel\'s, and lets the input go on after a failed frame', async (t) => {
  const { wire, chat, log } = logged({
    terminator: '\n',
    maxFrameLength: 3,
    handleFrame: (frame) => void log.push(frame.toString()),
    async handleError(error) {
      log.push(codeOf(error))
      const read = this.readFrame({ until: '\n', maxFrameLength: 9 })
      await quiet(1)
      this.setTerminator(';')
      log.push(inspect(this.getTerminator()), String(await read))
    },
  })
  wire.say('abcd')
  await quiet()
  wire.say('ef\ng;h\n;')
  await quiet()
  t.same(log, ['connect', 'ERR_FRAME_TOO_LONG', "';'", 'abcdef', 'g', 'h\n'])
  chat.close()
})

t.test('AsyncChat: reads fail with the error of the channel, and floating ones do not end the process', async (t) => {
  const warnings = warningsOf(t)
  const wire = new Wire()
  const chat = new AsyncChat(wire, { handleClose() {} })
  const floating = [chat.readFrame('\n'), chat.readFrame(4)]
  const pieces = chat.readPieces(9)
  await quiet()
  wire.destroy(new Error('reset'))
  await quiet()
  for (const read of floating) await t.rejects(read, { message: 'reset' })
  await t.rejects(pieces.next(), { message: 'reset' })
  await t.rejects(chat.readFrame('\n'), { message: 'reset' })
  const closed = new AsyncChat(new Wire())
  const waiting = closed.readFrame('\n')
  closed.close()
  await t.rejects(waiting, CLOSED)
  await t.rejects(closed.readFrame('\n'), CLOSED)
  const leaving = new AsyncChat(new Wire())
  const late = leaving.readFrame('\n')
  leaving.closeWhenDone()
  await t.rejects(late, CLOSED)
  leaving.close()
  await quiet()
  t.same(warnings, [])
})

// Output

t.test('AsyncChat: push() queues strings and bytes in order, and says when it is enough', async (t) => {
  const { wire, chat, log } = logged({ acOutBufferSize: 4 })
  const called: unknown[] = []
  t.equal(chat.acOutBufferSize, 4)
  t.equal(chat.push('ab', (error) => called.push(['ab', error])), true)
  t.equal(chat.push(Buffer.from('cd')), true)
  t.equal(chat.push(new Uint16Array([0x6665]), (error) => called.push(['ef', error])), false)
  t.equal(chat.queuedBytes, 6)
  t.same(called, [])
  await quiet()
  t.same([wire.heard, chat.queuedBytes, log], ['abcdef', 0, ['connect', 'drain']])
  t.same(called, [['ab', null], ['ef', null]])
  t.ok(wire.writeLengths.every((length) => length <= 4))
  chat.close()
})

t.test('AsyncChat: refuses what is no output at the call, and queues nothing', async (t) => {
  const { chat, wire } = logged()
  const TYPE = { code: 'ERR_INVALID_ARG_TYPE' }
  for (const wrong of [10, undefined, null, true, {}, [], () => 'x', { more: () => 'x' }]) {
    t.throws(() => chat.push(wrong as never), { ...TYPE, message: /"data"/ }, inspect(wrong))
  }
  for (const wrong of [10, undefined, null, true, {}]) {
    t.throws(() => chat.pushWithProducer(wrong as never), { ...TYPE, message: /"source"/ }, inspect(wrong))
  }
  t.throws(() => chat.push('x', 'no function' as never), { ...TYPE, message: /"callback"/ })
  t.throws(() => chat.pushWithProducer('x', null as never), { ...TYPE, message: /"callback"/ })
  t.equal(chat.queuedBytes, 0)
  await quiet()
  t.equal(wire.heard, '')
  chat.close()
})

t.test('AsyncChat: a source that fails goes to handleError; what is pushed then goes out', async (t) => {
  const { wire, chat, log } = logged({
    handleError(error) {
      log.push(codeOf(error))
      this.push('sorry')
      this.closeWhenDone()
    },
  })
  const fates: string[] = []
  chat.push('before ', (error) => fates.push(`before ${String(error)}`))
  chat.pushWithProducer({ more: () => 10 as never }, (error) => fates.push(codeOf(error as Error)))
  await quiet()
  t.same([wire.heard, fates], ['before sorry', ['before null', 'ERR_INVALID_ARG_TYPE']])
  wire.hangUp()
  await chat.whenClosed
  await quiet(1)
  t.same(log, ['connect', 'ERR_INVALID_ARG_TYPE', 'drain', 'close 0 1'])
})

t.test('AsyncChat: push() throws after closeWhenDone(), end() and close(), and queues nothing', async (t) => {
  for (const end of ['closeWhenDone', 'end', 'close'] as const) {
    const { wire, chat } = logged()
    await quiet()
    chat.push('a')
    chat[end]()
    t.throws(() => chat.push('b'), CLOSED, end)
    t.throws(() => chat.pushWithProducer(['b']), CLOSED, end)
    await quiet()
    t.equal(wire.heard, end === 'close' ? '' : 'a')
    wire.hangUp()
    await quiet()
    t.throws(() => chat.push('b'), CLOSED, end)
    chat.close()
  }
})

t.test('AsyncChat: push() gives false where the peer or an error has ended the channel, and its callback says why', async (t) => {
  const ends: readonly [name: string, options: AsyncChatOptions, end: (wire: Wire) => unknown, code: string][] = [
    ['the peer ended its side', {}, (wire) => wire.hangUp(), 'ERR_CHANNEL_CLOSED'],
    ['the peer reset', {}, (wire) => wire.destroy(new Error('reset')), 'reset'],
    ['the transport was destroyed', {}, (wire) => wire.destroy(), 'ERR_CHANNEL_CLOSED'],
    ['a hook failed', { handleConnect: () => Promise.reject(new Error('mine')) }, () => {}, 'mine'],
    ['its signal was aborted', { signal: AbortSignal.abort() }, () => {}, 'ABORT_ERR'],
  ]
  for (const [name, options, end, code] of ends) {
    const wire = new Wire()
    const chat = new AsyncChat(wire, { handleClose() {}, ...options })
    if (options.signal === undefined) await quiet(1)
    end(wire)
    await quiet()
    t.equal(chat.closed, true, name)
    const fate = new Promise<unknown>((resolve) => chat.push('x', resolve))
    t.equal(chat.push('y'), false, name)
    t.equal(codeOf((await fate) as Error), code, name)
  }
})

// Life

t.test('AsyncChat: refuses a transport that is none, or destroyed', async (t) => {
  const TYPE = { code: 'ERR_INVALID_ARG_TYPE', message: /"transport"/ }
  const destroyed = new Wire()
  destroyed.destroy()
  const { stdin } = process
  for (const wrong of [undefined, null, {}, 'x', 42, [], { readable: new PassThrough() }, { readable: stdin, writable: {} }, destroyed, { readable: new PassThrough(), writable: destroyed }]) {
    t.throws(() => new AsyncChat(wrong as unknown as Transport), TYPE)
  }
  for (const wrong of [null, 42, 'x']) t.throws(() => new AsyncChat(new Wire(), wrong as never), { code: 'ERR_INVALID_ARG_TYPE', message: /"options"/ })
})

t.test('AsyncChat: takes nothing but an Error to close with', async (t) => {
  const { chat, log } = logged()
  t.throws(() => chat.close('because' as unknown as Error), { code: 'ERR_INVALID_ARG_TYPE', message: /"error"/ })
  t.equal(chat.closed, false)
  const error = new Error('mine')
  chat.close(error)
  chat.close(new Error('another'))
  t.equal((await chat.whenClosed).error, error)
  await quiet(1)
  t.same(log, ['close mine 0 0'])
})

t.test('AsyncChat: tells its end by closed, signal and whenClosed, before and after', async (t) => {
  const { wire, chat } = logged()
  let order = ''
  chat.signal.addEventListener('abort', () => (order += 'signal '))
  const early = chat.whenClosed
  t.equal(early, chat.whenClosed)
  t.same([chat.closed, chat.signal.aborted], [false, false])
  await quiet()
  wire.destroy()
  const info = await early
  t.same(info, { incomplete: 0, unsent: 0 })
  t.same([chat.closed, chat.signal.aborted, order], [true, true, 'signal '])
  const late = new AsyncChat(new Wire())
  late.close()
  await quiet()
  t.same(await late.whenClosed, info)
})

t.test('AsyncChat: closes by its signal, with its reason, and lets go of it', async (t) => {
  const giveUp = new AbortController()
  const { chat, log } = logged({ signal: giveUp.signal })
  await quiet()
  giveUp.abort(new Error('enough'))
  t.match(await chat.whenClosed, { error: { name: 'AbortError', code: 'ABORT_ERR', cause: { message: 'enough' } } })
  await quiet(1)
  t.same(log, ['connect', 'close ABORT_ERR 0 0'])
  const before = logged({ signal: AbortSignal.abort() })
  await before.chat.whenClosed
  t.same(before.log, ['close ABORT_ERR 0 0'], 'not even handleConnect')
  let listening = 0
  const watched = { aborted: false, addEventListener: () => listening++, removeEventListener: () => listening-- } as unknown as AbortSignal
  const other = new AsyncChat(new Wire(), { signal: watched })
  t.equal(listening, 1)
  other.close()
  await other.whenClosed
  t.equal(listening, 0)
})

t.test('AsyncChat: await using closes when done', async (t) => {
  const { wire, chat } = logged()
  chat.push('bye')
  const disposed = chat[Symbol.asyncDispose]()
  await quiet()
  t.same([wire.heard, wire.hasHeardEnd, chat.closed], ['bye', true, false])
  wire.hangUp()
  await disposed
  t.equal(chat.closed, true)
})

t.test('AsyncChat: shows its streams and its transport', async (t) => {
  const wire = new Wire()
  const chat = new AsyncChat(wire, { terminator: '\n' })
  t.equal(chat.transport, wire)
  t.equal(chat.splitter.getTerminator(), '\n')
  t.equal(chat.producers.pending, 0)
  t.equal(chat.child, null)
  chat.close()
  const pair = { readable: new PassThrough(), writable: new PassThrough() }
  const other = new AsyncChat(pair)
  t.equal(other.transport, pair)
  other.close()
  await other.whenClosed
  t.ok(pair.readable.destroyed && pair.writable.destroyed)
})

t.test('AsyncChat: refuses what is no wrap and no option of upgrade(), and gives its transport away', async (t) => {
  const wire = new Wire()
  const chat = new AsyncChat(wire)
  await quiet()
  const TYPE = 'ERR_INVALID_ARG_TYPE'
  await t.rejects(chat.upgrade(42 as never), { code: TYPE, message: /"wrap"/ })
  await t.rejects(chat.upgrade(() => wire, null as never), { code: TYPE, message: /"options"/ })
  await t.rejects(chat.upgrade(() => wire, { allowUnread: 1 as never }), { code: TYPE, message: /allowUnread/ })
  await t.rejects(chat.upgrade(() => wire, { before: 42 as never }), { code: TYPE, message: /before/ })
  const secure = new Wire()
  await chat.upgrade(() => secure, { before: 'go ahead' })
  chat.push('secret')
  await quiet()
  t.same([wire.heard, secure.heard, chat.transport], ['go ahead', 'secret', secure])
  const { transport, unread } = await chat.detach()
  t.same([transport, unread.length, chat.closed, secure.destroyed], [secure, 0, true, false])
})

t.test('AsyncChat.connect: dials, and what is pushed before waits for the connection', async (t) => {
  const server = createServer((socket) => socket.pipe(socket)).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  class Client extends AsyncChat {
    readonly mine = true
  }
  const chat = Client.connect({ port: (server.address() as AddressInfo).port, host: '127.0.0.1', maxFrameLength: 9 })
  t.equal(chat.mine, true)
  t.equal(chat.push('hello\n'), true)
  t.equal(String(await chat.readFrame('\n')), 'hello')
  t.equal(chat.connected, true)
  chat.closeWhenDone()
  t.match(await chat.whenClosed, { incomplete: 0, unsent: 0, error: undefined })
})

t.test('AsyncChat.connect: a connection that fails goes to handleError', async (t) => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  const seen: string[] = []
  const chat = AsyncChat.connect({
    port,
    host: '127.0.0.1',
    handleConnect: () => void seen.push('connect'),
    handleError(error) {
      seen.push(codeOf(error))
      this.close(error)
    },
  })
  const fate = new Promise<unknown>((resolve) => chat.push('x', resolve))
  t.match(await chat.whenClosed, { error: { code: 'ECONNREFUSED' }, unsent: 1 })
  t.same([seen, codeOf((await fate) as Error)], [['ECONNREFUSED'], 'ECONNREFUSED'])
})

t.test('AsyncChat.spawn: talks to a process', async (t) => {
  class Echo extends AsyncChat {}
  const chat = Echo.spawn(process.execPath, ['-e', 'process.stdin.pipe(process.stdout)'])
  t.ok(chat instanceof Echo)
  t.type(chat.child?.pid, 'number')
  chat.push('hello\n')
  t.equal(String(await chat.readFrame('\n')), 'hello')
  chat.closeWhenDone()
  t.match(await chat.whenClosed, { error: undefined })
})

t.test('AsyncChat.spawn: a process that cannot be started goes to handleError', async (t) => {
  const chat = AsyncChat.spawn('there-is-no-such-program', undefined, {
    handleError(error) {
      t.match(error, { code: 'ENOENT' })
      this.close(error)
    },
  })
  t.match(await chat.whenClosed, { error: { code: 'ENOENT' } })
  t.equal(chat.child?.pid, undefined)
})

t.test('AsyncChat: its errors are a FramingError where the peer is to blame', async (t) => {
  const { wire, chat } = logged({ terminator: '\n', maxFrameLength: 1, handleError: (error) => void t.ok(error instanceof FramingError) })
  wire.say('abc')
  await quiet()
  chat.close()
})

t.test('AsyncChat: pauses where it is told to, inside a chunk too', async (t) => {
  const { wire, chat, log } = logged({
    terminator: '\n',
    handleFrame(frame) {
      log.push(frame.toString())
      this.pauseReading()
    },
  })
  wire.say('a\nb\n')
  await quiet()
  wire.say('c\n')
  wire.hangUp()
  await quiet()
  t.same([log.splice(0), wire.readableLength], [['connect', 'a'], 2])
  const wanted = ['b', 'c', 'end 0']
  for (const word of wanted) {
    chat.resumeReading()
    await quiet()
    t.same(log.splice(0), [word])
  }
  chat.close()
})

t.test('AsyncChat: a clock that ran out closes with ERR_FRAME_TIMEOUT, and a server has clocks of its own', async (t) => {
  const clock = new Clock()
  t.teardown(() => clock.restore())
  const own = new AsyncChat(new Wire(), { idleTimeout: 70, frameTimeout: 0 })
  const others = new AsyncChat(new Wire())
  const told: unknown[] = []
  for (const chat of [own, others]) {
    const side = serve(chat, { onOver: (info, ending) => told.push([info.error?.message, ending]), idleTimeout: 100, frameTimeout: 50 })
    t.equal(side.canPush, true)
  }
  await quiet()
  clock.pass(69)
  await quiet()
  t.same(told, [])
  clock.pass(1)
  await quiet()
  const ending = { isTaken: false, isDetached: false }
  t.same(told.splice(0), [['The channel is idle: no byte came or went for 70 ms', ending]])
  clock.pass(30)
  await quiet()
  t.same(told, [['The channel is idle: no byte came or went for 100 ms', ending]])
  t.match((await others.whenClosed).error, { code: 'ERR_FRAME_TIMEOUT' })
  clock.restore()
})

t.test('AsyncChat: a read whose time has passed loses nothing, and the next one has what came', async (t) => {
  const clock = new Clock()
  t.teardown(() => clock.restore())
  const wire = new Wire()
  const chat = new AsyncChat(wire)
  const late = chat.readFrame('\n', { timeout: 100 })
  const behind = chat.readFrame(2)
  wire.say('half')
  await quiet()
  clock.pass(100)
  await t.rejects(late, { code: 'ERR_FRAME_TIMEOUT', limit: 100 })
  t.equal(String(await behind), 'ha', 'the one that waited behind it goes on')
  wire.say(' a line\n')
  t.equal(String(await chat.readFrame('\n', { timeout: 100 })), 'lf a line')
  chat.close()
  await quiet()
  t.equal(clock.timers.size, 0)
  clock.restore()
})

// Messages

t.test('AsyncChat#readMessage: reads messages and frames in the order of the calls, of one codec and another', async (t) => {
  const wire = new Wire()
  const chat = new AsyncChat(wire, { terminator: '!' })
  t.teardown(() => chat.close())
  const line = lines({ ending: 'lf' })
  const reads = [chat.readMessage(line), chat.readMessage(netstring()), chat.readFrame(';'), chat.readMessage(line), chat.readMessage(line)]
  wire.say('a\n3:b\n', 'c,d;e', '\n')
  wire.hangUp()
  t.same((await Promise.all(reads)).map(String), ['a', 'b\nc', 'd', 'e', 'null'])
  t.equal(chat.getTerminator(), '!')
})

t.test('AsyncChat#readMessage: rejects with what is wrong, and leaves all bytes of the message unread', async (t) => {
  const wire = new Wire()
  const chat = new AsyncChat(wire)
  t.teardown(() => chat.close())
  wire.say('1:a,1:bc')
  const codec = netstring()
  t.equal(String(await chat.readMessage(codec)), 'a')
  await t.rejects(chat.readMessage(codec), { code: 'ERR_FRAME_MALFORMED', codec: 'netstring', messagesBefore: 1 })
  t.equal(String(await chat.readFrame(4)), '1:bc')
  wire.say('2:d')
  const late = chat.readMessage(codec, { timeout: 20 })
  await t.rejects(late, { code: 'ERR_FRAME_TIMEOUT' })
  const abort = new AbortController()
  const given = chat.readMessage(codec, { signal: abort.signal })
  abort.abort()
  await t.rejects(given, { name: 'AbortError' })
  wire.say('e,')
  t.equal(String(await chat.readMessage(codec)), 'de', 'nothing of it was lost')
  for (const [wrong, options] of [[{}, {}], [codec, null], [codec, { maxMessageLength: -1 }], [codec, { timeout: -1 }]] as const) {
    const fresh = new AsyncChat(new Wire())
    await t.rejects(fresh.readMessage(wrong as Codec<unknown>, options as object), { code: /^ERR_(INVALID_ARG_TYPE|OUT_OF_RANGE)$/ })
    fresh.close()
  }
})

function counting(): Codec<string> {
  let count = 0
  return {
    *decode(ctx) {
      for (const letter of String(yield ';')) ctx.emit(`${++count}${letter}`)
    },
    encode: (text) => text,
  }
}

t.test('AsyncChat#readMessage: keeps what a codec has emitted, and remembers, for the next read', async (t) => {
  const wire = new Wire()
  const chat = new AsyncChat(wire)
  t.teardown(() => chat.close())
  wire.say('abc;')
  const given = [await chat.readMessage(counting), await chat.readMessage(counting), await chat.readMessage(counting)]
  t.same(given, ['1a', '2b', '3c'])
  wire.say('d;')
  t.equal(await chat.readMessage(counting), '4d')
})

t.test('AsyncChat#readMessage: has limits of its own', async (t) => {
  const wire = new Wire({ highWaterMark: 4_000_000 })
  const chat = new AsyncChat(wire, { maxFrameLength: 16 })
  t.teardown(() => chat.close())
  const body = Buffer.alloc(2_000_000, 'x')
  const plain: Codec<Uint8Array> = {
    *decode() {
      return yield Number(yield ':')
    },
    encode: () => '',
  }
  wire.say(`${body.length}:`, body.subarray(0, 99), body.subarray(99), '9:123456789')
  t.equal((await chat.readMessage(plain))?.length, body.length)
  await t.rejects(chat.readMessage({ ...plain }, { maxMessageLength: 8 }), { code: 'ERR_FRAME_TOO_LONG', limit: 8 })
  t.equal(String(await chat.readFrame(2)), '9:')
  wire.say(Buffer.from([0, 0, 0, 1, 65]))
  t.equal(String(await chat.readFrame(9)), '123456789')
  t.equal(String(await chat.readMessage(lengthField())), 'A')
})
