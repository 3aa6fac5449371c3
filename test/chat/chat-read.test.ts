import t from 'tap'
import { FrameRead, MessageRead, PieceRead, type Read, type ReadOptions, type ReadQueue } from '../../src/chat/chat-read.js'
import { type Codec, FrameScanner, MessageScanner, type Terminator } from '../../src/framing/index.js'
import { Clock } from '../support/clock.js'
import { quiet } from '../support/told-wire.js'

class Queue implements ReadQueue {
  readonly log: string[] = []
  changed(): void {
    this.log.push('changed')
  }
  remove(_read: Read): void {
    this.log.push('removed')
  }
}

function scannerOf(terminator: Terminator, bytes = '', hasEnded = false): FrameScanner {
  const scanner = new FrameScanner({ terminator, maxFrameLength: 6, rearmCount: false, tail: 'emit' })
  scanner.write(Buffer.from(bytes))
  if (hasEnded) scanner.end()
  return scanner
}

/** What a promise came to, in a word: none yet. */
async function fate(promise: Promise<unknown>): Promise<string> {
  return Promise.race([
    promise.then(told, (error: Error & { code?: string }) => error.code ?? error.message),
    quiet(1).then(() => 'pending'),
  ])
}

function told(value: unknown): string {
  if (Buffer.isBuffer(value) || value === null) return String(value)
  const { done, value: piece } = value as IteratorResult<Buffer>
  return done === true ? 'done' : String(piece)
}

const frames: readonly [name: string, terminator: Terminator, bytes: string, hasEnded: boolean, step: string, fate: string][] = [
  ['a frame that is there', '\n', 'ab\nc', false, 'over', 'ab'],
  ['an empty frame', '\n', '\nc', false, 'over', ''],
  ['a count', 2, 'abc', false, 'over', 'ab'],
  ['a count of 0', 0, '', false, 'over', ''],
  ['what is at hand, under null', null, 'abc', false, 'over', 'abc'],
  ['nothing yet', '\n', 'ab', false, 'hungry', 'pending'],
  ['null where the input ended before it', '\n', '', true, 'over', 'null'],
  ['null under null at the end', null, '', true, 'over', 'null'],
]

for (const [name, terminator, bytes, hasEnded, step, wanted] of frames) {
  t.test(`FrameRead: gives ${name}`, async (t) => {
    const read = new FrameRead(terminator, undefined, new Queue())
    t.equal(read.serve(scannerOf(terminator, bytes, hasEnded), hasEnded), step)
    t.equal(await fate(read.promise), wanted)
  })
}

t.test('FrameRead: throws for a frame that the end cut, and leaves its bytes unread', async (t) => {
  for (const terminator of ['\n', 5] as const) {
    const scanner = scannerOf(terminator, 'abc', true)
    const read = new FrameRead(terminator, undefined, new Queue())
    t.throws(() => read.serve(scanner, true), { code: 'ERR_FRAME_INCOMPLETE', bytes: Buffer.from('abc'), length: 3, offset: 0, framesBefore: 0 })
    t.equal(Buffer.from(scanner.takeUnread()).toString(), 'abc')
  }
})

t.test('FrameRead: throws for a frame that is too long, a count too', async (t) => {
  for (const terminator of ['\n', 7]) {
    const read = new FrameRead(terminator, undefined, new Queue())
    t.throws(() => read.serve(scannerOf(terminator, 'abcdefgh'), false), { code: 'ERR_FRAME_TOO_LONG', limit: 6 })
  }
})

t.test('FrameRead: ends and fails as it is told', async (t) => {
  const ended = new FrameRead('\n', {}, new Queue())
  ended.end()
  t.equal(await fate(ended.promise), 'null')
  const failed = new FrameRead('\n', {}, new Queue())
  failed.fail(new Error('lost'))
  t.equal(await fate(failed.promise), 'lost')
})

type Kind = readonly [name: string, make: (terminator: Terminator, options: ReadOptions | undefined, queue: Queue) => FrameRead | PieceRead, next: (read: never) => Promise<unknown>]
const kinds: readonly Kind[] = [
  ['FrameRead', (...given) => new FrameRead(...given), (read: FrameRead) => read.promise],
  ['PieceRead', (...given) => new PieceRead(...given), (read: PieceRead) => read.next()],
]

for (const [name, make, next] of kinds) {
  t.test(`${name}: refuses what is no terminator and no option`, async (t) => {
    const bad: readonly [Terminator, unknown, RegExp][] = [
      ['', undefined, /terminator/], [-1, undefined, /terminator/], [undefined as unknown as null, undefined, /terminator/],
      ['\n', null, /"options"/], ['\n', 'x', /"options"/], ['\n', { timeout: -1 }, /options.timeout/], ['\n', { timeout: '1' }, /options.timeout/],
      ['\n', { timeout: NaN }, /options.timeout/], ['\n', { signal: {} }, /options.signal/], ['\n', { signal: null }, /options.signal/],
    ]
    for (const [terminator, options, message] of bad) {
      t.throws(() => make(terminator, options as ReadOptions, new Queue()), { code: /^ERR_(INVALID_ARG_TYPE|OUT_OF_RANGE|INVALID_ARG_VALUE)$/, message })
    }
  })

  t.test(`${name}: is given up when its signal is aborted, once`, async (t) => {
    const queue = new Queue()
    const giveUp = new AbortController()
    const read = make('\n', { signal: giveUp.signal }, queue)
    const given = next(read as never)
    queue.log.length = 0
    giveUp.abort(new Error('enough'))
    await t.rejects(given, { name: 'AbortError', code: 'ABORT_ERR', cause: { message: 'enough' } })
    t.same(queue.log, ['removed'])
  })

  t.test(`${name}: is not served when its signal was aborted before`, async (t) => {
    const queue = new Queue()
    const read = make('\n', { signal: AbortSignal.abort() }, queue)
    const given = next(read as never)
    queue.log.length = 0
    t.equal(read.serve(scannerOf('\n', 'ab\n'), false), 'unasked')
    t.equal(await fate(given), 'ABORT_ERR')
    t.same(queue.log, ['removed'])
  })

  t.test(`${name}: is given up when its time has passed, and not before`, async (t) => {
    const clock = new Clock()
    t.teardown(() => clock.restore())
    const queue = new Queue()
    const read = make('\n', { timeout: 100 }, queue)
    const given = next(read as never)
    queue.log.length = 0
    clock.pass(99)
    t.same(queue.log, [])
    clock.pass(1)
    await t.rejects(given, { code: 'ERR_FRAME_TIMEOUT', limit: 100, message: /not there within 100 ms/ })
    t.same([queue.log, clock.timers.size], [['removed'], 0])
    make('\n', { timeout: 0 }, queue)
    t.equal(clock.timers.size, 0, '0 is never')
    clock.restore()
  })

  t.test(`${name}: leaves neither a timer nor a listener behind, however it ends`, async (t) => {
    const clock = new Clock()
    t.teardown(() => clock.restore())
    const ends: readonly ((read: FrameRead | PieceRead) => unknown)[] = [
      (read) => read.serve(scannerOf('\n', '\n'), false),
      (read) => read.end(),
      (read) => read.fail(new Error('over')),
    ]
    for (const end of ends) {
      const queue = new Queue()
      let listening = 0
      const watched = {
        aborted: false,
        addEventListener: () => listening++,
        removeEventListener: () => listening--,
      } as unknown as AbortSignal
      const read = make('\n', { timeout: 100, signal: watched }, queue)
      next(read as never).catch(() => {})
      t.same([clock.timers.size, listening], [1, 1])
      end(read)
      t.same([clock.timers.size, listening], [0, 0])
    }
    clock.restore()
  })
}

const pieces: readonly [name: string, terminator: Terminator, bytes: string, hasEnded: boolean, steps: readonly string[], fates: readonly string[]][] = [
  ['a frame that is there', '\n', 'ab\nc', false, ['over'], ['ab', 'done']],
  ['an empty frame', '\n', '\nc', false, ['over'], ['done', 'done']],
  ['a count', 2, 'abc', false, ['over'], ['ab', 'done']],
  ['a count of 0', 0, 'a', false, ['over'], ['done', 'done']],
  ['a part, and waits for the rest', '\n', 'ab', false, ['served', 'hungry'], ['ab', 'pending']],
  ['everything up to the end, under null', null, 'abc', true, ['served', 'over'], ['abc', 'done']],
  ['nothing of an empty input, under null', null, '', true, ['over'], ['done', 'done']],
  ['a truncated frame', { until: '\n', maxFrameLength: 2, overflow: 'truncate' }, 'abcd\n', false, ['served', 'over'], ['ab', 'done']],
]

for (const [name, terminator, bytes, hasEnded, steps, fates] of pieces) {
  t.test(`PieceRead: gives ${name}`, async (t) => {
    const read = new PieceRead(terminator, undefined, new Queue())
    const scanner = scannerOf(terminator, bytes, hasEnded)
    const given = fates.map(() => read.next())
    for (const step of steps) t.equal(read.serve(scanner, hasEnded), step)
    for (const [index, wanted] of fates.entries()) t.equal(await fate(given[index] as Promise<unknown>), wanted)
  })
}

const cutShort: readonly [name: string, terminator: Terminator, bytes: string, fates: readonly string[], length: number][] = [
  ['with its last bytes', '\r\n', 'ab\r', ['ab', '\r', 'ERR_FRAME_INCOMPLETE', 'done'], 3],
  ['after its last piece', '\n', 'ab', ['ab', 'ERR_FRAME_INCOMPLETE', 'done'], 2],
  ['before its first', '\n', '', ['ERR_FRAME_INCOMPLETE', 'done'], 0],
  ['in a count', 5, 'abc', ['abc', 'ERR_FRAME_INCOMPLETE', 'done'], 3],
]

for (const [name, terminator, bytes, fates, length] of cutShort) {
  t.test(`PieceRead: fails where the end cuts the frame ${name}`, async (t) => {
    const read = new PieceRead(terminator, undefined, new Queue())
    const scanner = scannerOf(terminator, bytes, true)
    const given = fates.map(() => read.next())
    let error: unknown
    for (let count = 0; error === undefined && count < 9; count++) {
      try {
        read.serve(scanner, true)
      } catch (thrown) {
        error = thrown
        read.fail(thrown)
      }
    }
    t.match(error, { code: 'ERR_FRAME_INCOMPLETE', length, offset: 0 })
    for (const [index, wanted] of fates.entries()) t.equal(await fate(given[index] as Promise<unknown>), wanted)
  })
}

t.test('PieceRead: takes nothing before it is asked, and says when it is', async (t) => {
  const queue = new Queue()
  const read = new PieceRead('\n', undefined, queue)
  const scanner = scannerOf('\n', 'ab\n')
  t.equal(read.serve(scanner, false), 'unasked')
  t.same([scanner.bufferedLength, queue.log], [3, []])
  void read.next()
  t.same(queue.log, ['changed'])
})

t.test('PieceRead: gives the rest up when the loop is left', async (t) => {
  const queue = new Queue()
  const read = new PieceRead('\n', undefined, queue)
  const scanner = scannerOf('\n', 'abc')
  const waiting = [read.next(), read.next()]
  read.serve(scanner, false)
  t.same(await read.return(), { done: true, value: undefined })
  t.same([await fate(waiting[0] as Promise<unknown>), await fate(waiting[1] as Promise<unknown>), await fate(read.next())], ['abc', 'done', 'done'])
  t.equal(queue.log.at(-1), 'removed')
})

t.test('PieceRead: is told once how it failed, and is over then', async (t) => {
  const early = new PieceRead('\n', undefined, new Queue())
  early.fail(new Error('lost'))
  early.fail(new Error('lost again'))
  t.same([await fate(early.next()), await fate(early.next())], ['lost', 'done'])
  const waiting = new PieceRead('\n', undefined, new Queue())
  const given = [waiting.next(), waiting.next()]
  waiting.fail(new Error('lost'))
  t.same([await fate(given[0] as Promise<unknown>), await fate(given[1] as Promise<unknown>)], ['lost', 'done'])
})

t.test('PieceRead: is its own iterator', async (t) => {
  const read = new PieceRead('\n', undefined, new Queue())
  t.equal(read[Symbol.asyncIterator](), read)
})

const pairs: Codec<string> = {
  name: 'pairs',
  *decode() {
    const head = String(yield ':')
    return `${head}=${String(yield ';')}`
  },
  encode: (text) => text,
}
const oneLine: Codec<string> = { terminator: '\n', parse: (frame) => `(${String(frame)})`, encode: (text) => text }

const messages: readonly [name: string, codec: Codec<string>, bytes: string, hasEnded: boolean, step: string, fate: string, unread: string][] = [
  ['a message that is there', pairs, 'a:b;c', false, 'over', 'a=b', 'c'],
  ['a message of one frame', oneLine, 'a\nb', false, 'over', '(a)', 'b'],
  ['nothing yet', pairs, 'a:b', false, 'hungry', 'pending', 'a:b'],
  ['null where the input ended before it', pairs, '', true, 'over', 'null', ''],
]

for (const [name, codec, bytes, hasEnded, step, wanted, unread] of messages) {
  t.test(`MessageRead: gives ${name}`, async (t) => {
    const scanner = scannerOf('!', bytes, hasEnded)
    const read = new MessageRead(new MessageScanner<string>(codec, {}, scanner), undefined, new Queue())
    t.equal(read.terminator, codec === oneLine ? '\n' : null)
    scanner.setTerminator(read.terminator)
    read.begin()
    t.equal(read.serve(scanner, hasEnded), step)
    t.equal(await fate(read.promise.then((message) => Buffer.from(String(message)))), wanted)
    read.release()
    t.equal(Buffer.from(scanner.takeUnread()).toString(), unread)
  })
}

t.test('MessageRead: throws for a message that the end cut, or that is none, and leaves its bytes unread', async (t) => {
  for (const [codec, bytes, code] of [[pairs, 'a:b', 'ERR_FRAME_INCOMPLETE'], [oneLine, 'a', 'ERR_FRAME_INCOMPLETE'], [pairs, 'abcdefgh', 'ERR_FRAME_TOO_LONG']] as const) {
    const scanner = scannerOf('!', bytes, true)
    const read = new MessageRead(new MessageScanner<string>(codec, {}, scanner), undefined, new Queue())
    scanner.setTerminator(read.terminator)
    read.begin()
    t.throws(() => read.serve(scanner, true), { code })
    read.release()
    t.equal(Buffer.from(scanner.takeUnread()).toString(), bytes)
  }
})

t.test('MessageRead: goes on where it is, when more has come', async (t) => {
  const scanner = scannerOf('!', 'a:')
  const read = new MessageRead(new MessageScanner<string>(pairs, {}, scanner), undefined, new Queue())
  scanner.setTerminator(read.terminator)
  read.begin()
  t.equal(read.serve(scanner, false), 'hungry')
  scanner.write(Buffer.from('b;'))
  t.equal(read.serve(scanner, false), 'over')
  t.equal(await read.promise, 'a=b')
})
